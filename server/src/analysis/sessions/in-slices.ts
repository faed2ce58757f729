/**
 * Work of this process that takes long by itself, such as writing a variant of a model of thousands of nodes, done a slice
 * at a time: an editor's server that does it answers its editor in between. Knows no work.
 */
import { performance } from 'node:perf_hooks';
import type { Steps } from '../../onnx/index.js';

/** Short beside what a person notices, and long beside what lies between two slices. */
const SLICE_MILLISECONDS = 5;

/**
 * Rounds of the event loop between two slices: more than a server takes to come to its next piece of work. Rounds in which
 * nothing is done take microseconds.
 */
const ROUNDS = 12;

/** A round that takes longer was somebody else's work. */
const BUSY_MILLISECONDS = 0.5;

/** However busy others are, a slice comes after this time. */
const MOST_PATIENCE_MILLISECONDS = 100;

/**
 * @param manners whether a slice waits until nobody else has anything to do, or comes in turn with what others do: for
 * work that nobody waits for, and for work that somebody does.
 * @param now a clock in milliseconds
 */
export async function inSlices<Result>(
  steps: Steps<Result>,
  manners: 'others first' | 'in turn' = 'others first',
  now = (): number => performance.now(),
): Promise<Result> {
  // Whoever has done something just now has had a turn.
  if (manners === 'others first') await leaveToOthers(MOST_PATIENCE_MILLISECONDS, now);
  while (true) {
    const end = now() + SLICE_MILLISECONDS;
    let step = steps.next();
    while (step.done !== true && now() < end) step = steps.next();
    if (step.done === true) return step.value;
    await leaveToOthers(manners === 'others first' ? MOST_PATIENCE_MILLISECONDS : 0, now);
  }
}

/** So many rounds of the event loop: one after the other without anybody's work in them, as long as there is patience. */
async function leaveToOthers(patience: number, now: () => number): Promise<void> {
  const start = now();
  for (let rounds = 0; rounds < ROUNDS; rounds++) {
    const before = now();
    await new Promise((resolve) => setImmediate(resolve));
    const after = now();
    if (after - before > BUSY_MILLISECONDS && after - start < patience) rounds = -1;
  }
}
