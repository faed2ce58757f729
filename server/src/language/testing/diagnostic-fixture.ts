/**
 * For tests: plan text with its diagnostics written under the lines that they stand on, so that a test reads as what
 * the user sees. Exact and complete: a diagnostic that the fixture does not show fails the test.
 *
 *     layr "conv1": fp16
 *     ^^^^ unknown-statement [Change to `layer`]
 */
import { applyEdits } from '../edits.js';
import type { Diagnostic } from '../diagnostic.js';
import { LineIndex } from '../line-index.js';

const MARK = /^ *\^+ /u;

/** The plan text of a fixture: without the lines of marks, and without the first line break. */
export function fixtureText(fixture: string): string {
  return fixture
    .replace(/^\n/u, '')
    .split('\n')
    .filter((line) => !MARK.test(line))
    .join('\n');
}

/** The text with a line of marks for each diagnostic: the reverse of `fixtureText`. */
export function annotate(text: string, diagnostics: readonly Diagnostic[]): string {
  const index = new LineIndex(text);
  const marks = new Map<number, string[]>();
  for (const diagnostic of diagnostics) {
    const { line, character } = index.positionAt(diagnostic.range.start);
    const end = Math.min(diagnostic.range.end, index.lineEnd(line));
    const width = Math.max(1, end - diagnostic.range.start);
    const severity = diagnostic.severity === 'error' ? '' : ` (${diagnostic.severity})`;
    const fixes = (diagnostic.fixes ?? []).map((fix) => ` [${fix.title}]`).join('');
    const mark = `${' '.repeat(character)}${'^'.repeat(width)} ${diagnostic.code}${severity}${fixes}`;
    marks.set(line, [...(marks.get(line) ?? []), mark]);
  }
  return text
    .split('\n')
    .flatMap((line, number) => [line, ...(marks.get(number) ?? [])])
    .join('\n');
}

/** The fixes that do not mend the diagnostic they belong to: there must be none. */
export function uselessFixes(text: string, diagnose: (text: string) => readonly Diagnostic[]): string[] {
  const before = diagnose(text);
  const useless: string[] = [];
  for (const diagnostic of before) {
    const count = countAlike(before, diagnostic);
    for (const fix of diagnostic.fixes ?? []) {
      const after = diagnose(applyEdits(text, fix.edits));
      if (countAlike(after, diagnostic) >= count) useless.push(`${diagnostic.code}: ${fix.title}`);
    }
  }
  return useless;
}

function countAlike(diagnostics: readonly Diagnostic[], wanted: Diagnostic): number {
  return diagnostics.filter(({ code, message }) => code === wanted.code && message === wanted.message).length;
}
