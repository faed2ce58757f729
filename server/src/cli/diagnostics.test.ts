/** Diagnostics in each form: lines and columns from 1 in text, SARIF and for GitHub, from 0 in our own JSON. */
import { writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../language/index.js';
import { folderForTests } from '../testing/index.js';
import {
  diagnosticLine,
  githubLines,
  placeDiagnostics,
  sarifLog,
  type PlacedDiagnostic,
} from './diagnostics.js';

const folder = folderForTests();

const TEXT = 'model "m.onnx"\nlayer "größe": fp61\n';
const PATH = join(folder, 'p.precision');

function at(text: string, word: string, changes: Partial<Diagnostic> = {}): Diagnostic {
  const start = text.indexOf(word);
  const range = { start, end: start + word.length };
  return { code: 'unknown-format', severity: 'error', message: 'No format "fp61".', range, ...changes };
}

function placed(...diagnostics: Diagnostic[]): PlacedDiagnostic[] {
  return placeDiagnostics(PATH, TEXT, diagnostics);
}

describe('a diagnostic', () => {
  it('is placed by lines and columns from 0', () => {
    expect(placed(at(TEXT, 'fp61'))).toEqual([
      {
        path: PATH,
        range: { start: { line: 1, character: 15 }, end: { line: 1, character: 19 } },
        severity: 'error',
        code: 'unknown-format',
        message: 'No format "fp61".',
      },
    ]);
  });

  it('in an included file is placed by the text of that file', () => {
    const included = join(folder, 'part.precision');
    const text = '# one\n# two\nlayer "a": fp61\n';
    writeFileSync(included, text);
    const [first, second] = placed(at(text, 'fp61', { path: included }), at(TEXT, 'fp61'));
    expect([first?.path, first?.range.start]).toEqual([included, { line: 2, character: 11 }]);
    expect(second?.path).toBe(PATH);
  });

  it('in a file that is gone stands at its beginning', () => {
    const [only] = placed(at(TEXT, 'fp61', { path: join(folder, 'gone.precision') }));
    expect(only?.range.start).toEqual({ line: 0, character: 0 });
  });

  it('as text is PATH:LINE:COL: severity code: message, from 1', () => {
    const [only] = placed(at(TEXT, 'fp61'));
    if (only === undefined) throw new Error('there is one');
    expect(diagnosticLine(only, folder)).toBe('p.precision:2:16: error unknown-format: No format "fp61".');
    expect(diagnosticLine(only, join(folder, 'inner'))).toMatch(`${PATH}:2:16: `);
  });

  it('for GitHub is a command with what would end it escaped', () => {
    const message = '50 % of it,\nand more: ::error::';
    const lines = githubLines(placed(at(TEXT, 'fp61', { severity: 'hint', message })), folder);
    expect(lines).toEqual([
      '::notice file=p.precision,line=2,col=16,endLine=2,endColumn=20,title=unknown-format::50 %25 of it,%0Aand more: ::error::',
    ]);
    const odd = placeDiagnostics(join(folder, 'a,b:c%.precision'), TEXT, [at(TEXT, 'fp61')]);
    expect(githubLines(odd, folder)[0]).toMatch(/file=a%2Cb%3Ac%25\.precision,/);
  });

  it('as SARIF has a rule, a level and a region from 1', () => {
    const log = sarifLog(
      placed(at(TEXT, 'fp61'), at(TEXT, 'model', { code: 'duplicate', severity: 'warning' })),
      folder,
      '1.2.3',
    );
    expect(log).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { version: '1.2.3', rules: [{ id: 'duplicate' }, { id: 'unknown-format' }] } },
          columnKind: 'utf16CodeUnits',
          results: [
            {
              ruleId: 'unknown-format',
              level: 'error',
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 'p.precision' },
                    region: { startLine: 2, startColumn: 16, endLine: 2, endColumn: 20 },
                  },
                },
              ],
            },
            { ruleId: 'duplicate', level: 'warning' },
          ],
        },
      ],
    });
  });

  it.each([
    [['a b#c?.precision'], 'a%20b%23c%3F.precision'],
    [['plans', 'ü.precision'], 'plans/%C3%BC.precision'],
  ])('as SARIF has a URI: %j', (parts, uri) => {
    const log = sarifLog(placeDiagnostics(join(folder, ...parts), TEXT, [at(TEXT, 'fp61')]), folder, '1');
    expect(JSON.stringify(log)).toContain(`"uri":"${uri}"`);
    const elsewhere = join(folder, 'elsewhere') + sep;
    const absolute = sarifLog(
      placeDiagnostics(join(folder, ...parts), TEXT, [at(TEXT, 'fp61')]),
      elsewhere,
      '1',
    );
    expect(JSON.stringify(absolute)).toContain(`"uri":"${pathToFileURL(join(folder, ...parts)).href}"`);
  });
});
