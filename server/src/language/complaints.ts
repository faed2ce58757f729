/**
 * Collects diagnostics up to a limit, so that a file that is no plan at all gives one clear picture at once. What
 * comes after the limit is counted and costs nothing more. Knows no rule of the language.
 */
import type { Diagnostic, Fix, Severity, TextRange } from './diagnostic.js';

/** The codes of what the text alone shows to be wrong. */
export const TEXT_DIAGNOSTIC_CODES = [
  'syntax',
  'unknown-statement',
  'option-unknown',
  'number',
  'unknown-format',
  'unknown-metric',
  'bad-direction',
  'generator',
  'regex-invalid',
  'unknown-target',
  'unknown-objective',
  'duplicate',
  'model-statement-missing',
] as const;

export type TextDiagnosticCode = (typeof TEXT_DIAGNOSTIC_CODES)[number];

/** How many diagnostics a text can have before the rest is only counted. */
export const DIAGNOSTIC_LIMIT = 200;

export interface Complaint {
  readonly message: string;
  readonly fixes?: readonly Fix[];
}

export class Complaints {
  readonly diagnostics: Diagnostic[] = [];
  /** Of those that were only counted. */
  dropped = 0;
  private firstDropped: TextRange | undefined;

  get full(): boolean {
    return this.diagnostics.length >= DIAGNOSTIC_LIMIT;
  }

  /** `describe` runs only if the diagnostic is kept. */
  add(code: TextDiagnosticCode, severity: Severity, range: TextRange, describe: () => Complaint): void {
    if (this.full) {
      this.dropped++;
      this.firstDropped ??= range;
      return;
    }
    const { message, fixes } = describe();
    this.diagnostics.push({
      code,
      severity,
      range,
      message,
      ...(fixes !== undefined && fixes.length > 0 ? { fixes } : {}),
    });
  }

  error(code: TextDiagnosticCode, range: TextRange, describe: () => Complaint): void {
    this.add(code, 'error', range, describe);
  }

  /** Both collections in the order of the text, within the limit, with a last one that says how many are left out. */
  static merge(first: Complaints, second: Complaints): Diagnostic[] {
    const all = [...first.diagnostics, ...second.diagnostics].sort((a, b) => a.range.start - b.range.start);
    const kept = all.slice(0, DIAGNOSTIC_LIMIT);
    const dropped = all.length - kept.length + first.dropped + second.dropped;
    const range = all[DIAGNOSTIC_LIMIT]?.range ?? first.firstDropped ?? second.firstDropped;
    if (dropped > 0 && range !== undefined) {
      const message = `${dropped} more ${dropped === 1 ? 'problem is' : 'problems are'} not shown; those above come first.`;
      kept.push({ code: 'syntax', severity: 'error', range, message });
    }
    return kept;
  }
}

/** Text of the plan in a message: whole if it is short, and always on one line and visible. */
export function excerpt(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return short.replace(/[\p{C}\p{Z}]/gu, (character) =>
    character === ' '
      ? ' '
      : `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

/** `` `a`, `b` or `c` `` */
export function listed(names: readonly string[], joint = 'or'): string {
  const marked = names.map((name) => `\`${name}\``);
  if (marked.length < 2) return marked.join('');
  return `${marked.slice(0, -1).join(', ')} ${joint} ${marked[marked.length - 1] ?? ''}`;
}

/** A fix that puts another text in the place of a range. */
export function replaceWith(range: TextRange, newText: string, title = `Change to \`${newText}\``): Fix {
  return { title, edits: [{ range, newText }] };
}
