/**
 * Offsets of a text against lines and characters, as editors count them: UTF-16 units, lines ended by `\n`,
 * `\r\n` or `\r`. Knows no protocol; its positions have the protocol's shape because there is no other.
 */
export interface LinePosition {
  /** From 0. */
  readonly line: number;
  /** UTF-16 units from the start of the line, from 0. */
  readonly character: number;
}

export class LineIndex {
  private readonly starts: Int32Array;
  private readonly length: number;

  constructor(private readonly text: string) {
    const starts = [0];
    for (let offset = 0; offset < text.length; offset++) {
      const code = text.charCodeAt(offset);
      if (code === 13 && text.charCodeAt(offset + 1) === 10) offset++;
      if (code === 10 || code === 13) starts.push(offset + 1);
    }
    this.starts = Int32Array.from(starts);
    this.length = text.length;
  }

  get lineCount(): number {
    return this.starts.length;
  }

  /** The position of an offset; offsets outside the text are moved to its nearest end. */
  positionAt(offset: number): LinePosition {
    const inside = Math.max(0, Math.min(offset, this.length));
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.startOf(middle) <= inside) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: inside - this.startOf(low) };
  }

  /** The offset of a position; a character beyond the end of its line is moved to the end of the line. */
  offsetAt(position: LinePosition): number {
    if (position.line < 0) return 0;
    if (position.line >= this.starts.length) return this.length;
    const start = this.startOf(position.line);
    return Math.max(start, Math.min(start + position.character, this.lineEnd(position.line)));
  }

  /** The offset of the first character of a line. */
  lineStart(line: number): number {
    return line <= 0 ? 0 : line >= this.starts.length ? this.length : this.startOf(line);
  }

  /** The offset after the last character of a line, before its line break. */
  lineEnd(line: number): number {
    if (line + 1 >= this.starts.length) return this.length;
    let end = this.lineStart(line + 1) - 1;
    if (
      this.text.charCodeAt(end) === 10 &&
      end > this.lineStart(line) &&
      this.text.charCodeAt(end - 1) === 13
    )
      end--;
    return end;
  }

  private startOf(line: number): number {
    return this.starts[line] ?? this.length;
  }
}
