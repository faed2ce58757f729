/**
 * What a plan does to the outputs, predicted from sketches without running anything: per output and per tolerance, put
 * together over the samples as the tolerance is, each with an interval. Synchronous, and quick enough for every keystroke.
 * Confirmed by nothing: emulated inference does that.
 */
import { isFloatFormat, type LowFormatName } from '../../formats/index.js';
import { exceeds } from '../../metrics/index.js';
import {
  LayerStand,
  type Layer,
  type LayerDecision,
  type LayerNumerics,
  type RoundingEvents,
  type Tolerance,
} from '../../plan/index.js';
import { outputTables, type OutputTable } from './event-table.js';
import { RunningErrors, type OutputErrors, type SetErrors, type SquaredError } from './set-errors.js';
import {
  cosineAtLeast,
  peakSignalToNoise,
  relativeError,
  rootMeanSquare,
  signalToNoise,
  type OutputSquares,
} from './metric-formulas.js';
import type { MetricFit } from './metric-fit.js';
import type { Interval, Uncertain } from './spread.js';
import type { Sketch } from '../sketch/index.js';

/** A relative L2 error, put together in each of the ways that tolerances know. */
export interface PredictedOutput {
  readonly output: string;
  /** The root of the mean over samples of the squared error, which is how errors of layers are given. */
  readonly rootMeanSquare: Interval;
  readonly worst: Interval;
  readonly mean: Interval;
  readonly pooled: Interval;
}

export interface PredictedTolerance {
  readonly tolerance: Tolerance;
  /** Undefined where the metric cannot be predicted, for the `reason` beside it. */
  readonly value: Interval | undefined;
  /** Of `value` itself; undefined where it is. */
  readonly holds: boolean | undefined;
  readonly reason?: string | undefined;
}

export interface Prediction {
  readonly outputs: readonly PredictedOutput[];
  readonly tolerances: readonly PredictedTolerance[];
  /**
   * Low layers whose effect is in no figure: what is predicted is then too little. Those among them whose rounding makes
   * something infinite on the way, too: only measuring tells whether that arrives.
   */
  readonly missing: readonly Layer[];
  /** Low layers that were measured to make an output infinite or NaN. */
  readonly nonFinite: readonly Layer[];
}

/** Squared relative errors of single layers that were measured, by output; in place of what a sketch cannot say. */
export type MeasuredSquares = ReadonlyMap<Layer, ReadonlyMap<string, number>>;

/** By `fitKey`. */
export type MetricFits = ReadonlyMap<string, MetricFit>;

/** What a fit is of: limits may change without anything to be learnt anew. */
export function fitKey({ output, metric, over }: Pick<Tolerance, 'output' | 'metric' | 'over'>): string {
  return JSON.stringify([output, metric, over]);
}

/** What is known of one format. */
interface FormatErrors {
  readonly events: RoundingEvents;
  readonly tables: readonly OutputTable[];
  readonly running: RunningErrors;
  readonly stands: Uint8Array;
}

/** Predicts plans of one model on its samples; each call updates what the one before has added up. */
export class Predictor {
  private readonly formats: readonly FormatErrors[];
  private readonly placeOf: ReadonlyMap<number, number>;
  private readonly layers: readonly Layer[];
  private fits: MetricFits = new Map();

  /** @param sketches one for each low format; all of the same layers, samples and outputs. */
  constructor(
    sketches: readonly Sketch[],
    private readonly measured: MeasuredSquares = new Map(),
  ) {
    this.formats = sketches.map(({ events, samples, probes }) => {
      const tables = outputTables(events.events, samples, probes);
      const stands = new Uint8Array(events.layers.length);
      return { events, tables, running: new RunningErrors(events, tables), stands };
    });
    this.layers = sketches[0]?.events.layers ?? [];
    this.placeOf = new Map(this.layers.map(({ nodeIndex }, place) => [nodeIndex, place]));
  }

  /** Decisions on layers that were not sketched, or in formats or with options that were not, are named as missing. */
  predict(decisions: readonly LayerDecision[], tolerances: readonly Tolerance[] = []): Prediction {
    const missing = this.setStands(decisions);
    const nonFinite: Layer[] = [];
    const replaced: Layer[] = [];
    const found = this.formats.map(({ running, stands }): SetErrors => {
      const errors = running.of(stands);
      for (const place of [...errors.unknown, ...errors.nonFinite]) {
        const layer = this.layers[place];
        if (layer === undefined) continue;
        const measured = this.measured.get(layer);
        // An infinity on the way need not arrive: a Clip, a Sigmoid or a division by it makes something finite of it.
        if (measured === undefined) missing.push(layer);
        else if ([...measured.values()].every(Number.isFinite)) replaced.push(layer);
        else nonFinite.push(layer);
      }
      return errors;
    });
    const squares = this.outputSquares(found, [...replaced, ...nonFinite]);
    return {
      outputs: squares.map(({ output, ...own }) => ({
        output,
        rootMeanSquare: rootMeanSquare(own),
        worst: relativeError(own, 'worst'),
        mean: relativeError(own, 'mean'),
        pooled: relativeError(own, 'pooled'),
      })),
      tolerances: tolerances.map((tolerance): PredictedTolerance => {
        const own = squares.find(({ output }) => output === tolerance.output);
        const value =
          own === undefined ? { reason: 'nothing is known of the output' } : this.metricOf(tolerance, own);
        if ('reason' in value) return { tolerance, value: undefined, holds: undefined, ...value };
        return { tolerance, value, holds: !exceeds(value.value, tolerance.operator, tolerance.limit) };
      }),
      missing,
      nonFinite,
    };
  }

  private setStands(decisions: readonly LayerDecision[]): Layer[] {
    const missing: Layer[] = [];
    for (const { stands } of this.formats) stands.fill(LayerStand.exact);
    for (const { layer, format, numerics } of decisions) {
      if (format === 'original' || format === 'fp32') continue;
      const place = this.placeOf.get(layer.nodeIndex);
      let isKnown = false;
      for (const { events, stands } of this.formats) {
        if (place === undefined) continue;
        const isOwn = events.format === format;
        stands[place] = isOwn ? LayerStand.low : LayerStand.otherLow;
        isKnown ||= isOwn && isPlain(format, numerics);
      }
      if (!isKnown) missing.push(layer);
    }
    return missing;
  }

  /** The squared errors of all formats together, by output and sample. */
  private outputSquares(
    found: readonly SetErrors[],
    replaced: readonly Layer[],
  ): readonly (OutputSquares & { readonly output: string })[] {
    const [first] = found;
    return (first?.outputs ?? []).map(({ table }, place) => {
      const { output, norms, peaks, elements } = table;
      const parts = found.flatMap(({ outputs }) => outputs[place] ?? []);
      const beside = replaced.reduce((sum, layer) => sum + (this.measured.get(layer)?.get(output) ?? 0), 0);
      const errors = Array.from({ length: table.samples }, (_, sample): Uncertain => {
        if (!Number.isFinite(beside)) return { mean: Number.POSITIVE_INFINITY, variance: 0 };
        return uncertain(parts, sample, beside);
      });
      return { output, errors, norms, peaks, elements };
    });
  }

  private metricOf(tolerance: Tolerance, squares: OutputSquares): Interval | { readonly reason: string } {
    const { metric, over } = tolerance;
    switch (metric.name) {
      case 'relative_l2':
        return relativeError(squares, over);
      case 'sqnr':
        return signalToNoise(squares, over);
      case 'psnr':
        return peakSignalToNoise(squares, over);
      case 'own_error':
      case 'own_score':
        return { reason: 'a metric of your own is only measured' };
      default: {
        const fit = this.fits.get(fitKey(tolerance));
        if (fit !== undefined) return fit.at(relativeError(squares, over));
        return metric.name === 'cosine'
          ? cosineAtLeast(squares, over)
          : { reason: 'no emulated plans have shown yet what this metric makes of errors' };
      }
    }
  }

  /** Metrics that no formula gives are predicted by these from now on, too: plans of one model share what is known of it. */
  learn(fits: MetricFits): void {
    this.fits = new Map([...this.fits, ...fits]);
  }

  /** Whether anything is known of the layer in the format. */
  isKnown(layer: Layer, format: string): boolean {
    const place = this.placeOf.get(layer.nodeIndex);
    return this.formats.some(
      ({ events, running }) => events.format === format && place !== undefined && running.isKnown(place),
    );
  }
}

/** Whether the format alone says how the layer is rounded, as sketches take it; what else its options ask for has other errors. */
function isPlain(format: LowFormatName, numerics: LayerNumerics | undefined): boolean {
  if (numerics === undefined) return true;
  const { weights, accumulate, stochastic, quantize, perChannel, scale } = numerics;
  const isQuantized =
    !isFloatFormat(format) && ((quantize?.name ?? 'minmax') !== 'minmax' || perChannel === true);
  const isSummed = (accumulate?.kind ?? 'fp32') !== 'fp32';
  return !isQuantized && !isSummed && weights === undefined && stochastic !== true && scale === undefined;
}

function uncertain(parts: readonly OutputErrors[], sample: number, beside: number): Uncertain {
  let mean = beside;
  let variance = 0;
  for (const part of parts) {
    const { dimensions } = part;
    const { coherent, independent } = shrunk(part, sample);
    mean += coherent.mean + independent;
    variance +=
      coherent.variance +
      // What is rounded, and how, is another draw in each plan.
      (2 * independent ** 2 + 4 * coherent.mean * independent + 2 * coherent.mean ** 2) / dimensions;
  }
  return { mean, variance };
}

/**
 * The estimate of one sample's coherent part is drawn towards the mean of all samples as far as it is noise: K probes
 * estimate a square with a relative variance of 2 / K, and what samples differ by beyond that is theirs (W. James and C. Stein,
 * "Estimation with quadratic loss", 1961).
 */
function shrunk(
  { table, samples }: OutputErrors,
  sample: number,
): { readonly coherent: Uncertain; readonly independent: number } {
  const own: SquaredError = samples[sample] ?? { coherent: 0, independent: 0 };
  if (table.exact) return { coherent: { mean: own.coherent, variance: 0 }, independent: own.independent };
  const mean = samples.reduce((sum, one) => sum + one.coherent, 0) / Math.max(1, samples.length);
  const noise = (2 / table.probes) * mean ** 2;
  const seen =
    samples.reduce((sum, one) => sum + (one.coherent - mean) ** 2, 0) / Math.max(1, samples.length - 1);
  const kept = seen > 0 ? Math.max(0, 1 - noise / seen) : 0;
  const estimate = mean + kept * (own.coherent - mean);
  const variance = (2 / table.probes) * estimate ** 2 * Math.max(kept, 1 / Math.max(1, samples.length));
  return { coherent: { mean: estimate, variance }, independent: own.independent };
}
