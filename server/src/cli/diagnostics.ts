/**
 * Diagnostics as text for people (`PATH:LINE:COL: severity code: message`), as JSON, and in the forms that
 * code-review services read. Lines and columns count from 1 in text and SARIF, from 0 in our own JSON.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LineIndex, type Diagnostic } from '../language/index.js';

/** A diagnostic with the file and the lines that it stands on. */
export interface PlacedDiagnostic {
  readonly path: string;
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  };
  readonly severity: Diagnostic['severity'];
  readonly code: string;
  readonly message: string;
}

/** Finds line and column of each diagnostic; `text` is the content of `path`, other files are read. */
export function placeDiagnostics(
  path: string,
  text: string,
  diagnostics: readonly Diagnostic[],
): PlacedDiagnostic[] {
  const indexes = new Map([[path, new LineIndex(text)]]);
  return diagnostics.map((diagnostic) => {
    const file = diagnostic.path ?? path;
    let index = indexes.get(file);
    if (index === undefined) {
      index = new LineIndex(readOrEmpty(file));
      indexes.set(file, index);
    }
    return {
      path: file,
      range: { start: index.positionAt(diagnostic.range.start), end: index.positionAt(diagnostic.range.end) },
      severity: diagnostic.severity,
      code: diagnostic.code,
      message: diagnostic.message,
    };
  });
}

/** `plan.precision:3:7: error unknown-layer: ...`, the path relative to `folder` where that is shorter. */
export function diagnosticLine(
  { path, range, severity, code, message }: PlacedDiagnostic,
  folder: string,
): string {
  const shown = shorter(path, folder);
  return `${shown}:${range.start.line + 1}:${range.start.character + 1}: ${severity} ${code}: ${message}`;
}

/** Workflow commands that GitHub turns into annotations. */
export function githubLines(diagnostics: readonly PlacedDiagnostic[], folder: string): string[] {
  const level = { error: 'error', warning: 'warning', information: 'notice', hint: 'notice' } as const;
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const data = (text: string): string =>
    text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return diagnostics.map(
    ({ path, range, severity, code, message }) =>
      `::${level[severity]} file=${property(shorter(path, folder))},line=${range.start.line + 1},` +
      `col=${range.start.character + 1},endLine=${range.end.line + 1},endColumn=${range.end.character + 1},` +
      `title=${property(code)}::${data(message)}`,
  );
}

/** A SARIF 2.1.0 log with one run. */
export function sarifLog(diagnostics: readonly PlacedDiagnostic[], folder: string, version: string): unknown {
  const level = { error: 'error', warning: 'warning', information: 'note', hint: 'note' } as const;
  const rules = [...new Set(diagnostics.map((one) => one.code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'onnx-precision', version, rules: rules.map((id) => ({ id })) } },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map(({ path, range, severity, code, message }) => ({
          ruleId: code,
          level: level[severity],
          message: { text: message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(shorter(path, folder)) },
                region: {
                  startLine: range.start.line + 1,
                  startColumn: range.start.character + 1,
                  endLine: range.end.line + 1,
                  endColumn: range.end.character + 1,
                },
              },
            },
          ],
        })),
      },
    ],
  };
}

function uriOf(path: string): string {
  if (isAbsolute(path)) return pathToFileURL(path).href;
  return path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
}

function shorter(path: string, folder: string): string {
  const local = relative(folder, path);
  return local !== '' && local.length < path.length && !local.startsWith('..') ? local : path;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
