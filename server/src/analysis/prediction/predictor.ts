/**
 * What a plan does to the outputs, predicted from sketches without running anything: per output and per tolerance, put
 * together over the samples as the tolerance is, each with an interval. Synchronous, and quick enough for every keystroke.
 * Confirmed by nothing: emulated inference does that.
 */
import type { FormatName } from '../../formats/index.js';
import { exceeds } from '../../metrics/index.js';
import { LayerStand, rangesText, type Layer, type LayerDecision, type Tolerance } from '../../plan/index.js';
import { addedEffects, sharedEffect, type SharedEffect } from './anchors.js';
import { outputTables } from './event-table.js';
import type { OptionEffect } from './option-effects.js';
import {
  drawnSquares,
  LearntOptions,
  type KnownOption,
  type OptionSquares,
  type PlannedOption,
} from './learnt-options.js';
import { WaysToDecide, WholeEffects } from './ways.js';
import { withShares, type FormatErrors } from './planned-shares.js';
import { sampleErrors } from './sample-errors.js';
import { RunningErrors, WeightStand, type SetErrors } from './set-errors.js';
import {
  cosineAtLeast,
  peakSignalToNoise,
  relativeError,
  rootMeanSquare,
  signalToNoise,
} from './metric-formulas.js';
import { fitKey, type MetricFit } from './metric-fit.js';
import {
  NearPlans,
  type ComparedPlan,
  type LayerSquares,
  type NamedSquares,
  type NearPlan,
  type PlanTrace,
} from './near-plans.js';
import type { Interval } from './spread.js';
import type { MeasuredPlan } from '../measurement/measured-plans.js';
import { unseenPlaces, type Sketch } from '../sketch/index.js';

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
  /** Of `value` itself. Undefined where it is, and where it would hold but for what is missing in it. */
  readonly holds: boolean | undefined;
  readonly reason?: string | undefined;
  /** The emulated plan that it was told from; undefined where none is near enough to tell anything. */
  readonly after?: NearPlan | undefined;
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

/** By format: squared relative errors of single layers that were measured in it, in place of what a sketch cannot say. */
export type MeasuredSquares = ReadonlyMap<FormatName, ReadonlyMap<Layer, LayerSquares>>;

/** By `fitKey`. */
export type MetricFits = ReadonlyMap<string, MetricFit>;

/** What a plan does, before any other plan is looked at. */
interface Summed {
  readonly squares: readonly NamedSquares[];
  readonly missing: readonly Layer[];
  readonly nonFinite: readonly Layer[];
  /** Of layers that were measured in place of what a sketch cannot say. */
  readonly replaced: ReadonlySet<LayerSquares>;
  /** By `KnownOption.index`: 1 for what counts. */
  readonly options: Uint8Array;
}

/** How the layers of a plan stand. */
interface Stands {
  /** Those of which it cannot be said. */
  readonly missing: Layer[];
  readonly hasOwnWeights: boolean;
  /** What sums add to formats; those that are finite. */
  readonly sums: KnownOption[];
  /** The others. */
  readonly infinite: PlannedOption[];
  /** By place: what stands for all roundings of a layer. */
  readonly roundings: ReadonlyMap<number, PlannedOption>;
}

/** Predicts plans of one model on its samples; each call updates what the one before has added up. */
export class Predictor {
  private readonly formats: readonly FormatErrors[];
  private readonly placeOf: ReadonlyMap<number, number>;
  private readonly layers: readonly Layer[];
  private fits: MetricFits = new Map();
  private readonly near = new NearPlans();
  /** By place of a layer, of the plan that was summed up last: `WaysToDecide`. */
  private readonly ways: Int32Array;
  private readonly waysToDecide = new WaysToDecide();
  private readonly learntOptions: LearntOptions;
  private readonly effects = new WholeEffects();

  /** @param sketches one for each low format; all of the same layers, samples and outputs. */
  constructor(
    sketches: readonly Sketch[],
    private readonly measured: MeasuredSquares = new Map(),
  ) {
    this.formats = sketches.map((sketch) => {
      const { events, samples, probes } = sketch;
      const tables = outputTables(events.events, samples, probes);
      const stands = new Uint8Array(events.layers.length);
      const weights = new Uint8Array(events.layers.length);
      const running = new RunningErrors(events, tables, unseenPlaces(sketch));
      return { events, tables, running, stands, weights };
    });
    const byFormat = new Map(sketches.map(({ format, ranges }) => [format, rangesText(ranges)]));
    const runningOf = (format: FormatName): RunningErrors | undefined =>
      this.formats.find(({ events }) => events.format === format)?.running;
    this.learntOptions = new LearntOptions(sketches[0]?.outputs ?? [], byFormat, {
      isKnown: (format, { nodeIndex }) =>
        runningOf(format)?.isKnown(this.placeOf.get(nodeIndex) ?? -1) !== false,
      overflows: (format, { nodeIndex }) =>
        runningOf(format)?.isNonFinite(this.placeOf.get(nodeIndex) ?? -1) === true,
    });
    this.layers = sketches[0]?.events.layers ?? [];
    this.ways = new Int32Array(this.layers.length);
    this.placeOf = new Map(this.layers.map(({ nodeIndex }, place) => [nodeIndex, place]));
  }

  /** Decisions on layers that were not sketched, or in formats or with options that were not, are named as missing. */
  predict(decisions: readonly LayerDecision[], tolerances: readonly Tolerance[] = []): Prediction {
    const summed = this.sumUp(decisions);
    const near = !this.near.isEmpty && isWhole(summed) ? this.near.compared(this.traceOf(summed)) : [];
    return this.told(summed, tolerances, near);
  }

  /** What one layer does by itself as it is decided, options included. Plans that were measured say nothing of that. */
  alone(decision: LayerDecision, tolerances: readonly Tolerance[] = []): Prediction {
    return this.told(this.sumUp([decision]), tolerances, []);
  }

  private told(
    { squares, missing, nonFinite }: Summed,
    tolerances: readonly Tolerance[],
    near: readonly ComparedPlan[],
  ): Prediction {
    return {
      outputs: squares.map(({ output, ...own }) => ({
        output,
        rootMeanSquare: rootMeanSquare(own),
        worst: relativeError(own, 'worst'),
        mean: relativeError(own, 'mean'),
        pooled: relativeError(own, 'pooled'),
      })),
      tolerances: tolerances.map((tolerance): PredictedTolerance => {
        const alone = this.metricOf(tolerance, squares);
        if ('reason' in alone) return { tolerance, value: undefined, holds: undefined, ...alone };
        const { value, after } = this.near.applied(tolerance, alone, near, (known) => {
          const predicted = this.metricOf(tolerance, known);
          return 'reason' in predicted ? undefined : predicted;
        });
        if (exceeds(value.value, tolerance.operator, tolerance.limit)) {
          return { tolerance, value, holds: false, after };
        }
        // What leaves out a layer would promise too much.
        if (missing.length > 0) return { tolerance, value, holds: undefined, reason: missingReason(missing) };
        return { tolerance, value, holds: true, after };
      }),
      missing,
      nonFinite,
    };
  }

  /**
   * Plans near this one are predicted by what was measured of it from now on: most of their roundings are the same. A plan of
   * which not all is known tells nothing.
   */
  learnPlan(plan: MeasuredPlan): void {
    const summed = this.sumUp(plan.decisions);
    if (isWhole(summed)) this.near.add(plan, this.traceOf(summed), summed.squares);
  }

  private sumUp(decisions: readonly LayerDecision[]): Summed {
    const { missing, hasOwnWeights, sums, infinite, roundings } = this.setStands(decisions);
    const leftOut = new Set(roundings.keys());
    const nonFinite: Layer[] = [];
    const replaced = new Set<LayerSquares>();
    const beyond: LayerSquares[] = [];
    const found = this.formats.map(({ events, running, stands, weights }): SetErrors => {
      const known = this.measured.get(events.format);
      const errors = running.of(stands, hasOwnWeights ? weights : undefined, leftOut);
      for (const place of [...errors.unknown, ...errors.nonFinite]) {
        const layer = this.layers[place];
        if (layer === undefined) continue;
        // What was measured is of a layer that has one format.
        const measured = weights[place] === WeightStand.asLayer ? known?.get(layer) : undefined;
        // An infinity on the way need not arrive: a Clip, a Sigmoid or a division by it makes something finite of it.
        if (measured === undefined) missing.push(layer);
        else if ([...measured.values()].every((samples) => samples.every(Number.isFinite)))
          replaced.add(measured);
        else {
          nonFinite.push(layer);
          beyond.push(measured);
        }
      }
      return errors;
    });
    const partly = withShares(roundings, found, this.formats, this.ways).filter(
      ({ option: { isFinite, squares }, layer }) => {
        if (isFinite) return true;
        nonFinite.push(layer);
        beyond.push(squares);
        return false;
      },
    );
    for (const { option, layer } of infinite) {
      nonFinite.push(layer);
      beyond.push(option.squares);
    }
    const squares = this.outputSquares(found, [...replaced, ...beyond], sums, partly);
    const options = this.learntOptions.marks(sums, partly);
    // Of one layer several things can be missing.
    return { squares, missing: [...new Set(missing)], nonFinite: [...new Set(nonFinite)], replaced, options };
  }

  /** Of the plan that was summed up last. */
  private traceOf({ replaced, options, squares }: Summed): PlanTrace {
    const { formats, effects, learntOptions } = this;
    return {
      ways: this.ways.slice(),
      roundings: formats.map(({ running }) => running.triggeredNow()),
      replaced,
      options,
      sharedWith(other): readonly SharedEffect[] {
        const parts = formats.flatMap(({ running }, at) => {
          const roundings = other.roundings[at];
          return roundings === undefined ? [] : [running.sharedWith(roundings)];
        });
        parts.push(learntOptions.shared(options, other.options));
        return squares.map(({ output, errors }, place) => {
          const effectOf = (layer: LayerSquares): number => effects.of(output, layer, errors.length);
          const beside = sharedEffect(replaced, other.replaced, effectOf);
          return addedEffects([...parts.flatMap((part) => part[place] ?? []), beside]);
        });
      },
    };
  }

  /** How each layer and its weights stand in each format, and what their options do. */
  private setStands(decisions: readonly LayerDecision[]): Stands {
    const missing: Layer[] = [];
    const sums: KnownOption[] = [];
    const infinite: PlannedOption[] = [];
    const roundings = new Map<number, PlannedOption>();
    let hasOwnWeights = false;
    this.ways.fill(0);
    for (const { stands, weights } of this.formats) {
      stands.fill(LayerStand.exact);
      weights.fill(WeightStand.asLayer);
    }
    for (let at = 0; at < decisions.length; at++) {
      const decision = decisions[at];
      if (decision === undefined) continue;
      const { layer, format, numerics } = decision;
      if (format === 'original' || (format === 'fp32' && numerics === undefined)) continue;
      // Decisions are in the order of layers, where they are of all of them.
      const place = this.layers[at]?.nodeIndex === layer.nodeIndex ? at : this.placeOf.get(layer.nodeIndex);
      if (place !== undefined) this.ways[place] = this.waysToDecide.of(decision);
      const ofWeights = numerics?.weights;
      hasOwnWeights ||= ofWeights !== undefined;
      let isKnown = format === 'fp32';
      let areWeightsKnown = ofWeights === undefined || ofWeights === 'fp32';
      for (const { events, stands, weights } of this.formats) {
        if (place === undefined) continue;
        const isOwn = events.format === format;
        if (format !== 'fp32') stands[place] = isOwn ? LayerStand.low : LayerStand.otherLow;
        isKnown ||= isOwn;
        if (ofWeights === undefined) continue;
        const isOfWeights = events.format === ofWeights;
        weights[place] = isOfWeights ? WeightStand.low : WeightStand.elsewhere;
        areWeightsKnown ||= isOfWeights;
      }
      const { ofSums, ofRoundings } = this.learntOptions.of(decision);
      const isOwn = ofRoundings !== undefined && ofRoundings !== 'unknown' && place !== undefined;
      // What an option brings about stands in place of all that the format does, known or not.
      const isFormatKnown = isOwn || (isKnown && areWeightsKnown);
      if (!isFormatKnown || ofSums === 'unknown' || ofRoundings === 'unknown') missing.push(layer);
      if (isOwn) roundings.set(place, { option: ofRoundings, layer, format });
      if (ofSums === undefined || ofSums === 'unknown') continue;
      if (ofSums.isFinite) sums.push(ofSums);
      else infinite.push({ option: ofSums, layer, format });
    }
    return { missing, hasOwnWeights, sums, infinite, roundings };
  }

  /** What the options of a plan do and nobody has told yet: to be measured, and told by `learnOptions`. */
  unknownOptions(decisions: readonly LayerDecision[]): readonly OptionEffect[] {
    return this.learntOptions.unknown(decisions);
  }

  /** What options do counts from now on wherever a layer has them. */
  learnOptions(options: OptionSquares): void {
    this.learntOptions.learn(options);
  }

  /** The squared errors of all formats together, by output and sample. */
  private outputSquares(
    found: readonly SetErrors[],
    replaced: readonly LayerSquares[],
    sums: readonly KnownOption[],
    partly: readonly PlannedOption[],
  ): readonly NamedSquares[] {
    const [first] = found;
    return (first?.outputs ?? []).map(({ table }, place) => {
      const { output, norms, peaks, elements } = table;
      const parts = found.flatMap(({ outputs }) => outputs[place] ?? []);
      const beside = replaced.flatMap((layer) => [layer.get(output) ?? []]);
      const drawn = drawnSquares(sums, partly, place, table.samples);
      const measured = Array.from({ length: table.samples }, (_, sample) =>
        beside.reduce((sum, squares) => sum + (squares[sample] ?? 0), 0),
      );
      const errors = sampleErrors(parts, measured, drawn);
      return { output, errors, norms, peaks, elements };
    });
  }

  private metricOf(
    tolerance: Tolerance,
    outputs: readonly NamedSquares[],
  ): Interval | { readonly reason: string } {
    const { metric, over } = tolerance;
    const squares = outputs.find(({ output }) => output === tolerance.output);
    if (squares === undefined) return { reason: 'nothing is known of the output' };
    switch (metric.name) {
      case 'relative_l2':
        return relativeError(squares, over);
      case 'sqnr':
        return signalToNoise(squares, over);
      case 'psnr':
        return peakSignalToNoise(squares, over);
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

function missingReason({ length }: readonly Layer[]): string {
  return `what ${length === 1 ? 'one layer does' : `${length} layers do`} is not known`;
}

/** Whether all that the plan does is known and finite. */
function isWhole({ missing, nonFinite }: Summed): boolean {
  return missing.length === 0 && nonFinite.length === 0;
}
