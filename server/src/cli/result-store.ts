/** `--cache DIR` and `--no-cache`: where results are found and kept. */
import { resolve } from 'node:path';
import { openResultStore, type ResultStore } from '../analysis/index.js';
import type { ParsedArguments } from './arguments.js';
import type { Output } from './output.js';

/** The folder that was asked for; undefined for that of this user, null where nothing is to be kept. */
export function cacheFolder(parsed: ParsedArguments): string | null | undefined {
  if (parsed.flag('no-cache')) return null;
  const folder = parsed.text('cache');
  return folder === undefined ? undefined : resolve(folder);
}

/** The store that was asked for, by itself that of this user; undefined where everything is to be measured anew. */
export function resultStore(parsed: ParsedArguments, output: Output): ResultStore | undefined {
  const folder = cacheFolder(parsed);
  if (folder === null) return undefined;
  return openResultStore({
    folder,
    onProblem: ({ code, message }) => {
      output.note(`warning ${code}: ${message}`);
    },
  });
}
