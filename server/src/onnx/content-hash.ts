/** The identity of a model's content: of its file and of all files of external data that it names. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { ByteSource, Model } from './model.js';
import { findExternalFile, type TensorProblem } from './external-files.js';
import { externalLocations } from './external-locations.js';
import { fileSource, SourceFault } from './source.js';
import { modelFolder } from './tensor-bytes.js';

const CHUNK = 1 << 20;

export type HashResult = { readonly hash: string } | { readonly problem: TensorProblem };

/**
 * SHA-256 in hexadecimal. Without external data it is that of the file (what `sha256sum` prints); with external data
 * that of the digest of the model followed by name and digest of each file, in the order of the names. Constant
 * memory, and other work gets its turn between chunks; `signal` makes it reject with the signal's reason.
 */
export async function contentHash(model: Model, signal?: AbortSignal): Promise<HashResult> {
  try {
    const own = await digest(model.source, signal);
    const locations = [...externalLocations(model)].sort();
    if (locations.length === 0) return { hash: own };
    const all = createHash('sha256').update(own);
    for (const location of locations) {
      const file = findExternalFile(location, modelFolder(model), model.source.path);
      if ('problem' in file) return file;
      const source = fileSource(file.path);
      try {
        all.update(`\n${location}\n`).update(await digest(source, signal));
      } finally {
        source.close();
      }
    }
    return { hash: all.digest('hex') };
  } catch (error) {
    if (!(error instanceof SourceFault)) throw error;
    return { problem: { code: 'tensor-unreadable', message: `the model cannot be read: ${error.message}` } };
  }
}

async function digest(source: ByteSource, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < source.length; at += CHUNK) {
    hash.update(source.read(at, Math.min(CHUNK, source.length - at)));
    await setImmediate();
    signal?.throwIfAborted();
  }
  return hash.digest('hex');
}
