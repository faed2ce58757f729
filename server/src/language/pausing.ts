/**
 * Work that can be done a little at a time: a generator that yields wherever it may be interrupted, after a fraction of a
 * millisecond. Of the same shape as the steps of the rooms above, which this room knows nothing of.
 */
export type Pausing<Result> = Generator<undefined, Result, undefined>;

/** Statements, or other things of about their size, that are one step. */
const THINGS_PER_STEP = 64;

/** Whether a step ends after so many statements. */
export function endsStep(count: number): boolean {
  return count % THINGS_PER_STEP === 0;
}

/** Does all the work at once. */
export function finished<Result>(work: Pausing<Result>): Result {
  while (true) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
