/** What `bench --compare` compares with: a document that `bench --json` wrote, or the last benchmark that is kept. Runs nothing. */
import { readFileSync } from 'node:fs';
import type { KeptBenchmark } from '../analysis/index.js';
import { comparableBench, type BenchFigures } from '../report/index.js';
import { CommandFailure, EXIT } from './exit-status.js';

/** In place of a file: the newest that is kept of the same plan, or else of the same model. */
export const LAST = 'last';

/** @throws {CommandFailure} where none is kept */
export function lastBench(earlier: readonly KeptBenchmark[], decisions: string): BenchFigures {
  const found = comparableBench(earlier, decisions);
  if (found !== undefined) return found;
  const message = 'no benchmark of this model on this target is kept yet; run `bench` once without --compare';
  throw new CommandFailure(EXIT.usage, 'comparison-missing', message);
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
  const { target, device, onnxRuntime, threads, busy, rows, ...rest }: Partial<Record<string, unknown>> = {
    ...document,
  };
  const texts = (
    [
      'graphics',
      'graphicsDevice',
      'platform',
      'version',
      'decisions',
      'input',
      'at',
      'model',
      'modelPath',
    ] as const
  ).map((key) => rest[key] ?? '');
  return (
    [target, device, onnxRuntime, ...texts].every((one) => typeof one === 'string') &&
    typeof threads === 'number' &&
    typeof (rest['runs'] ?? 0) === 'number' &&
    typeof busy === 'boolean' &&
    isRecord(rest['options'] ?? {}) &&
    Array.isArray(rows) &&
    rows.every(isRow)
  );
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRow(row: unknown): boolean {
  if (typeof row !== 'object' || row === null) return false;
  const { name, median, p10 = 0, p90 = 0 }: Partial<Record<string, unknown>> = { ...row };
  return typeof name === 'string' && [median, p10, p90].every((one) => typeof one === 'number');
}
