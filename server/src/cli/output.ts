/**
 * What the command writes: results to standard output, everything else to standard error. One JSON document
 * with `--json`; a progress bar on a terminal and plain lines elsewhere. Knows no subcommand.
 */
import type { Progress } from '../analysis/index.js';

/** The two streams, so that tests can read what was written. */
export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly error: { write(text: string): unknown; readonly isTTY?: boolean };
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Cells of the progress bar. */
const BAR = 24;
/** Lines of progress for each phase where there is no terminal: at the start, then every quarter. */
const STEPS = 4;
/** Characters that are written at once: a line each would take a system call each. */
const LONGEST_BLOCK = 1 << 16;

export class Output {
  private shown: { readonly what: string; readonly step: number } | undefined;
  private barOpen = false;
  private result: string | undefined;

  constructor(
    readonly streams: Streams,
    readonly options: OutputOptions,
  ) {}

  /** A line of the result for people; left out with `--json`. */
  line(text = ''): void {
    if (this.options.json) return;
    this.endBar();
    this.streams.out.write(`${text}\n`);
  }

  /** The one document of `--json`, written by `end`: a failure after it takes its place. */
  document(value: unknown): void {
    this.documentOf(() => value);
  }

  /** The same for a document that is long, and only made where it is asked for. */
  documentOf(make: () => unknown): void {
    if (this.options.json) this.result = `${JSON.stringify(make(), jsonNumber, 2)}\n`;
  }

  /** Lines of the result for people, made only where they are wanted. */
  linesOf(make: () => Iterable<string>): void {
    if (this.options.json) return;
    this.endBar();
    let block = '';
    for (const line of make()) {
      block += `${line}\n`;
      if (block.length < LONGEST_BLOCK) continue;
      this.streams.out.write(block);
      block = '';
    }
    if (block !== '') this.streams.out.write(block);
  }

  /** To be called once, when nothing more comes. */
  end(): void {
    this.endBar();
    if (this.result !== undefined) this.streams.out.write(this.result);
    this.result = undefined;
  }

  /** Text that is the result itself, such as a formatted plan. */
  raw(text: string): void {
    this.endBar();
    this.streams.out.write(text);
  }

  /** A remark that is no part of the result. */
  note(text: string): void {
    if (this.options.quiet) return;
    this.endBar();
    this.streams.error.write(`${text}\n`);
  }

  /** Diagnostics and failures; shown even when quiet. */
  problem(text: string): void {
    this.endBar();
    this.streams.error.write(`${text}\n`);
  }

  /** Shows how far a piece of work is. */
  readonly progress: Progress = (done, total, what) => {
    if (this.options.quiet || total <= 0) return;
    const share = Math.min(1, done / total);
    if (this.streams.error.isTTY === true) {
      const filled = Math.round(share * BAR);
      const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
      this.streams.error.write(`\r\u001b[K${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${what}`);
      this.barOpen = true;
      return;
    }
    const step = Math.floor(share * STEPS);
    if (this.shown?.what === what && this.shown.step === step) return;
    this.shown = { what, step };
    this.streams.error.write(`${what}: ${done}/${total}\n`);
  };

  private endBar(): void {
    if (!this.barOpen) return;
    this.barOpen = false;
    this.streams.error.write('\r\u001b[K');
  }
}

/** JSON has no infinities: they are written as the strings that a reader can tell from a number. */
function jsonNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}
