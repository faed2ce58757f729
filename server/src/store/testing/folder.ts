/** For tests: what lies in a store's folder, and what may go wrong there. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

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
