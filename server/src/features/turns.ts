/**
 * The server's work, one piece after the other, with room between them for what arrives meanwhile: an edit that makes
 * the pieces behind it stale, or the editor's word that an answer is no longer wanted. Long work is done in slices that
 * come after everything else. Knows neither documents nor the protocol.
 */
import { performance } from 'node:perf_hooks';
import type { Steps } from '../onnx/index.js';

/** A longer piece delays a keystroke noticeably. */
const LONGEST_TURN_MILLISECONDS = 50;

/** How long steps are taken one after the other: a slice that is too short is mostly spent on what lies between two. */
const SLICE_MILLISECONDS = 6;

/**
 * Rounds of the event loop before each piece of work. In each round one message is taken in that is already here, so that
 * many may overtake; a round without any takes microseconds.
 */
const ROUNDS = 10;

/**
 * What comes before what: an answer that someone waits for with a finger on a key, any other, long work that answers wait
 * for, an answer that is long work itself, and what nobody has asked for.
 */
const ORDER = ['urgent', 'ordinary', 'preparing', 'long answer', 'background'] as const;

export type Haste = (typeof ORDER)[number];

export class Turns {
  private readonly waiting: Readonly<Record<Haste, (() => void)[]>> = {
    urgent: [],
    ordinary: [],
    preparing: [],
    'long answer': [],
    background: [],
  };
  private isScheduled = false;

  /**
   * @param reportSlow is told of a piece of work that kept everything else waiting
   * @param now a clock in milliseconds
   */
  constructor(
    private readonly reportSlow: (message: string) => void,
    private readonly now = (): number => performance.now(),
  ) {}

  /** Does a piece of work in a turn of its own. `work` does not throw. */
  take<Result>(name: string, work: () => Result, haste: Haste = 'ordinary'): Promise<Result> {
    return new Promise((resolve) => {
      this.waiting[haste].push(() => {
        this.timed(name, () => {
          resolve(work());
        });
      });
      this.schedule();
    });
  }

  /**
   * Does long work a slice at a time, each in a turn of its own, in turns with other work of the same haste. Gives undefined,
   * and the work up, once `isWanted` says no; rejects where a step throws.
   */
  takeSteps<Result>(
    name: string,
    steps: Steps<Result>,
    isWanted: () => boolean = () => true,
    haste: Haste = 'preparing',
  ): Promise<Result | undefined> {
    const waiting = this.waiting[haste];
    return new Promise((resolve, reject) => {
      const slice = (): void => {
        try {
          if (!isWanted()) {
            steps.return(undefined as never);
            resolve(undefined);
            return;
          }
          const end = this.now() + SLICE_MILLISECONDS;
          let step = steps.next();
          while (step.done !== true && this.now() < end) step = steps.next();
          if (step.done === true) resolve(step.value);
          else waiting.push(inTurn);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const inTurn = (): void => {
        this.timed(name, slice);
      };
      waiting.push(inTurn);
      this.schedule();
    });
  }

  private timed(name: string, work: () => void): void {
    const start = this.now();
    work();
    const took = this.now() - start;
    if (took > LONGEST_TURN_MILLISECONDS) this.reportSlow(`${name} took ${took.toFixed(0)} ms`);
  }

  /** What is to be done next, and what is like it. */
  private first(): (() => void)[] | undefined {
    const haste = ORDER.find((one) => this.waiting[one].length > 0);
    return haste === undefined ? undefined : this.waiting[haste];
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
      this.first()?.shift()?.();
      if (this.first() !== undefined) this.schedule();
    };
    setImmediate(round);
  }
}
