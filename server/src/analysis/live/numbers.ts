/**
 * What is known of a plan's layers and tolerances at a moment, for an editor to show. Data only; layers go by name,
 * since a plan is bound anew at every keystroke.
 */
import type { ToleranceVerdict } from '../noise.js';
import type { OutputMeasurement } from '../measurement.js';
import type { TensorRange } from '../tensor-range.js';

export type SensitivityMethod = 'local' | 'measured';

/** What this layer alone in the low format does. */
export interface LayerSensitivity {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly method: SensitivityMethod;
  /** 1 is the most sensitive. */
  readonly rank: number;
}

export interface LayerRangeNumbers {
  readonly maxAbs: number;
  readonly overflow: number;
  readonly underflow: number;
  readonly tensors: readonly TensorRange[];
}

/** What the plan as a whole does, measured by emulation. */
export interface PlanVerdict {
  readonly verdicts: readonly ToleranceVerdict[];
  readonly outputs: readonly OutputMeasurement[];
  readonly samples: number;
}

export type LiveState = 'idle' | 'waiting' | 'working' | 'failed';

export interface PlanNumbers {
  readonly state: LiveState;
  /** What is being done, or why it failed. */
  readonly message: string;
  readonly progress: { readonly done: number; readonly total: number } | undefined;
  readonly format: 'fp16' | 'bf16';
  readonly sensitivity: ReadonlyMap<string, LayerSensitivity>;
  readonly ranges: ReadonlyMap<string, LayerRangeNumbers>;
  readonly verdict: PlanVerdict | undefined;
  /** The verdict is of an earlier version of the plan. */
  readonly verdictIsStale: boolean;
}

export const NOTHING_KNOWN: PlanNumbers = {
  state: 'idle',
  message: '',
  progress: undefined,
  format: 'fp16',
  sensitivity: new Map(),
  ranges: new Map(),
  verdict: undefined,
  verdictIsStale: false,
};

/** Gives each layer its rank, most sensitive first. */
export function ranked(
  errors: readonly {
    readonly name: string;
    readonly value: number;
    readonly low: number;
    readonly high: number;
  }[],
  method: SensitivityMethod,
): Map<string, LayerSensitivity> {
  const order = errors.toSorted((a, b) => b.value - a.value);
  return new Map(
    order.map(({ name, value, low, high }, index) => [name, { value, low, high, method, rank: index + 1 }]),
  );
}
