/** Reads the Chrome traces that ONNX Runtime writes as profiles. Knows nothing of sessions. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RuntimeFailure, type ProfiledKernel } from './types.js';

const KERNEL_TIME = '_kernel_time';

/**
 * Reads the profile whose file name starts with `prefix` and deletes it. ONNX Runtime puts a time stamp behind the
 * prefix and does not say which.
 * @throws {RuntimeFailure} `failed` where there is no such file or it is no trace
 */
export function takeProfile(prefix: string): readonly ProfiledKernel[] {
  const path = profilePath(prefix);
  if (path === undefined) throw new RuntimeFailure('failed', 'ONNX Runtime wrote no profile.');
  try {
    return kernelsOfTrace(readFileSync(path, 'utf8'));
  } finally {
    rmSync(path, { force: true });
  }
}

/** Deletes the profile whose file name starts with `prefix`, if there is one. */
export function dropProfile(prefix: string): void {
  const path = profilePath(prefix);
  if (path !== undefined) rmSync(path, { force: true });
}

function profilePath(prefix: string): string | undefined {
  const folder = dirname(prefix);
  const name = readdirSync(folder).find((entry) => entry.startsWith(`${basename(prefix)}_`));
  return name === undefined ? undefined : join(folder, name);
}

/**
 * The kernels of a trace in the order in which they ran: events of category `Node` whose name ends in
 * `_kernel_time`, with durations in microseconds and shapes as `[{"float": [1, 3]}, ...]`.
 * @throws {RuntimeFailure} `failed` for a text that is no such trace
 */
export function kernelsOfTrace(text: string): readonly ProfiledKernel[] {
  const trace = parsed(text);
  if (!Array.isArray(trace)) throw new RuntimeFailure('failed', 'The profile is no list of events.');
  return trace.flatMap((event: unknown) => kernelOf(event) ?? []);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // ONNX Runtime writes the names of nodes as they are, with quotes, backslashes and line breaks.
    const escaped = text.replace(
      /("name"\s*:\s*")([^]*?)("\s*,\s*"args"\s*:\s*\{)/g,
      (_, before: string, name: string, after: string) => before + JSON.stringify(name).slice(1, -1) + after,
    );
    try {
      return JSON.parse(escaped);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RuntimeFailure('failed', `The profile cannot be read: ${reason}`);
    }
  }
}

function kernelOf(event: unknown): ProfiledKernel | undefined {
  const name = property(event, 'name');
  const duration = property(event, 'dur');
  if (property(event, 'cat') !== 'Node' || typeof name !== 'string' || !name.endsWith(KERNEL_TIME))
    return undefined;
  if (typeof duration !== 'number') return undefined;
  const details = property(event, 'args');
  return {
    name: name.slice(0, -KERNEL_TIME.length),
    opType: text(property(details, 'op_name')),
    provider: text(property(details, 'provider')),
    milliseconds: duration / 1000,
    inputShapes: shapes(property(details, 'input_type_shape')),
    outputShapes: shapes(property(details, 'output_type_shape')),
  };
}

function shapes(value: unknown): ProfiledKernel['inputShapes'] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null
      ? Object.entries(entry).map(([type, dims]: [string, unknown]) => ({
          type,
          dims: Array.isArray(dims) ? dims.filter((dim) => typeof dim === 'number') : [],
        }))
      : [],
  );
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
