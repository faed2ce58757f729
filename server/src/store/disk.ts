/**
 * Entries on disk, shared with other processes. No locks: a name says what the content is, a file appears whole by being
 * renamed into place, and whoever renames last replaces equals by equals. Files may vanish at any moment.
 * Knows nothing of what entries mean.
 */
import { entryHeader, entryValue } from './entry.js';
import { collectFolder, type Collected, type Limits } from './collect.js';
import { systemCode, type StoreFileSystem } from './file-system.js';
import { entryPath, shardFolder, tagPath, TAG_TEXT, temporaryPath } from './layout.js';
import type { StoreProblem } from './problem.js';

/** Milliseconds: a time of use is no more exact than this, so that reading seldom writes. */
const TOUCHED_EVERY = 86_400_000;
/** Milliseconds between two collections, by whichever processes. */
const COLLECTED_EVERY = 3_600_000;
/** A process that writes this share of the budget collects at once. */
const COLLECTED_SHARE = 1 / 16;

export class Disk {
  private writtenBytes = 0;
  private askedAt = -Infinity;

  constructor(
    private readonly fileSystem: StoreFileSystem,
    private readonly folder: string,
    private readonly limits: Limits,
    private readonly report: (problem: StoreProblem) => void,
  ) {}

  /** The encoded value under `key`, if it is there and whole. */
  async read(key: string): Promise<Uint8Array | undefined> {
    const path = entryPath(this.folder, key);
    try {
      const { bytes, modified } = await this.fileSystem.read(path);
      const value = await entryValue(key, bytes);
      if (value !== undefined && Date.now() - modified > TOUCHED_EVERY) await this.touch(path);
      return value;
    } catch (error) {
      if (!isGone(error)) this.fails('store-unreadable', 'read', error);
      return undefined;
    }
  }

  async write(key: string, value: Uint8Array): Promise<void> {
    if (value.length > this.limits.budgetBytes) {
      const message = `A result of ${value.length} bytes is larger than the whole store in ${this.folder} may be.`;
      this.report({ code: 'value-too-large', message });
      return;
    }
    const path = entryPath(this.folder, key);
    const parts = [await entryHeader(key, value), value];
    try {
      if (!(await this.place(path, parts))) {
        await this.fileSystem.makeFolder(shardFolder(this.folder, key));
        if (!(await this.place(path, parts))) return;
      }
      this.writtenBytes += value.length;
    } catch (error) {
      // If the folder is gone again, even while it is made, someone is deleting the store at this moment, as anyone may.
      if (systemCode(error) === 'ENOENT') return;
      // On Windows a file that is being read may not be replaced. It holds the same as ours.
      if (isRefusal(error) && (await this.exists(path))) return;
      this.fails('store-unwritable', 'written', error);
    }
  }

  /** Whether it is time to collect: enough was written here, or no process has collected for a while. */
  async isCollectionDue(): Promise<boolean> {
    if (this.writtenBytes > this.limits.budgetBytes * COLLECTED_SHARE) return true;
    const now = Date.now();
    if (now - this.askedAt < COLLECTED_EVERY) return false;
    this.askedAt = now;
    const tag = await this.fileSystem.status(tagPath(this.folder)).catch(ignore);
    return tag === undefined || now - tag.modified >= COLLECTED_EVERY;
  }

  async collect(limits: Limits = this.limits): Promise<Collected> {
    this.writtenBytes = 0;
    const collected = await collectFolder(this.fileSystem, this.folder, limits, Date.now());
    const path = tagPath(this.folder);
    const create = (): Promise<void> => this.fileSystem.create(path, [Buffer.from(TAG_TEXT)]);
    await this.fileSystem.touch(path).catch(create).catch(ignore);
    return collected;
  }

  /** Puts a file in its place as a whole, and tells whether its folder is there. */
  private async place(path: string, parts: readonly Uint8Array[]): Promise<boolean> {
    const temporary = temporaryPath(path);
    try {
      await this.fileSystem.create(temporary, parts);
      await this.fileSystem.rename(temporary, path);
      return true;
    } catch (error) {
      await this.fileSystem.remove(temporary).catch(ignore);
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  private async touch(path: string): Promise<void> {
    // The entry was read; that its time could not be set is of no importance.
    await this.fileSystem.touch(path).catch(ignore);
  }

  private async exists(path: string): Promise<boolean> {
    return (await this.fileSystem.status(path).catch(ignore)) !== undefined;
  }

  private fails(code: StoreProblem['code'], verb: string, error: unknown): void {
    const reason = systemCode(error) ?? String(error);
    const message = `The store in ${this.folder} cannot be ${verb} (${reason}): results are computed again.`;
    this.report({ code, message });
  }
}

function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function isRefusal(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'EPERM' || code === 'EACCES' || code === 'EBUSY';
}

function ignore(): undefined {
  return undefined;
}
