/** One call after the other, in the order in which they came. Knows nothing of processes. */
import { RuntimeFailure } from './types.js';

interface Waiting {
  begin(): Promise<void>;
  drop(reason: RuntimeFailure): void;
}

export class CallQueue {
  private readonly waiting: Waiting[] = [];
  private busy = false;

  /** @param onChange called with true before the first call begins, with false when none is left */
  constructor(private readonly onChange: (busy: boolean) => void) {}

  /**
   * The result of `call`, which begins when the calls before it are done. If `signal` is aborted before that, it never
   * begins and rejects at once.
   */
  add<Result>(call: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        reject(cancelled());
      };
      const waiting: Waiting = {
        begin: () => {
          signal?.removeEventListener('abort', abort);
          return call().then(resolve, reject);
        },
        drop: (reason) => {
          signal?.removeEventListener('abort', abort);
          reject(reason);
        },
      };
      if (signal?.aborted === true) {
        reject(cancelled());
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      this.waiting.push(waiting);
      if (!this.busy) void this.work();
    });
  }

  /** Rejects the calls that have not begun. */
  clear(reason: RuntimeFailure): void {
    for (const waiting of this.waiting.splice(0)) waiting.drop(reason);
  }

  private async work(): Promise<void> {
    this.busy = true;
    this.onChange(true);
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) await next.begin();
    this.busy = false;
    this.onChange(false);
  }
}

export function cancelled(): RuntimeFailure {
  return new RuntimeFailure('cancelled', 'The computation was cancelled.');
}
