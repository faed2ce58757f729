/** What the store asks of a file system. Tests put in one that fails. */
import { mkdir, open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';

/** Failures are rejections with a system `code` (`ENOENT`, `ENOSPC`, ...). */
export interface StoreFileSystem {
  /** Makes a folder that only its user may enter, and the folders above it. */
  makeFolder(path: string): Promise<void>;
  list(folder: string): Promise<readonly FolderItem[]>;
  status(path: string): Promise<FileStatus>;
  read(path: string): Promise<FileStatus & { readonly bytes: Uint8Array }>;
  /** Writes a file that must not exist yet. */
  create(path: string, parts: readonly Uint8Array[]): Promise<void>;
  /** Takes the place of a file that may be there. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes now the time of its last modification. */
  touch(path: string): Promise<void>;
}

/** Links are neither. */
export interface FolderItem {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
}

export interface FileStatus {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export const machine: StoreFileSystem = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },

  async list(folder) {
    const items = await readdir(folder, { withFileTypes: true });
    return items.map((item) => ({
      name: item.name,
      kind: item.isFile() ? 'file' : item.isDirectory() ? 'folder' : 'other',
    }));
  },

  async status(path) {
    const { size, mtimeMs } = await stat(path);
    return { size, modified: mtimeMs };
  },

  async read(path) {
    const file = await open(path, 'r');
    try {
      const { size, mtimeMs } = await file.stat();
      return { size, modified: mtimeMs, bytes: await file.readFile() };
    } finally {
      await file.close();
    }
  },

  async create(path, parts) {
    // Not flushed to the disk: what a power failure tears is found out by its checksum.
    const file = await open(path, 'wx', 0o600);
    try {
      for (const part of parts) await file.writeFile(part);
    } finally {
      await file.close();
    }
  },

  rename,
  remove: unlink,

  async touch(path) {
    const now = new Date();
    await utimes(path, now, now);
  },
};

/** The code of a system error, undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
