/**
 * Work that can be done a little at a time, so that a process that serves people can do something else in between: a
 * generator that yields wherever it may be interrupted, every few milliseconds at most. Knows no clock and no queue.
 */

export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Does all the work at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  while (true) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** So many nodes, or other things of about their size, are a fraction of a millisecond's work. */
const THINGS_PER_STEP = 64;

/** Whether a loop over many things of about the size of a node should yield before the one at `index`. */
export function isStep(index: number): boolean {
  return index > 0 && index % THINGS_PER_STEP === 0;
}
