/**
 * Which files a store has: `FOLDER/ab/abcd….result`, beside them `abcd….result.PID.RANDOM.tmp` while one is written, and
 * `FOLDER/CACHEDIR.TAG`, whose time of modification is when the store was last collected. Any other file in the
 * folder is not the store's and is never touched.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

const SHARD = /^[0-9a-f]{2}$/;
const ENTRY = /^[0-9a-f]{64}\.result$/;
const TEMPORARY = /^[0-9a-f]{64}\.result\.\d+\.[0-9a-f]+\.tmp$/;

/** Tells backup programs to pass over the folder (https://bford.info/cachedir/), and people that they may delete it. */
export const TAG_TEXT = `Signature: 8a477f597d28d172789f06886806bc55
# Results of ONNX Precision. This folder may be deleted at any time: they are computed again when they are needed.
`;

/** The first two digits: folders of a hundred thousand files are slow. */
export function shardFolder(folder: string, key: string): string {
  return join(folder, key.slice(0, 2));
}

export function entryPath(folder: string, key: string): string {
  return join(shardFolder(folder, key), `${key}.result`);
}

/** A name that no other process, and no other call of this one, writes to. */
export function temporaryPath(path: string): string {
  return `${path}.${process.pid}.${randomBytes(8).toString('hex')}.tmp`;
}

export function tagPath(folder: string): string {
  return join(folder, 'CACHEDIR.TAG');
}

export function isShard(name: string): boolean {
  return SHARD.test(name);
}

export function isEntry(name: string): boolean {
  return ENTRY.test(name);
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}
