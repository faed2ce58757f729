/**
 * Work of this process that takes long by itself, such as writing a variant of a model of thousands of nodes, done a slice
 * at a time: an editor's server that does it answers its editor in between. Knows no work.
 */
import { performance } from 'node:perf_hooks';
import type { Steps } from '../onnx/index.js';

/** Short beside what a person notices, and long beside what lies between two slices. */
const SLICE_MILLISECONDS = 5;

/**
 * Rounds of the event loop between two slices: several times what a server takes to come to its next piece of work, so
 * that one which is busy is held up by a few percent only. Rounds in which nothing is done take microseconds.
 */
const ROUNDS = 12;

/** @param now a clock in milliseconds */
export async function inSlices<Result>(
  steps: Steps<Result>,
  now = (): number => performance.now(),
): Promise<Result> {
  while (true) {
    const end = now() + SLICE_MILLISECONDS;
    let step = steps.next();
    while (step.done !== true && now() < end) step = steps.next();
    if (step.done === true) return step.value;
    for (let round = 0; round < ROUNDS; round++) await new Promise((resolve) => setImmediate(resolve));
  }
}
