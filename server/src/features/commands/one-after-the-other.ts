/** Pieces of work that would disturb each other, one after the other. Knows nothing of the work. */

export class OneAfterTheOther {
  private last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` when all before it has ended, however that ended. Resolves with undefined, at once, where the signal is
   * aborted before its turn has come.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    const before = this.last;
    const mine = Promise.race([before, aborted(signal)]).then(() => (signal.aborted ? undefined : work()));
    // A failure is its caller's; to the next it is an end like any other.
    this.last = Promise.allSettled([before, mine]);
    return mine;
  }

  /** Resolves when all that was given has ended. */
  async idle(): Promise<void> {
    await this.last;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
