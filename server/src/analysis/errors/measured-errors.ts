/**
 * `measured` sensitivity: what the outputs err by with only one layer in a low format, for every layer. The ground truth
 * of a layer's effect, found by running the network: where the graph can be cut, only what lies behind the cut is
 * run for a layer, from activations that the compute process keeps, with the layer as a switch; otherwise the plan that
 * lowers nothing but this layer is measured as any plan is. Both give the same bits.
 */
import type { LowFormatName } from '../../formats/index.js';
import { allowedCuts, isMixed, switchedLayer, type SwitchedLayer } from '../../emulate/index.js';
import { combine, exceeds, type Figure } from '../../metrics/index.js';
import type { Steps } from '../../onnx/index.js';
import {
  allowsFormat,
  drawsRandomNumbers,
  layerInFormat,
  modelFacts,
  nodeRoles,
  precisionGraphSteps,
  type Layer,
  type LayerDecision,
  type NodeRole,
  type PrecisionGraph,
  type Tolerance,
} from '../../plan/index.js';
import { RuntimeFailure } from '../../runtime/index.js';
import type { Evaluation, WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { metricOf } from '../sessions/sample-metric.js';
import { judgedError, type OutputError } from './judged-error.js';
import type { LocalError } from './local-errors.js';
import { measure, type ToleranceMeasurement } from '../measurement/measurement.js';
import { nodeTimes } from './node-times.js';
import { relativeErrors, relativeSquares, type SquaredSums } from './relative-errors.js';
import { runSegment, type Figures } from './segment-runs.js';
import { chooseSegments, type Segment } from './segments.js';

/** `value`, `low` and `high` are those of the output that counts (`judgedError`). */
export interface MeasuredError extends LocalError {
  readonly perOutput: readonly OutputError[];
  /** What the tolerances would say of a plan that lowers this layer only. */
  readonly tolerances: readonly ToleranceMeasurement[];
}

export interface MeasuredErrors {
  readonly format: LowFormatName;
  /** In the order of the layers asked for, without those that cannot run in the format or draw random numbers. */
  readonly errors: readonly MeasuredError[];
  readonly sessions: number;
  readonly inferences: number;
  /** How many segments the graph was cut into, and how many layers were measured without. */
  readonly segments: number;
  readonly plain: number;
}

export interface MeasuredErrorOptions extends WorkOptions {
  /** Told of each layer as soon as it is measured over all samples, so that a cancelled run is not lost. */
  readonly finished?: (error: MeasuredError) => void;
  /** `plain` measures every layer by a session of its own: slower, the same result. */
  readonly way?: 'segments' | 'plain';
}

/** Measures the effect of each of `layers` in `format` on the outputs, over all samples of `evaluation`. */
export async function measuredErrors(
  evaluation: Evaluation,
  layers: readonly Layer[],
  format: LowFormatName,
  tolerances: readonly Tolerance[] = [],
  options: MeasuredErrorOptions = {},
): Promise<MeasuredErrors> {
  const { model, ranges } = evaluation;
  const decisions = layers
    .filter((layer) => allowsFormat(model, layer, format))
    .map((layer): LayerDecision => {
      const decision = layerInFormat(layer, format);
      return ranges === undefined ? decision : { ...decision, numerics: ranges };
    });
  return { format, ...(await measuredDecisions(evaluation, decisions, tolerances, options)) };
}

/** The same of layers that each have more decided of them than a format; no layer twice. */
export async function measuredDecisions(
  evaluation: Evaluation,
  decisions: readonly LayerDecision[],
  tolerances: readonly Tolerance[] = [],
  options: MeasuredErrorOptions = {},
): Promise<Omit<MeasuredErrors, 'format'>> {
  return new MeasuringLayers(evaluation, decisions, tolerances, options).result();
}

class MeasuringLayers {
  private readonly decisions: readonly LayerDecision[];
  private readonly roles: readonly NodeRole[];
  /** What is compared: the relative error of each output, then the tolerances. */
  private readonly questions: readonly Tolerance[];
  private readonly errors = new Map<Layer, MeasuredError>();
  private sessions = 0;
  private inferences = 0;
  private done = 0;

  constructor(
    private readonly evaluation: Evaluation,
    decisions: readonly LayerDecision[],
    private readonly tolerances: readonly Tolerance[],
    private readonly options: MeasuredErrorOptions,
  ) {
    const { model } = evaluation;
    this.decisions = decisions.filter(({ layer }) => !drawsRandomNumbers(layer.node));
    this.roles = nodeRoles(model);
    this.questions = [...evaluation.floatOutputs.map(relativeError), ...tolerances];
  }

  async result(): Promise<Omit<MeasuredErrors, 'format'>> {
    const { switched, plain } = await inSlices(this.sorted());
    const segments = switched.length === 0 ? [] : await this.segments(switched);
    if (segments.length > 0) {
      const unchanged = await this.unchangedFigures();
      for (const { cut, layers } of segments) await this.measureSegment(cut, layers, unchanged);
    }
    for (const decision of plain) await this.measurePlain(decision);
    this.options.progress?.(this.total, this.total, 'measured errors');
    return {
      errors: this.decisions.flatMap(({ layer }) => this.errors.get(layer) ?? []),
      sessions: this.sessions,
      inferences: this.inferences,
      segments: segments.length,
      plain: plain.length,
    };
  }

  /** What of the work is done in the number of layers times samples. */
  private get total(): number {
    return this.decisions.length * this.evaluation.feeds.length;
  }

  /** Which layers can be switches. */
  private *sorted(): Steps<{ readonly switched: SwitchedLayer[]; readonly plain: LayerDecision[] }> {
    if (this.options.way === 'plain' || isMixed(this.evaluation.model)) {
      return { switched: [], plain: [...this.decisions] };
    }
    const switched: SwitchedLayer[] = [];
    const plain: LayerDecision[] = [];
    for (const decision of this.decisions) {
      // A switch rounds to the format and does nothing else that options may ask for.
      const isPlain = decision.numerics === undefined;
      const one = isPlain ? switchedLayer(yield* this.graphOf(decision), decision.layer) : undefined;
      if (one === undefined) plain.push(decision);
      else switched.push(one);
      yield;
      if (this.options.signal?.aborted === true)
        throw new RuntimeFailure('cancelled', 'The work was cancelled.');
    }
    return { switched, plain };
  }

  /** The plan that lowers nothing but this layer. */
  private *graphOf(decision: LayerDecision): Steps<PrecisionGraph> {
    return yield* precisionGraphSteps(this.evaluation.model, this.roles, [decision.layer], [decision]);
  }

  private async segments(
    switched: readonly SwitchedLayer[],
  ): Promise<readonly { readonly cut: number; readonly layers: readonly SwitchedLayer[] }[]> {
    const { model, feeds } = this.evaluation;
    const byNode = new Map(switched.map((one) => [one.layer.nodeIndex, one]));
    const { order } = modelFacts(model).index;
    const times = await nodeTimes(this.evaluation, this.options.signal);
    this.sessions += 1;
    this.inferences += 1;
    const chosen = chooseSegments({
      nodes: order.map((at) => times.nodes.get(at) ?? 0),
      layers: order.map((at) => (byNode.has(at) ? 1 : 0)),
      allowed: allowedCuts(model),
      samples: feeds.length,
      open: times.open,
    });
    return chosen.map(({ from, to }: Segment) => ({
      cut: from,
      layers: order.slice(from, to).flatMap((at) => byNode.get(at) ?? []),
    }));
  }

  /** What the comparison says of outputs that a layer does not touch: `[question][sample]`. */
  private async unchangedFigures(): Promise<Figures> {
    const { runtime, references, samples } = this.evaluation;
    const figures = this.questions.map((): Figure[] => []);
    for (const [sample, reference] of references.entries()) {
      for (const [index, { output, metric }] of this.questions.entries()) {
        const exact = reference[output];
        if (exact === undefined) continue;
        const [figure] = await runtime.compare(
          exact,
          exact,
          [metricOf(metric, samples[sample])],
          this.options.signal,
        );
        if (figure !== undefined) figures[index]?.push(figure);
      }
    }
    return figures;
  }

  private async measureSegment(
    cut: number,
    switched: readonly SwitchedLayer[],
    unchanged: Figures,
  ): Promise<void> {
    const { signal } = this.options;
    const ran = (): void => {
      this.ranOnce();
    };
    const { figures, sessions, inferences } = await runSegment(
      this.evaluation,
      { cut, switched, questions: this.questions, unchanged },
      { signal, ran },
    );
    this.sessions += sessions;
    this.inferences += inferences;
    for (const { layer } of switched) this.finish(layer, figures.get(layer) ?? unchanged);
  }

  private async measurePlain(decision: LayerDecision): Promise<void> {
    const { signal } = this.options;
    const progress = (done: number): void => {
      if (done > 0) this.ranOnce();
    };
    const graph = await inSlices(this.graphOf(decision));
    const measured = await measure(this.evaluation, graph, this.questions, { signal, progress });
    this.sessions += 1;
    this.inferences += measured.inferences;
    this.finish(
      decision.layer,
      measured.tolerances.map((one) => one.figures),
    );
  }

  private ranOnce(): void {
    this.done += 1;
    this.options.progress?.(Math.min(this.done, this.total), this.total, 'measured errors');
  }

  private finish(layer: Layer, figures: Figures): void {
    const outputs = this.evaluation.floatOutputs;
    const perOutput = outputs.map((output, index): OutputError => {
      const sums = (figures[index] ?? []).map(squaredSums);
      return { output, ...relativeErrors(sums), samples: relativeSquares(sums) };
    });
    const error: MeasuredError = {
      ...{ layer, ...judgedError(perOutput, this.tolerances), perOutput },
      tolerances: this.tolerances.map((tolerance, index) => {
        const samples = figures[outputs.length + index] ?? [];
        const measured = combine(tolerance.metric, samples, tolerance.over);
        const holds = !exceeds(measured, tolerance.operator, tolerance.limit);
        return { tolerance, measured, figures: samples, holds };
      }),
    };
    this.errors.set(layer, error);
    this.options.finished?.(error);
  }
}

/** The sums of `relative_l2`; a figure without any is of an output that rounding has spoilt. */
function squaredSums({ sums: [error = Number.NaN, norm = Number.NaN] }: Figure): SquaredSums {
  return { error, norm };
}

/** The relative error of an output, asked for as a tolerance that nothing exceeds. */
function relativeError(output: string): Tolerance {
  return {
    output,
    metric: { name: 'relative_l2' },
    operator: '<=',
    limit: Number.POSITIVE_INFINITY,
    over: 'mean',
    text: 'relative_l2',
    source: { path: '', range: { start: 0, end: 0 } },
  };
}
