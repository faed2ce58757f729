/**
 * The server's work, one piece after the other, with room between them for what arrives meanwhile: an edit that makes
 * the pieces behind it stale, or the editor's word that an answer is no longer wanted. Knows neither documents nor the protocol.
 */
import { performance } from 'node:perf_hooks';

/** A longer piece delays a keystroke noticeably. */
const LONGEST_TURN_MILLISECONDS = 50;

/**
 * Rounds of the event loop before each piece of work. In each round one message is taken in that is already here, so that
 * many may overtake; a round without any takes microseconds.
 */
const ROUNDS = 10;

export class Turns {
  private readonly urgent: (() => void)[] = [];
  private readonly ordinary: (() => void)[] = [];
  private isScheduled = false;

  /** @param reportSlow is told of a piece of work that kept everything else waiting */
  constructor(private readonly reportSlow: (message: string) => void) {}

  /**
   * Does a piece of work in a turn of its own; those that someone waits for with a finger on a key come first. `work`
   * does not throw.
   */
  take<Result>(name: string, work: () => Result, isUrgent = false): Promise<Result> {
    return new Promise((resolve) => {
      (isUrgent ? this.urgent : this.ordinary).push(() => {
        const start = performance.now();
        resolve(work());
        const took = performance.now() - start;
        if (took > LONGEST_TURN_MILLISECONDS) this.reportSlow(`${name} took ${took.toFixed(0)} ms`);
      });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    let left = ROUNDS;
    const round = (): void => {
      left--;
      if (left > 0) {
        setImmediate(round);
        return;
      }
      this.isScheduled = false;
      (this.urgent.shift() ?? this.ordinary.shift())?.();
      if (this.urgent.length + this.ordinary.length > 0) this.schedule();
    };
    setImmediate(round);
  }
}
