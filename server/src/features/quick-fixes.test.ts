/**
 * The quick fixes that the language reference names, on the sample's real model: each is offered where its diagnostic stands, and
 * applied it is the end of that diagnostic. Those of findings are in finding.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { diagnosticsOf } from './diagnostics.js';
import { quickFixesOf } from './quick-fixes.js';
import { edited, header, openWorkspace } from './testing.js';

/** The codes of the diagnostics of a plan. */
function codes(text: string): unknown[] {
  return diagnosticsOf(openWorkspace(text).open).map(({ code }) => code);
}

/** By code: a plan with the cursor on the diagnostic, and the titles of the fixes that are offered there, the likeliest first. */
const CASES: readonly (readonly [code: string, fixture: string, titles: readonly (string | RegExp)[]])[] = [
  ['unknown-statement', `${header}laier$0 "add/add": fp16\n`, [/layer/u]],
  ['unknown-format', `${header}default: fp$017\n`, [/fp16/u]],
  ['unknown-metric', `${header}tolerance "ld_3d" relative$0_l3 <= 1\n`, [/relative_l2/u]],
  ['unknown-target', `${header}target cp$0v\n`, [/cpu/u]],
  ['unknown-objective', `${header}objective lat$0ancy\n`, [/latency/u]],
  ['option-unknown', `${header}default: fp16 { reazon$0: "x" }\n`, [/reason/u]],
  ['bad-direction', `${header}tolerance "ld_3d" cosine <$0= 0.9\n`, [/>=/u]],
  ['duplicate', `${header}objective macs\nobjec$0tive size\n`, [/Remove/u]],
  ['unknown-layer', `${header}layer "conv2d_5/Con$0vv": fp16\n`, ['Change to "conv2d_5/Conv"']],
  ['unknown-layer', `${header}layer "conv2d_5/*$0": fp16\n`, ['Use `layers`']],
  ['not-a-layer', `${header}layer "input_1/Nhwc$0ToNchw": fp16\n`, ['Remove this statement']],
  ['no-match', `${header}layers "nothing/$0**": fp16\n`, ['Remove this statement']],
  ['no-match', `${header}layers matching "noth$0ing": fp16\n`, ['Remove this statement']],
  ['no-match', `${header}op LS$0TM: fp16\n`, ['Remove this statement']],
  ['no-path', `${header}between "conv2d_5/C$0onv" and "conv2d/Conv": fp16\n`, ['Swap the ends']],
  ['unknown-op', `${header}op Con$0vv: fp16\n`, ['Change to `Conv`']],
  ['shadowed', `${header}layer$0 "conv2d/Conv": fp16\nop Conv: fp32\n`, ['Remove this statement']],
  ['redundant', `${header}op Conv: fp16\nlay$0er "conv2d/Conv": fp16\n`, ['Remove this statement']],
  ['unknown-output', `${header}tolerance "ld_$04d" relative_l2 <= 1\n`, [/"ld_3d"/u]],
  [
    'input-unknown',
    'model "pose_landmark_lite.onnx"\ninput "input$0_2" = uniform(0, 1)\n',
    ['Change to "input_1"'],
  ],
  ['input-missing', 'model "pose_landmark$0_lite.onnx"\ndefault: fp16\n', [/input "input_1" = /u]],
];

describe('a quick fix', () => {
  it.each(CASES)('of %s ends it: %j', (code, fixture, titles) => {
    const { open, cursor } = openWorkspace(fixture);
    const fixes = quickFixesOf(open, { start: cursor, end: cursor }).filter(({ diagnostics }) =>
      diagnostics?.some((one) => one.code === code),
    );
    for (const [index, title] of titles.entries()) expect(fixes[index]?.title).toMatch(title);
    const [first] = fixes;
    const text = edited(open.document, first?.edit?.changes?.[open.document.uri] ?? []);
    expect(codes(open.document.getText())).toContain(code);
    expect(codes(text)).not.toContain(code);
  });
});
