/**
 * A stateful model on its samples as one sequence: what a run of one sample leaves for the next. Knows no plan and no
 * metric; every run of the whole sequence, of whatever model, goes through here.
 */
import type { TensorHandle } from '../../runtime/index.js';
import type { Sample } from '../samples/index.js';

type Tensors = Readonly<Record<string, TensorHandle>>;

/** The outputs that any sample hands on, beside those that are asked for. */
export function withStates(outputs: readonly string[], samples: readonly Sample[]): readonly string[] {
  const carried = samples.flatMap(({ carried: of = {} }) => Object.values(of));
  return [...new Set([...outputs, ...carried])];
}

/** Whether the samples are one sequence, so that each has to be run after the one before. */
export function isSequence(samples: readonly Sample[]): boolean {
  return samples.some(({ carried }) => carried !== undefined);
}

/** The feeds of a sample after a run of the one before gave `previous`. */
export function fedWithStates(
  feed: Tensors,
  sample: Sample | undefined,
  previous: Tensors | undefined,
): Tensors {
  if (sample?.carried === undefined || previous === undefined) return feed;
  const states = Object.entries(sample.carried).flatMap(([input, output]) => {
    const state = previous[output];
    return state === undefined ? [] : [[input, state] as const];
  });
  return { ...feed, ...Object.fromEntries(states) };
}
