/** Keeps an action that takes time from overlapping itself. Knows neither VS Code nor the server. */

/**
 * Wraps an action so that it runs once at a time. Calls during a run share one further run that begins when it ends,
 * since the run that is under way may have begun too early to see why they were made.
 */
export function oneAtATime(action: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = (): Promise<void> => {
    next = undefined;
    current = action().finally(() => {
      current = undefined;
    });
    return current;
  };
  return () => {
    if (next !== undefined) return next;
    if (current === undefined) return run();
    next = current.then(run, run);
    return next;
  };
}
