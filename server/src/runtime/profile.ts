/** The profiles that ONNX Runtime writes to files: found, read and deleted. Knows nothing of sessions. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readTrace, type ProfiledKernel } from '../profiles/index.js';
import { RuntimeFailure } from './types.js';

/**
 * Reads the profile whose file name starts with `prefix` and deletes it. ONNX Runtime puts a time stamp behind the
 * prefix and does not say which.
 * @throws {RuntimeFailure} `failed` where there is no such file or it is no trace
 */
export function takeProfile(prefix: string): readonly ProfiledKernel[] {
  const path = profilePath(prefix);
  if (path === undefined) throw new RuntimeFailure('failed', 'ONNX Runtime wrote no profile.');
  try {
    const trace = readTrace(readFileSync(path, 'utf8'));
    if ('problem' in trace) {
      throw new RuntimeFailure('failed', `The profile cannot be read: ${trace.problem}`);
    }
    return trace.kernels;
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
