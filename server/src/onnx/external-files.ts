/**
 * Finds the file that external data is in, and refuses what leads out of the model's folder: a model from
 * elsewhere must not make us read (or hand out) other files of the machine.
 */
import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, posix, relative, sep, win32 } from 'node:path';
import { systemErrorCode } from './source.js';

export interface TensorProblem {
  readonly code: 'external-data-refused' | 'external-data-missing' | 'tensor-unreadable';
  readonly message: string;
}

export type ExternalFile =
  { readonly path: string; readonly length: number } | { readonly problem: TensorProblem };

/**
 * The real path and length of the file at `location`. It must lie in `folder`, or, where the model file is a
 * symbolic link (as caches of downloaded models make them), beside the file that the link leads to.
 */
export function findExternalFile(
  location: string,
  folder: string | undefined,
  modelPath: string | undefined,
): ExternalFile {
  if (folder === undefined) {
    return refusal(`the external data "${location}" belongs to a model that is in no folder`);
  }
  if (posix.isAbsolute(location) || win32.isAbsolute(location) || /^[a-zA-Z]:/.test(location)) {
    return refusal(
      `the external data "${location}" is named by an absolute path; it must lie in the model's folder`,
    );
  }
  if (location.split(/[/\\]/).includes('..') || location.includes('\0')) {
    return refusal(`the external data "${location}" leads out of the model's folder`);
  }
  try {
    const path = realpathSync(join(folder, location));
    const roots = [
      realpathSync(folder),
      ...(modelPath === undefined ? [] : [dirname(realpathSync(modelPath))]),
    ];
    if (!roots.some((root) => isInside(path, root))) {
      return refusal(
        `the external data "${location}" is a symbolic link that leads out of the model's folder`,
      );
    }
    const status = statSync(path);
    if (!status.isFile()) return missing(`the external data "${location}" is not a file`);
    return { path, length: status.size };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return missing(
        `the external data "${location}" is missing from ${folder}; put the file beside the model`,
      );
    }
    return missing(`the external data "${location}" in ${folder} cannot be read (${code})`);
  }
}

/** Whether a real path lies in a real folder, at any depth. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`);
}

function refusal(message: string): ExternalFile {
  return { problem: { code: 'external-data-refused', message } };
}

function missing(message: string): ExternalFile {
  return { problem: { code: 'external-data-missing', message } };
}
