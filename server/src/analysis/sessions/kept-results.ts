/** Where what is found of an evaluation is kept beyond the process, for what is found deep inside of a measurement. */
import type { Session } from '../../runtime/index.js';
import type { Evaluation } from './evaluation.js';

/** What a store does for one model on its samples. */
export interface KeptResults {
  find(kind: string, recipe: Readonly<Record<string, unknown>>): Promise<unknown>;
  keep(kind: string, recipe: Readonly<Record<string, unknown>>, value: unknown): Promise<void>;
}

/** By the session of the original, which all views of one evaluation share. */
const stores = new WeakMap<Session, KeptResults>();

/** From now on what is found of the evaluation is kept there. */
export function keepResults({ original }: Evaluation, results: KeptResults): void {
  stores.set(original, results);
}

/** What keeps results of the evaluation; undefined where nothing does. */
export function keptResults({ original }: Evaluation): KeptResults | undefined {
  return stores.get(original);
}
