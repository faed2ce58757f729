/** The hints of plans, with numbers that are given: where they stand and what they say. */
import { describe, expect, it } from 'vitest';
import type { PlanNumbers } from '../analysis/index.js';
import { inlayHintsOf } from './inlay-hints.js';
import { header, inThreeFormats, measured, openWorkspace, sensitivities } from './testing.js';

/** The plan with its hints where they stand, in angle brackets. */
function checkHints(decisions: string, numbers: PlanNumbers, expected: string): void {
  const { open } = openWorkspace(header + decisions);
  const { document } = open;
  const end = document.positionAt(document.getText().length);
  const hints = inlayHintsOf(open, { start: { line: 0, character: 0 }, end }, numbers);
  let text = document.getText();
  for (const { position, label } of hints.toReversed()) {
    const offset = document.offsetAt(position);
    text = `${text.slice(0, offset)} <${typeof label === 'string' ? label : ''}>${text.slice(offset)}`;
  }
  expect(text.slice(header.length)).toBe(expected);
}

const shares = sensitivities([
  { name: 'conv2d/Conv', value: 4e-3, share: 0.82 },
  { name: 'add/add', value: 1e-3, share: 0.124 },
]);

describe('inlay hints', () => {
  it('tell the share of the tolerance and the rank of a layer that is named', () => {
    checkHints(
      'layer "add/add": fp16\nlayer "conv2d/Conv": fp32\n',
      measured({ sensitivity: shares }),
      'layer "add/add": fp16 <uses 12 % of the tolerance · 2 of 2>\n' +
        'layer "conv2d/Conv": fp32 <would use 82 % of the tolerance in fp16 · 1 of 2>\n',
    );
  });

  it('tell the error where there is no share', () => {
    const sensitivity = sensitivities([{ name: 'add/add', value: 2e-4 }]);
    checkHints(
      'layer "add/add": fp16\n',
      measured({ sensitivity }),
      'layer "add/add": fp16 <local 2.00e-4 in fp16 · 1 of 1>\n',
    );
  });

  it('tell it in the format that the layer has, and of one in FP32 in the format of a flip', () => {
    checkHints(
      'layer "conv2d/Conv": fp8_e4m3\nlayer "add/add": int8\nlayer "conv2d_5/Conv": fp8_e5m2\n',
      inThreeFormats(),
      'layer "conv2d/Conv": fp8_e4m3 <uses 90 % of the tolerance · 1 of 1>\n' +
        'layer "add/add": int8 <local 0.04 in int8 · 1 of 1>\nlayer "conv2d_5/Conv": fp8_e5m2\n',
    );
    checkHints(
      'layer "conv2d/Conv": fp32\n',
      inThreeFormats(),
      'layer "conv2d/Conv": fp32 <would use 12 % of the tolerance in fp16 · 1 of 2>\n',
    );
  });

  it('tell it with the options of the layer where that is known, and otherwise what they leave out', () => {
    const decisions = 'layer "add/add": fp16 { scale: 4 }\nlayer "conv2d/Conv": fp16 { accumulate: fp16 }\n';
    const { open } = openWorkspace(header + decisions);
    const decision = open.plan?.decisions.find(({ layer }) => layer.name === 'conv2d/Conv');
    if (decision === undefined) throw new Error('the model has the layer');
    const known = { decision, value: 0.02, low: 0.01, high: 0.04, share: 19.3 };
    checkHints(
      decisions,
      measured({ sensitivity: shares, optioned: new Map([['conv2d/Conv', known]]) }),
      'layer "add/add": fp16 { scale: 4 } <uses 12 % of the tolerance without scale: 4 · 2 of 2>\n' +
        'layer "conv2d/Conv": fp16 { accumulate: fp16 } <predicted 19.3 times the tolerance with accumulate: fp16>\n',
    );
    checkHints(
      'layer "conv2d/Conv": fp16 { accumulate: chunked(8) }\n',
      measured({ sensitivity: shares, optioned: new Map([['conv2d/Conv', known]]) }),
      'layer "conv2d/Conv": fp16 { accumulate: chunked(8) } ' +
        '<uses 82 % of the tolerance without accumulate: chunked(8) · 1 of 2>\n',
    );
  });

  it('tell what each tolerance was measured to be, the one worst off where a line sets several', () => {
    const text = `${header}tolerance "ld_3d" max_abs <= 4\ntolerance max_abs <= 3\n`;
    const { open } = openWorkspace(text);
    const verdicts = (open.plan?.tolerances ?? []).map((tolerance, index) => {
      const holds = index !== 1;
      const verdict = holds ? ('holds' as const) : ('exceeded' as const);
      return { tolerance, measured: 3.5 + index, figures: [], noise: 0.25, holds, verdict };
    });
    const numbers = measured({ verdict: { verdicts, outputs: [], samples: 2 } });
    const end = open.document.positionAt(text.length);
    const hints = (known: PlanNumbers) =>
      inlayHintsOf(open, { start: { line: 0, character: 0 }, end }, known);
    expect(hints(numbers).map(({ position, label }) => [position.line, label])).toEqual([
      [2, '3.5: holds'],
      [3, `${verdicts[1]?.tolerance.output} 4.5: exceeded`],
    ]);
    expect(hints(numbers)[0]?.tooltip).toContain('noise 0.25');
    expect(hints({ ...numbers, verdictIsStale: true })[0]?.label).toBe('3.5: holds before the last change');
    const [first] = open.plan?.tolerances ?? [];
    if (first === undefined) throw new Error('the plan has tolerances');
    const value = { value: 5, low: 4, high: 6 };
    const prediction = { outputs: [], tolerances: [{ tolerance: first, value, holds: false }] };
    const [predicted] = hints({ ...numbers, verdictIsStale: true, prediction });
    expect(predicted?.label).toBe('predicted 5 (4 to 6): would be exceeded');
    expect(hints({ ...numbers, prediction })[0]?.label).toBe('3.5: holds');
  });

  it('stand at the end of the line, behind options and comments', () => {
    checkHints(
      'layer "add/add": fp16 {\n  pinned: true\n} # why\r\nlayer "conv2d/Conv": fp16   \n',
      measured({ sensitivity: shares }),
      'layer "add/add": fp16 {\n  pinned: true\n} # why <uses 12 % of the tolerance · 2 of 2>\r\n' +
        'layer "conv2d/Conv": fp16 <uses 82 % of the tolerance · 1 of 2>   \n',
    );
  });

  it('stand only where a line decides one layer, and that is known', () => {
    const decisions = 'default: fp16\nlayer "add/add", "conv2d/Conv": fp16\nlayer "add_1/add": fp16\n';
    checkHints(decisions, measured({ sensitivity: shares }), decisions);
  });

  it('say how they are turned off', () => {
    const { open } = openWorkspace(`${header}layer "add/add": fp16\n`);
    const range = { start: { line: 2, character: 0 }, end: { line: 3, character: 0 } };
    const [hint] = inlayHintsOf(open, range, measured({ sensitivity: shares }));
    expect(hint?.tooltip).toContain('5.00e-4 to 2.00e-3 over the samples');
    expect(hint?.tooltip).toContain('onnxPrecision.inlayHints');
    expect(
      inlayHintsOf(open, { start: range.end, end: range.end }, measured({ sensitivity: shares })),
    ).toEqual([]);
  });
});
