/**
 * Results by everything that determines them: in memory, and on disk where they outlive the process. A store never
 * fails its caller: what it cannot read is a miss, what it cannot write is lost, and `onProblem` hears of it once.
 * Knows nothing of what is stored.
 */
import { resolve } from 'node:path';
import type { Collected } from './collect.js';
import { decodeValue } from './decode.js';
import { defaultFolder, surroundings } from './default-folder.js';
import { Disk } from './disk.js';
import { encodeValue, NotStorable } from './encode.js';
import { machine, type StoreFileSystem } from './file-system.js';
import { keyOf } from './key.js';
import { onceEach, type StoreProblem } from './problem.js';
import { RecentlyUsed } from './recently-used.js';

export interface StoreOptions {
  /** Left out, the platform's folder for caches. */
  readonly folder?: string | undefined;
  /** Of disk. */
  readonly budgetBytes?: number;
  /** Days after its last use, to a day, at which a result goes. */
  readonly ageDays?: number;
  readonly memoryBytes?: number;
  readonly fileSystem?: StoreFileSystem;
  /** Called once for each code of a problem. */
  readonly onProblem?: (problem: StoreProblem) => void;
}

/**
 * `kind` says what a value is; `recipe` holds everything that determines it, as plain data: the order of its properties
 * does not matter, every number and byte in it does. Values are plain data as well: JSON with any number, `undefined`,
 * big integers, typed arrays, maps and sets. Anything else is not stored (problem `not-storable`).
 */
export interface Store {
  /** What was put under the same kind and recipe, as a copy that is the caller's own; undefined if it is not there. */
  get(kind: string, recipe: unknown): Promise<unknown>;
  /** Resolves once the value is on disk. It may be changed as soon as the call returns. */
  put(kind: string, recipe: unknown, value: unknown): Promise<void>;
  /** Removes now what is too old or exceeds the budget; this happens in the background by itself. */
  collect(): Promise<Collected>;
  /** Removes every result. */
  clear(): Promise<Collected>;
  /** Waits for what is under way. Afterwards nothing is found and nothing stored. */
  close(): Promise<void>;
}

const BUDGET_BYTES = 1e9;
const AGE_DAYS = 30;
const MEMORY_BYTES = 32 << 20;
const DAY = 86_400_000;
const NOTHING: Collected = { removedEntries: 0, removedBytes: 0, keptBytes: 0 };

/** Opens a store on disk. Reads and writes nothing yet. */
export function openStore(options: StoreOptions = {}): Store {
  const { budgetBytes = BUDGET_BYTES, ageDays = AGE_DAYS, fileSystem = machine, onProblem } = options;
  const report = onceEach(onProblem ?? (() => undefined));
  const memory = new RecentlyUsed(options.memoryBytes ?? MEMORY_BYTES);
  const folder = options.folder ?? defaultFolder(surroundings());
  if (folder === undefined) {
    report({
      code: 'no-folder',
      message: 'This user has no folder for caches: name one, or results last only as long as the process.',
    });
    return new LayeredStore(memory, undefined, report);
  }
  const limits = { budgetBytes, age: ageDays * DAY };
  return new LayeredStore(memory, new Disk(fileSystem, resolve(folder), limits, report), report);
}

/** A store that lasts as long as the process. */
export function memoryStore(options: Pick<StoreOptions, 'memoryBytes' | 'onProblem'> = {}): Store {
  const report = onceEach(options.onProblem ?? (() => undefined));
  return new LayeredStore(new RecentlyUsed(options.memoryBytes ?? MEMORY_BYTES), undefined, report);
}

class LayeredStore implements Store {
  private readonly pending = new Set<Promise<unknown>>();
  private collecting = false;
  private closed = false;

  constructor(
    private readonly memory: RecentlyUsed,
    private readonly disk: Disk | undefined,
    private readonly report: (problem: StoreProblem) => void,
  ) {}

  async get(kind: string, recipe: unknown): Promise<unknown> {
    const key = this.storable(() => keyOf(kind, recipe));
    if (key === undefined || this.closed) return undefined;
    const remembered = this.memory.get(key);
    // Decoded each time: no caller sees what another does to its copy.
    if (remembered !== undefined) return decodeValue(remembered)?.value;
    const read = await this.disk?.read(key);
    const decoded = read === undefined ? undefined : decodeValue(read);
    if (read === undefined || decoded === undefined) return undefined;
    this.memory.set(key, read);
    return decoded.value;
  }

  async put(kind: string, recipe: unknown, value: unknown): Promise<void> {
    const key = this.storable(() => keyOf(kind, recipe));
    const encoded = this.storable(() => encodeValue(value, 'kept'));
    if (key === undefined || encoded === undefined || this.closed) return;
    this.memory.set(key, encoded);
    if (this.disk === undefined) return;
    const { disk } = this;
    const written = disk.write(key, encoded);
    void this.untilClosed(written.then(() => this.collectIfDue(disk)));
    await written;
  }

  async collect(): Promise<Collected> {
    return this.disk === undefined ? NOTHING : await this.untilClosed(this.disk.collect());
  }

  async clear(): Promise<Collected> {
    this.memory.clear();
    return this.disk === undefined
      ? NOTHING
      : await this.untilClosed(this.disk.collect({ budgetBytes: 0, age: 0 }));
  }

  async close(): Promise<void> {
    this.closed = true;
    while (this.pending.size > 0) await Promise.allSettled(this.pending);
    this.memory.clear();
  }

  private async collectIfDue(disk: Disk): Promise<void> {
    if (this.collecting) return;
    this.collecting = true;
    try {
      // Again, if enough was written meanwhile.
      while (await disk.isCollectionDue()) await disk.collect();
    } catch (error) {
      // Nobody waits for it who could be told otherwise.
      this.report({ code: 'collection-failed', message: `The store cannot be tidied up: ${String(error)}` });
    } finally {
      this.collecting = false;
    }
  }

  private async untilClosed<Result>(work: Promise<Result>): Promise<Result> {
    this.pending.add(work);
    try {
      return await work;
    } finally {
      this.pending.delete(work);
    }
  }

  /** What is not storable is a mistake in the program, which its user must not pay for. */
  private storable<Result>(encode: () => Result): Result | undefined {
    try {
      return encode();
    } catch (error) {
      if (!(error instanceof NotStorable)) throw error;
      this.report({ code: 'not-storable', message: `A result is not stored: ${error.message}.` });
      return undefined;
    }
  }
}
