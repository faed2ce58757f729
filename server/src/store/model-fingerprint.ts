/**
 * The identity of a model's content, remembered: a model that was seen before, of which no file has changed since, is not
 * read again. Knows nothing of what models mean.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { contentHash, externalLocations, modelFolder, type HashResult, type Model } from '../onnx/index.js';
import { keyOf } from './key.js';
import type { Store } from './open-store.js';

const KIND = 'model-fingerprint';
/** Raised when `contentHash` changes what it hashes. */
const METHOD = 1;
const HASH = /^[0-9a-f]{64}$/;
/**
 * Milliseconds. A file that was modified this shortly ago may be modified again without its time showing it: FAT counts
 * in steps of two seconds. Git calls such an index "racy".
 */
const TOO_RECENT = 2000;

/** What tells one state of a file from another, without reading it. */
interface FileState {
  readonly location: string;
  readonly path: string;
  readonly size: bigint;
  /** Nanoseconds since 1970; `changed` is that of the entry itself, which programs cannot set back. */
  readonly modified: bigint;
  readonly changed: bigint;
  readonly inode: bigint;
}

/**
 * `contentHash(model, signal)`: the same results, problems and rejections. The hash is remembered in the store under path,
 * size, times and inode of the model's file and of each file of external data.
 */
export async function fingerprint(model: Model, store: Store, signal?: AbortSignal): Promise<HashResult> {
  signal?.throwIfAborted();
  const before = await modelState(model);
  if (before === undefined) return await contentHash(model, signal);
  const recipe = { method: METHOD, files: before };
  const remembered = await store.get(KIND, recipe);
  signal?.throwIfAborted();
  if (typeof remembered === 'string' && HASH.test(remembered)) return { hash: remembered };

  const started = Date.now();
  const result = await contentHash(model, signal);
  if ('problem' in result) return result;
  const after = await modelState(model);
  const stayed = after !== undefined && keyOf(KIND, after) === keyOf(KIND, before);
  if (stayed && isSettled(before, started)) {
    await store.put(KIND, recipe, result.hash);
  }
  return result;
}

/** The hash as far as it is remembered: reads no more of the model than the state of its files. */
export async function rememberedFingerprint(model: Model, store: Store): Promise<string | undefined> {
  const state = await modelState(model);
  if (state === undefined) return undefined;
  const remembered = await store.get(KIND, { method: METHOD, files: state });
  return typeof remembered === 'string' && HASH.test(remembered) ? remembered : undefined;
}

/**
 * The state of all files of a model, external data in the order of their locations. Undefined where a path does not
 * stand for the content: a model in memory, a file that was replaced since it was opened, one that is missing.
 */
async function modelState(model: Model): Promise<readonly FileState[] | undefined> {
  const { source } = model;
  const folder = modelFolder(model);
  if (source.path === undefined || folder === undefined || source.changed === undefined) return undefined;
  try {
    const states = [await fileState('', source.path)];
    for (const location of [...externalLocations(model)].sort()) {
      states.push(await fileState(location, join(folder, location)));
    }
    return source.changed() ? undefined : states;
  } catch {
    // Whatever keeps a file from being seen, hashing the model meets it again and can say what it is.
    return undefined;
  }
}

async function fileState(location: string, path: string): Promise<FileState> {
  const status = await stat(path, { bigint: true });
  return {
    location,
    path,
    size: status.size,
    modified: status.mtimeNs,
    changed: status.ctimeNs,
    inode: status.ino,
  };
}

function isSettled(states: readonly FileState[], now: number): boolean {
  return states.every(({ modified }) => Number(modified) / 1e6 < now - TOO_RECENT);
}
