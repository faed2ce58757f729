/** Replaces a text file as a whole: a new file beside it, then a rename, so that no moment leaves half of it. */
import { closeSync, fsyncSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { CommandFailure, EXIT } from './exit-status.js';

/** Writes `text` to `path`; a `CommandFailure` says why it could not, and the old file is then untouched. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx', fileMode(path));
    try {
      const bytes = Buffer.from(text, 'utf8');
      let written = 0;
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It was never made, or is not ours to remove: the message below is what matters.
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(EXIT.usage, 'cannot-write', why, path);
  }
}

function fileMode(path: string): number {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return 0o644;
  }
}
