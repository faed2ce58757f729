/**
 * Work that may end the compute process: tried again where the process died of something else, and given up where it has
 * died of this work twice, until something that the work depends on has changed. Knows not what the work is.
 */
import { RuntimeFailure } from '../../runtime/index.js';

/** Crashes after which work is not tried again: one may have been bad luck. */
const MOST_CRASHES = 2;
/** Times that work is begun again because the process ended between two of its calls. */
const MOST_LOSSES = 3;

/** Work that is not tried any more. */
export class GivenUp extends Error {
  constructor(what: string, crash: string) {
    super(
      `${what} crashed the runtime ${MOST_CRASHES} times and is not tried again until the plan, its model or its samples ` +
        `change: ${crash}`,
    );
    this.name = 'GivenUp';
  }
}

export interface Attempt<T> {
  /** Everything that the work depends on. */
  readonly key: string;
  /** What it is called in a message. */
  readonly what: string;
  readonly work: () => Promise<T>;
  readonly signal: AbortSignal;
  /** Called where the compute process has ended with all that it held. */
  readonly lost: () => void;
  /** Whether a crash has a reason that is not the work's own. */
  readonly excused: () => boolean;
}

export class Attempts {
  private readonly crashes = new Map<string, { readonly count: number; readonly message: string }>();

  /**
   * The result of the work.
   * @throws {GivenUp} where it crashed too often, now or before
   */
  async perform<T>({ key, what, work, signal, lost, excused }: Attempt<T>): Promise<T> {
    for (let losses = 0; ;) {
      const crashed = this.crashes.get(key);
      if (crashed !== undefined && crashed.count >= MOST_CRASHES) throw new GivenUp(what, crashed.message);
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof RuntimeFailure)) throw error;
        if (isLoss(error)) lost();
        if (signal.aborted) throw error;
        if (error.kind === 'crashed' && !excused()) {
          this.crashes.set(key, { count: (crashed?.count ?? 0) + 1, message: error.message });
        } else if (error.kind === 'stale' && losses < MOST_LOSSES) {
          losses += 1;
        } else throw error;
      }
    }
  }

  /** Lets everything be tried again: somebody asked for it by name. */
  forget(): void {
    this.crashes.clear();
  }
}

/** A cancelled call may have ended the process; what was in it is then found to be stale by the next one. */
function isLoss({ kind }: RuntimeFailure): boolean {
  return kind === 'crashed' || kind === 'stale';
}
