/** Positions of the protocol for offsets in a document. */
import type { Position, Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { TextRange } from '../language/index.js';

/** A range of offsets as the protocol writes it. */
export function protocolRange(document: TextDocument, { start, end }: TextRange): Range {
  return { start: document.positionAt(start), end: document.positionAt(end) };
}

/** A line break has two characters at most, before whose last one a position is moved back. */
const LONGEST_BREAK = 2;

/**
 * Positions of offsets that are asked for about in the order of the text, as long lists of a document's parts are: each is
 * found from the one before, not by a search through all lines. Gives what `TextDocument.positionAt` gives.
 */
export class Positions {
  private line = 0;
  private start = 0;
  /** Where the next line starts; infinite in the last one. */
  private end: number;

  constructor(private readonly document: TextDocument) {
    this.end = this.startOf(1);
  }

  at(offset: number): Position {
    if (offset >= this.end) this.step();
    if (offset < this.start || offset >= this.end) this.search(offset);
    const isInBreak = offset > this.end - LONGEST_BREAK;
    return isInBreak ? this.document.positionAt(offset) : { line: this.line, character: offset - this.start };
  }

  range({ start, end }: TextRange): Range {
    return { start: this.at(start), end: this.at(end) };
  }

  private step(): void {
    this.line++;
    this.start = this.end;
    this.end = this.startOf(this.line + 1);
  }

  private search(offset: number): void {
    this.line = this.document.positionAt(offset).line;
    this.start = this.startOf(this.line);
    this.end = this.startOf(this.line + 1);
  }

  private startOf(line: number): number {
    return line < this.document.lineCount ? this.document.offsetAt({ line, character: 0 }) : Infinity;
  }
}
