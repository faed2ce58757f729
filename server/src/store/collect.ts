/**
 * Removes what has not been used for too long, and what exceeds the budget, from the store's folder. Other processes
 * may read, write and collect in it meanwhile: nothing is relied on to still be there, and what is missed today is found
 * at the next collection.
 */
import { join } from 'node:path';
import { systemCode, type StoreFileSystem } from './file-system.js';
import { isEntry, isShard, isTemporary } from './layout.js';

export interface Limits {
  /** Of disk, in bytes. */
  readonly budgetBytes: number;
  /** Milliseconds since the last use. */
  readonly age: number;
}

export interface Collected {
  readonly removedEntries: number;
  /** Of disk, as are the following. */
  readonly removedBytes: number;
  readonly keptBytes: number;
}

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly used: number;
}

/** A file takes up whole blocks of disk, which is most of what small results cost. */
const BLOCK = 4096;
/** Nobody who is alive goes so long without writing: whoever began this file is dead. Milliseconds. */
const ABANDONED = 3_600_000;
const SORTED_AT_ONCE = 1000;

/** Removes entries used longer ago than `limits.age`, then those used longest ago until the rest is within budget. */
export async function collectFolder(
  fileSystem: StoreFileSystem,
  folder: string,
  limits: Limits,
  now: number,
): Promise<Collected> {
  const found = await findEntries(fileSystem, folder, now);
  let keptBytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
  let removedEntries = 0;
  let removedBytes = 0;
  for (const { path, bytes, used } of oldestFirst(found)) {
    if (now - used <= limits.age && keptBytes <= limits.budgetBytes) break;
    if (!(await isRemoved(fileSystem, path))) continue;
    keptBytes -= bytes;
    removedBytes += bytes;
    removedEntries += 1;
  }
  return { removedEntries, removedBytes, keptBytes };
}

/** Entries from the one used longest ago. Sorted in parts: a hundred thousand at once would hold up the process. */
function* oldestFirst(entries: readonly Entry[]): Generator<Entry, void> {
  const times = Float64Array.from(entries, ({ used }) => used).sort();
  let after = -Infinity;
  for (let start = 0; start < times.length; start += SORTED_AT_ONCE) {
    const until = times[Math.min(start + SORTED_AT_ONCE, times.length) - 1] ?? Infinity;
    const part = entries.filter(({ used }) => used > after && used <= until);
    // By name where the time is the same: two processes that collect at once then agree on what goes.
    yield* part.sort((a, b) => a.used - b.used || (a.path < b.path ? -1 : 1));
    after = until;
  }
}

/** The entries that can be seen. Abandoned files that were being written are removed in passing. */
async function findEntries(fileSystem: StoreFileSystem, folder: string, now: number): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const shard of await items(fileSystem, folder)) {
    if (shard.kind !== 'folder' || !isShard(shard.name)) continue;
    const files = (await items(fileSystem, join(folder, shard.name))).filter(({ kind }) => kind === 'file');
    // One shard at once: enough to keep a disk busy, not enough to keep others from it for long.
    await Promise.all(
      files.map(async ({ name }) => {
        if (!isEntry(name) && !isTemporary(name)) return;
        const path = join(folder, shard.name, name);
        const status = await fileSystem.status(path).catch(ignoreSystemError);
        if (status === undefined) return;
        if (isEntry(name)) {
          found.push({ path, bytes: Math.ceil(status.size / BLOCK) * BLOCK, used: status.modified });
        } else if (now - status.modified > ABANDONED) {
          await isRemoved(fileSystem, path);
        }
      }),
    );
  }
  return found;
}

async function items(fileSystem: StoreFileSystem, folder: string): ReturnType<StoreFileSystem['list']> {
  return (await fileSystem.list(folder).catch(ignoreSystemError)) ?? [];
}

/** Removes a file and tells whether it is gone, which is so if another process was faster. */
async function isRemoved(fileSystem: StoreFileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.remove(path);
    return true;
  } catch (error) {
    ignoreSystemError(error);
    return systemCode(error) === 'ENOENT';
  }
}

/** What cannot be seen or removed now is left for another time. */
function ignoreSystemError(error: unknown): undefined {
  if (systemCode(error) === undefined) throw error;
  return undefined;
}
