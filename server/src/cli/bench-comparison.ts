/** A benchmark beside an earlier one, which `bench --json` wrote. Knows its document; runs nothing. */
import { readFileSync } from 'node:fs';
import { CommandFailure, EXIT } from './exit-status.js';

/** What of the documents is compared. */
export interface BenchFigures {
  readonly target: string;
  readonly device: string;
  readonly onnxRuntime: string;
  readonly threads: number;
  readonly busy: boolean;
  readonly rows: readonly { readonly name: string; readonly median: number }[];
}

export interface BenchComparison {
  /** What was not the same, so that the ratios say little. */
  readonly differences: readonly string[];
  /** By row: this run's median over the earlier one's. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** @throws {CommandFailure} for a file that is no document of `bench --json` */
export function readBenchDocument(path: string): BenchFigures {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error));
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw unreadable(path, 'it is no JSON document');
  }
  if (!isFigures(document)) throw unreadable(path, 'it is not what `bench --json` prints');
  return document;
}

function unreadable(path: string, reason: string): CommandFailure {
  return new CommandFailure(EXIT.usage, 'comparison-unreadable', `cannot be compared with: ${reason}`, path);
}

function isFigures(document: unknown): document is BenchFigures {
  if (typeof document !== 'object' || document === null) return false;
  const { target, device, onnxRuntime, threads, busy, rows }: Partial<Record<string, unknown>> = {
    ...document,
  };
  return (
    [target, device, onnxRuntime].every((one) => typeof one === 'string') &&
    typeof threads === 'number' &&
    typeof busy === 'boolean' &&
    Array.isArray(rows) &&
    rows.every((row: unknown) => typeof row === 'object' && row !== null && 'name' in row && 'median' in row)
  );
}

/** Pure. Rows that only one of them has are left out. */
export function compareBenches(now: BenchFigures, before: BenchFigures): BenchComparison {
  const same = (['target', 'device', 'onnxRuntime', 'threads'] as const).filter(
    (key) => now[key] !== before[key],
  );
  const differences = same.map((key) => `${key} was ${before[key]}, is ${now[key]}`);
  if (before.busy) differences.push('the machine was busy in the earlier run');
  if (now.busy) differences.push('the machine was busy in this run');
  const medians = new Map(before.rows.map(({ name, median }) => [name, median]));
  const ratios = now.rows.flatMap(({ name, median }): [string, number][] => {
    const earlier = medians.get(name);
    return earlier === undefined || !(earlier > 0) ? [] : [[name, median / earlier]];
  });
  return { differences, ratios: Object.fromEntries(ratios) };
}
