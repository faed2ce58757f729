/**
 * Plans of a model that were measured, emulated, and what predictions of others have from them. Knows which plans are
 * remembered and how near they are; what is told from one of them is `anchors`'.
 */
import type { Tolerance } from '../../plan/index.js';
import type { MeasuredPlan } from '../measurement/measured-plans.js';
import { anchored, commonDeviation, type SharedEffect } from './anchors.js';
import type { OutputSquares } from './metric-formulas.js';
import { fitKey } from './metric-fit.js';
import type { Interval } from './spread.js';

/** A plan that was measured, over the samples of the sketches, and has roundings in common with one that is predicted. */
export interface NearPlan {
  /** Layers that the two decide differently. */
  readonly differing: number;
  readonly plan: MeasuredPlan;
  /** How much of what its prediction was off by the other one is taken to be off by, too: 0 to 1. */
  readonly weight: number;
}

export interface NamedSquares extends OutputSquares {
  readonly output: string;
}

/**
 * By output, then by sample: the squared relative errors of one layer in one format, or of one of its options; the same object
 * wherever it is that.
 */
export type LayerSquares = ReadonlyMap<string, readonly number[]>;

/** The roundings of a plan, so that it can be compared with others. */
export interface PlanTrace {
  /** By place of a layer: a number for each way to decide it, 0 where it is as in the model. */
  readonly ways: Int32Array;
  /** By format: 1 for each event that is one of them. */
  readonly roundings: readonly Uint8Array[];
  /** Of layers that are known as a whole instead. */
  readonly replaced: ReadonlySet<LayerSquares>;
  /** 1 for each option that is one of them, in the order in which options were learnt; shorter where more were learnt since. */
  readonly options: Uint8Array;
  /** By output. Of use until the next plan is summed up. */
  readonly sharedWith: (
    other: Pick<PlanTrace, 'roundings' | 'replaced' | 'options'>,
  ) => readonly SharedEffect[];
}

interface KnownPlan {
  readonly plan: MeasuredPlan;
  readonly trace: Omit<PlanTrace, 'sharedWith'>;
  /** By `fitKey`. */
  readonly measured: ReadonlyMap<string, number>;
  /** What was predicted of it by itself. */
  readonly squares: readonly NamedSquares[];
}

/** A known plan beside one that is predicted. */
export interface ComparedPlan {
  readonly known: KnownPlan;
  readonly differing: number;
  /** By output. */
  readonly weights: ReadonlyMap<string, number>;
}

/** So many are remembered, the newest ones: to compare with each takes time at every keystroke. */
export const MOST_PLANS = 4;
/** What a lower weight changes nobody would see. */
const LEAST_WEIGHT = 0.05;

export class NearPlans {
  private plans: readonly KnownPlan[] = [];

  get isEmpty(): boolean {
    return this.plans.length === 0;
  }

  add(
    plan: MeasuredPlan,
    { ways, roundings, replaced, options }: PlanTrace,
    squares: readonly NamedSquares[],
  ): void {
    const figures = plan.tolerances.map(({ tolerance, measured }): [string, number] => [
      fitKey(tolerance),
      measured,
    ]);
    const before = this.plans.find((one) => differing(one.trace.ways, ways) === 0);
    const measured = new Map([...(before?.measured ?? []), ...figures]);
    const own = { plan, trace: { ways, roundings, replaced, options }, measured, squares };
    this.plans = [own, ...this.plans.filter((one) => one !== before)].slice(0, MOST_PLANS);
  }

  /** The known plans beside one that has just been summed up. */
  compared(trace: PlanTrace): readonly ComparedPlan[] {
    return this.plans.map((known) => {
      const count = differing(known.trace.ways, trace.ways);
      const shared = trace.sharedWith(known.trace);
      const weights = known.squares.flatMap(({ output }, place): [string, number][] => {
        const own = shared[place];
        return own === undefined ? [] : [[output, commonDeviation(own, count === 0)]];
      });
      return { known, differing: count, weights: new Map(weights) };
    });
  }

  /** `alone` as it is after the nearest of the plans, and which that was. */
  applied(
    tolerance: Tolerance,
    alone: Interval,
    plans: readonly ComparedPlan[],
    predict: (squares: readonly NamedSquares[]) => Interval | undefined,
  ): { readonly value: Interval; readonly after?: NearPlan | undefined } {
    const key = fitKey(tolerance);
    let nearest: ComparedPlan | undefined;
    let weight = LEAST_WEIGHT;
    for (const one of plans) {
      const own = one.weights.get(tolerance.output) ?? 0;
      if (own <= weight || !one.known.measured.has(key)) continue;
      weight = own;
      nearest = one;
    }
    const measured = nearest?.known.measured.get(key);
    const predicted = nearest === undefined ? undefined : predict(nearest.known.squares);
    if (nearest === undefined || measured === undefined || predicted === undefined) return { value: alone };
    const value = anchored(tolerance.metric, alone, { predicted, measured, weight });
    return value === alone
      ? { value }
      : { value, after: { plan: nearest.known.plan, differing: nearest.differing, weight } };
  }
}

/** Layers of which two plans say different things. */
function differing(one: Int32Array, other: Int32Array): number {
  let count = 0;
  for (let place = 0; place < one.length; place++) if (one[place] !== other[place]) count += 1;
  return count;
}
