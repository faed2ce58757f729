/** For tests: what processes that share a store put into it, and what each reports in the end. */

/** How many keys are written by all of them. */
export const SHARED = 25;

/** The same in every process; some are longer than what a file system writes at once. */
export function sharedValue(index: number): unknown {
  return {
    index,
    values: Float64Array.from({ length: 1 + index * 997 }, (_, at) => Math.sin(at * (index + 1))),
  };
}

export interface Outcome {
  readonly found: number;
  readonly wrong: number;
  readonly problems: readonly string[];
}
