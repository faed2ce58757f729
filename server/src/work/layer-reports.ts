/** What analysis knows of each layer, joined: its decision, its errors, its range, its flags and the reason. Pure. */
import { metricLabel } from '../metrics/index.js';
import {
  explain,
  flagsOf,
  layerRangeIn,
  notesOf,
  readLosses,
  reasonText,
  type FlagCode,
  type InsideSum,
  type LayerRange,
  type LayerRangeFigures,
  type LocalError,
  type LocalErrors,
  type MeasuredError,
  type MeasuredErrors,
  type NoteCode,
  type OwnError,
  type Reason,
  type Sensitivity,
  type TensorRange,
} from '../analysis/index.js';
import { binadesOf, largestNumber, type FormatName } from '../formats/index.js';
import type { LayerLatencies } from './layer-latencies.js';
import { layerEnergy, type BoundPlan, type Layer, type LayerDecision } from '../plan/index.js';

interface ErrorReport {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A tensor of a layer, as the JSON document has it. */
export interface TensorReport {
  readonly tensor: string;
  readonly kind: 'output' | 'weight' | 'input';
  readonly maxAbs: number;
  /** The name of the sample that has the largest value; none for a weight. */
  readonly sample?: string;
  readonly index: number;
  readonly elements: number;
  readonly overflow: number;
  readonly underflow: number;
  readonly becomesZero: number;
  /** The power of two that would suit the values best in the format. */
  readonly scale: number;
  readonly histogram: {
    readonly zeros: number;
    readonly negative: number;
    readonly nonFinite: number;
    /** Pairs of an exponent e and how many magnitudes are from 2^e up to 2^(e+1). */
    readonly binades: readonly (readonly [number, number])[];
  };
}

/** Its first figures are null for a layer inside a sub-graph or function: of that only the weights are looked at. */
export interface RangeReport {
  readonly maxAbs: number | null;
  readonly overflow: number | null;
  readonly underflow: number | null;
  readonly tensors: readonly TensorReport[];
  /** Of what it reads, what is beyond the format's range, then what underflows in it; left out where that is nothing. */
  readonly reads?: readonly TensorReport[];
  /** What the operator adds up inside and never writes. */
  readonly inside?: InsideSum & { readonly beyond: boolean };
}

/** What analysis knows of one layer, as the JSON document has it. */
export interface LayerReport {
  readonly name: string;
  readonly op: string;
  readonly format: string;
  readonly error: ErrorReport & { readonly method: 'local' | 'measured' | 'sketch' };
  /** Scores with units of their own, by method. */
  readonly scores?: Readonly<Record<string, number>>;
  /** The local error, where `error` is measured and both were asked for. */
  readonly local?: ErrorReport;
  /** What a sketch says, where `error` is measured and both were asked for. */
  readonly sketch?: ErrorReport;
  /** Where `error` is measured: the error of each output. */
  readonly outputs?: readonly (ErrorReport & { readonly output: string })[];
  /** Where `error` is measured: what the tolerances say of a plan that lowers this layer only. */
  readonly tolerances?: readonly {
    readonly output: string;
    readonly metric: string;
    readonly measured: number;
    readonly limit: number;
    readonly holds: boolean;
  }[];
  /** Microjoules of its multiply-adds, by operation counts; left out where these are not known. */
  readonly energy?: { readonly fp32: number; readonly plan: number };
  /**
   * Milliseconds in FP32 and in the low format, each by its name, casts apart; null where that is not known. Left out where nothing was
   * asked of times.
   */
  readonly latency?: Readonly<Record<string, number | string | boolean>> | null;
  readonly range: RangeReport;
  /** Codes of the reasons to look at the layer, and of those that only explain its figures. */
  readonly flags: readonly FlagCode[];
  readonly notes: readonly NoteCode[];
  readonly reason: string;
}

/** What is known of a plan's layers; what is undefined was not asked for. */
export interface LayerFindings {
  readonly format: FormatName;
  readonly ranges: readonly LayerRange[];
  readonly local?: LocalErrors | undefined;
  readonly measured?: MeasuredErrors | undefined;
  /** What layers err by where they round, to explain their errors by; `local` where that is left out. */
  readonly own?: ReadonlyMap<Layer, OwnError> | undefined;
  /** Errors of layers by themselves however they were found, where not all are measured. */
  readonly sensitivities?: readonly Sensitivity[] | undefined;
  /** By layer and name of the score. */
  readonly scores?: ReadonlyMap<Layer, Readonly<Record<string, number>>> | undefined;
  /** The score that the reports are ordered by, layers without it last; by the error where it is left out. */
  readonly orderedBy?: string | undefined;
  /** How long a layer takes, as far as that is known. */
  readonly latencyOf?: LayerLatencies['of'] | undefined;
  /** Those that round nothing in the plan. */
  readonly quiet?: ReadonlySet<Layer> | undefined;
  /** What other methods flag. */
  readonly found?: ReadonlyMap<Layer, readonly Reason[]> | undefined;
  readonly samples: readonly { readonly name: string }[];
}

/** One report per layer, worst first: by the score that was asked for, then by the measured, sketched or local error. */
export function layerReports(plan: BoundPlan, findings: LayerFindings): LayerReport[] {
  const { format, ranges, local, measured, sensitivities, scores, quiet, found, samples } = findings;
  const rangeOf = new Map(ranges.map((range) => [range.layer, range]));
  const decisionOf = new Map(plan.decisions.map((decision) => [decision.layer, decision]));
  const localOf = new Map(local?.errors.map((error) => [error.layer, error]));
  const measuredOf = new Map(measured?.errors.map((error) => [error.layer, error]));
  const sensitivityOf = new Map(sensitivities?.map((error) => [error.layer, error]));
  const errors: readonly LocalError[] = measured?.errors ?? sensitivities ?? local?.errors ?? [];
  const methodOf = (layer: Layer): LayerReport['error']['method'] =>
    measured === undefined ? (sensitivityOf.get(layer)?.method ?? 'local') : 'measured';
  const isLocal = measured === undefined && sensitivities === undefined;
  const { orderedBy } = findings;
  const scoreIn = ({ scores: own }: LayerReport): number =>
    orderedBy === undefined ? 0 : (own?.[orderedBy] ?? Number.NEGATIVE_INFINITY);
  return errors
    .map((error): LayerReport => {
      const { layer } = error;
      const decision = decisionOf.get(layer);
      const range = withScale(rangeOf.get(layer), decision, format);
      const beside = isLocal ? undefined : localOf.get(layer);
      const sensitivity = sensitivityOf.get(layer);
      const own = scores?.get(layer);
      const reasons = explain({
        format,
        range,
        local: localOf.get(layer),
        own: findings.own?.get(layer),
        measured: measuredOf.get(layer) ?? sensitivity,
        clamped: decision?.clamped,
        accumulate: decision?.numerics?.accumulate ?? plan.accumulate,
        roundsNothing: quiet?.has(layer),
        found: found?.get(layer),
        samples,
      });
      return {
        name: layer.name,
        op: operator(layer),
        format: decision?.format ?? 'original',
        error: { ...errorReport(error), method: methodOf(layer) },
        ...(own === undefined ? {} : { scores: own }),
        ...(beside === undefined ? {} : { local: errorReport(beside) }),
        ...(measured === undefined || sensitivity?.method !== 'sketch'
          ? {}
          : { sketch: errorReport(sensitivity) }),
        ...(sensitivity === undefined ? {} : outputsReport(sensitivity)),
        ...measuredReport(measuredOf.get(layer)),
        ...energyReport(decision),
        ...latencyReport(layer, findings.latencyOf),
        range: rangeReport(range, format, samples),
        flags: flagsOf(reasons),
        notes: notesOf(reasons),
        reason: reasonText(reasons),
      };
    })
    .toSorted((a, b) => worseFirst(scoreIn(a), scoreIn(b)) || worseFirst(a.error.value, b.error.value));
}

function energyReport(decision: LayerDecision | undefined): Pick<LayerReport, 'energy'> {
  const energy = decision && layerEnergy(decision);
  return energy === undefined ? {} : { energy };
}

function latencyReport(layer: Layer, latencyOf: LayerFindings['latencyOf']): Pick<LayerReport, 'latency'> {
  if (latencyOf === undefined) return {};
  const times = latencyOf(layer);
  if (times === undefined) return { latency: null };
  const { milliseconds, estimated, fusedInto } = times;
  return { latency: { ...milliseconds, estimated, ...(fusedInto === undefined ? {} : { fusedInto }) } };
}

/** The range under the scale that the plan gives the layer, if it does. */
function withScale(
  range: LayerRange | undefined,
  decision: LayerDecision | undefined,
  format: FormatName,
): LayerRangeFigures | undefined {
  const scale = decision?.format === format ? decision.numerics?.scale : undefined;
  return range === undefined || scale === undefined ? range : layerRangeIn(range, format, scale);
}

function rangeReport(
  range: LayerRangeFigures | undefined,
  format: FormatName,
  samples: readonly { readonly name: string }[],
): RangeReport {
  const unknown = { maxAbs: null, overflow: null, underflow: null };
  if (range === undefined) return { ...unknown, tensors: [] };
  const { maxAbs, overflow, underflow, tensors, inside } = range;
  const largest = largestNumber(format);
  const reads = readLosses(range);
  return {
    ...(range.isUnseen === true ? unknown : { maxAbs, overflow, underflow }),
    tensors: tensors.map((one) => tensorReport(one, samples)),
    ...(reads.length === 0 ? {} : { reads: reads.map((one) => tensorReport(one, samples)) }),
    ...(inside === undefined ? {} : { inside: { ...inside, beyond: inside.value > largest } }),
  };
}

/** The range of a tensor in a format, with the names of the samples. */
export function tensorReport(
  {
    tensor,
    kind,
    maxAbs,
    sample,
    index,
    elements,
    overflow,
    underflow,
    becomesZero,
    scale,
    histogram,
  }: TensorRange,
  samples: readonly { readonly name: string }[],
): TensorReport {
  const { zeros, negative, nonFinite } = histogram;
  return {
    tensor,
    kind,
    maxAbs,
    ...(sample === undefined ? {} : { sample: samples[sample]?.name ?? String(sample) }),
    index,
    elements,
    overflow,
    underflow,
    becomesZero,
    scale,
    histogram: { zeros, negative, nonFinite, binades: binadesOf(histogram) },
  };
}

/** Not by difference alone: that of two infinities is no number. */
function worseFirst(one: number, other: number): number {
  return one === other ? 0 : other - one;
}

function outputsReport({ perOutput }: Pick<MeasuredError, 'perOutput'>): Pick<LayerReport, 'outputs'> {
  return { outputs: perOutput.map(({ output, value, low, high }) => ({ output, value, low, high })) };
}

function errorReport({ value, low, high }: ErrorReport): ErrorReport {
  return { value, low, high };
}

function measuredReport(error: MeasuredError | undefined): Pick<LayerReport, 'outputs' | 'tolerances'> {
  if (error === undefined) return {};
  return {
    ...outputsReport(error),
    tolerances: error.tolerances.map(({ tolerance, measured, holds }) => {
      const { output, metric, limit } = tolerance;
      return { output, metric: metricLabel(metric), measured, limit, holds };
    }),
  };
}

function operator({ node }: Layer): string {
  return node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
}
