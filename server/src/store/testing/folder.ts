/** For tests: a folder of a test's own, and what lies in it. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes folders that are removed after the file's last test. */
export function testFolders(): () => string {
  const root = mkdtempSync(join(tmpdir(), 'onnx-precision-store-'));
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  return () => mkdtempSync(join(root, 'store-'));
}

/** Paths of all files below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

/** Paths of the results in a store's folder. */
export function entriesIn(folder: string): string[] {
  return filesIn(folder).filter((path) => path.endsWith('.result'));
}

/** An error as the system makes it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
