/** `--cache DIR` and `--no-cache`: where results are found and kept. */
import { resolve } from 'node:path';
import { openResultStore, type ResultStore } from '../analysis/index.js';
import type { ParsedArguments } from './arguments.js';
import type { Output } from './output.js';

/** The store that was asked for, by itself that of this user; undefined where everything is to be measured anew. */
export function resultStore(parsed: ParsedArguments, output: Output): ResultStore | undefined {
  if (parsed.flag('no-cache')) return undefined;
  const folder = parsed.text('cache');
  return openResultStore({
    folder: folder === undefined ? undefined : resolve(folder),
    onProblem: ({ code, message }) => {
      output.note(`warning ${code}: ${message}`);
    },
  });
}
