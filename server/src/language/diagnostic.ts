/**
 * What a reader of text can complain of, and the edits that mend it. Shared by every room that reports on a
 * plan. Knows offsets in a text only: no lines, no editor, no protocol.
 */

/** A half-open range of UTF-16 offsets. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

export interface TextEdit {
  readonly range: TextRange;
  readonly newText: string;
}

/** A way out of a diagnostic: applying all edits, which do not overlap, mends it. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

export type Severity = 'error' | 'warning' | 'information' | 'hint';

export interface Diagnostic {
  /** A code of the language reference, such as `unknown-layer`. */
  readonly code: string;
  readonly severity: Severity;
  readonly range: TextRange;
  readonly message: string;
  readonly fixes?: readonly Fix[];
  /** Shown faded: what stands here decides nothing. */
  readonly unnecessary?: boolean;
  /** The file that `range` is in, where it is not the plan that was asked about (an included fragment). */
  readonly path?: string;
}
