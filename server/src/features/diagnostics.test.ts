import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiagnosticSeverity, DiagnosticTag } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { diagnosticsOf } from './diagnostics.js';
import { pathOfUri, uriOfPath } from './document-path.js';
import { quickFixesOf } from './quick-fixes.js';
import { folder, header, openWorkspace } from './testing.js';

/** Each diagnostic of the plan as `CODE on TEXT`, with the place in an included file as `, in NAME on TEXT`. */
function checkDiagnostics(fixture: string, expected: readonly string[]): void {
  const { open, files } = openWorkspace(fixture);
  const found = diagnosticsOf(open).map(({ code, range, relatedInformation = [] }) => {
    const places = relatedInformation.map(({ location }) => {
      const path = pathOfUri(location.uri) ?? '';
      const text = TextDocument.create(location.uri, '', 0, files.readText(path) ?? '').getText(
        location.range,
      );
      expect(dirname(path)).toBe(folder);
      return `, in ${path.slice(folder.length + 1)} on ${text}`;
    });
    return `${String(code)} on ${open.document.getText(range)}${places.join('')}`;
  });
  expect(found).toEqual(expected);
}

describe('diagnostics of a plan', () => {
  it('are none for a plan that says nothing wrong', () => {
    checkDiagnostics(`//- a.precision\n${header}default: fp16\n`, []);
  });

  it('stand where the fault is', () => {
    checkDiagnostics(`//- a.precision\n${header}default: fp17\nlayer "conv2d/Conv", "gone": fp32\n`, [
      'unknown-format on fp17',
      'unknown-layer on "gone"',
    ]);
  });

  it('of an included file stand on the include that leads to it, and say where they are', () => {
    const fixture = `//- a.precision
${header}include "good.precision"
include "outer.precision"
//- good.precision
op Softmax: fp32
//- outer.precision
# nothing of its own
include "inner.precision"
//- inner.precision
op Sigmoid: fp99
`;
    checkDiagnostics(fixture, ['unknown-format on "outer.precision", in inner.precision on fp99']);
  });

  it('carry severity, source and the mark of what decides nothing', () => {
    const { open } = openWorkspace(`//- a.precision
${header}layer "conv2d/Conv": fp16
layer "conv2d/Conv": fp32
`);
    const [diagnostic] = diagnosticsOf(open);
    expect(diagnostic).toMatchObject({
      code: 'shadowed',
      severity: DiagnosticSeverity.Hint,
      source: 'onnx-precision',
      tags: [DiagnosticTag.Unnecessary],
    });
  });

  it('beyond a thousand keep the errors, and a last one counts the rest', () => {
    const shadowed = 'layer "conv2d/Conv": fp16\n'.repeat(1500);
    const { open } = openWorkspace(`//- a.precision\n${header}${shadowed}layer "gone": fp32\n`);
    const found = diagnosticsOf(open);
    expect(found).toHaveLength(1001);
    expect(found[0]?.code).toBe('unknown-layer');
    expect(found.at(-1)?.message).toMatch(/^500 more diagnostics/);
  });
});

/** Applies the only quick fix at the cursor `$0` and expects the text of the file that it changes. */
function checkFix(fixture: string, changed: string, expected: string): void {
  const { open, cursor, text } = openWorkspace(fixture);
  const [fix, ...others] = quickFixesOf(open, { start: cursor, end: cursor });
  expect(others).toEqual([]);
  const uri = uriOfPath(resolve(folder, changed));
  expect(Object.keys(fix?.edit?.changes ?? {})).toEqual([uri]);
  const document = TextDocument.create(uri, '', 0, text(changed));
  expect(TextDocument.applyEdits(document, fix?.edit?.changes?.[uri] ?? [])).toBe(expected);
}

describe('quick fixes', () => {
  it('are offered at the diagnostic and mend the plan', () => {
    checkFix(`//- a.precision\n${header}default: fp1$0\n`, 'a.precision', `${header}default: fp16\n`);
  });

  it('at an include mend the included file', () => {
    const fixture = `//- a.precision\n${header}include "te$0am.precision"\n//- team.precision\nop Sigmoi: fp32\n`;
    checkFix(fixture, 'team.precision', 'op Sigmoid: fp32\n');
  });
});
