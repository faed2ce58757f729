/**
 * What a plan is predicted to do: its error from sketches of the model, its latency from profiles. Nothing of the plan itself
 * is run; what is known of the model is kept, so that a second plan of it costs nothing.
 */
import {
  differingLayers,
  effortOf,
  floatingOutputs,
  inSlices,
  knownCostModel,
  knownFits,
  knownOptionEffects,
  knownSensitivities,
  learnMeasuredPlans,
  measuredAlone,
  predictedLatency,
  predictorFrom,
  withRanges,
  type CostModel,
  type Effort,
  type NearPlan,
  type Prediction,
  type Sensitivities,
} from '../analysis/index.js';
import {
  allowsFormat,
  integerRanges,
  planEnergy,
  precisionGraphSteps,
  type BoundPlan,
  type Layer,
  type PlanEnergy,
  type PrecisionGraph,
} from '../plan/index.js';
import { LOW_FORMAT_NAMES, type LowFormatName } from '../formats/index.js';
import type { Work } from './open-work.js';
import { nothingToCompare } from './nothing-to-compare.js';
import { guarded, type Refused } from './problem.js';

export interface PredictedPlan extends Effort {
  readonly prediction: Prediction;
  /** By tolerance of the prediction: the measured plan that it was told from; undefined where none is near. */
  readonly startedFrom: readonly (PredictionStart | undefined)[];
  /** Layers of which more than a format was asked, and measured by itself. */
  readonly options: number;
  /** Milliseconds; undefined where there is no model of either format to be timed, or no target to time it on. */
  readonly latency: PlanLatencyPrediction | undefined;
  /** Why there is no latency. */
  readonly untimed: string | undefined;
  /** Of the arithmetic, by operation counts. */
  readonly energy: PlanEnergy;
  /** Layers by the format that they have. */
  readonly layers: Readonly<Record<string, number>>;
  readonly casts: number;
  readonly seconds: number;
}

/** A plan that was measured, and that another one is predicted from. */
export interface PredictionStart {
  /** The file that it was written in, as far as that is known. */
  readonly path: string | undefined;
  /** When it was measured, ISO 8601. */
  readonly at: string | undefined;
  /** The layers that the two decide differently. */
  readonly differing: readonly Layer[];
  /** How much of what its own prediction was off by the other one is taken to be off by, too: 0 to 1. */
  readonly weight: number;
}

function startOf({ layers, decisions }: BoundPlan, { plan, weight }: NearPlan): PredictionStart {
  const differing = differingLayers(decisions, plan.decisions).flatMap((at) => layers[at] ?? []);
  return { path: plan.path, at: plan.at, differing, weight };
}

/** Milliseconds of a plan that was not run. */
export interface PlanLatencyPrediction {
  readonly fp32: number;
  readonly plan: number;
  /** What of `plan` its casts take. */
  readonly casts: number;
  /** Layers whose time nobody measured: an estimate by the roofline. */
  readonly estimated: number;
  /** Layers whose time in `fp32` nobody measured. */
  readonly estimatedFp32: number;
  /** Profiles of another device that the figures come from; undefined for this machine. */
  readonly files: readonly string[] | undefined;
  /** Root mean square of the relative error on the plans that the cost model was learnt from; undefined for profiles. */
  readonly misfit: number | undefined;
  /** The machine was busy while the cost model was learnt. */
  readonly busy: boolean;
}

function latencyPrediction(costs: CostModel, graph: PrecisionGraph): PlanLatencyPrediction {
  const { whole, inCasts, estimated } = predictedLatency(costs, graph);
  const { files, misfit, busy, estimatedInWhole: estimatedFp32 = 0 } = costs;
  return { fp32: costs.whole, plan: whole, casts: inCasts, estimated, estimatedFp32, files, misfit, busy };
}

/** Predicts the plan as it is; what is not known of its model yet is sketched, and measured where a sketch is no evidence. */
export async function predictPlan(
  work: Work,
  { probes, seed }: { readonly probes?: number | undefined; readonly seed?: number | undefined } = {},
): Promise<PredictedPlan | Refused> {
  return await guarded(work, async () => {
    const { plan } = work;
    const nothing = nothingToCompare(plan);
    if (nothing !== undefined) return nothing;
    const start = performance.now();
    const results = await work.results();
    const floatOutputs = floatingOutputs(plan.model);
    const formats = sketchedFormats(plan);
    const known: Sensitivities[] = [];
    for (const format of formats) {
      const subject = {
        ...{ model: plan.model, all: plan.layers, format, floatOutputs, tolerances: plan.tolerances },
        layers: plan.layers.filter((layer) => allowsFormat(plan.model, layer, format)),
      };
      const { signal, progress } = work;
      known.push(
        await knownSensitivities(withRanges(results, integerRanges(plan.decisions, format)), subject, {
          ...{ signal, progress, way: 'sketch-first' },
          ...(probes === undefined ? {} : { probes }),
          ...(seed === undefined ? {} : { seed }),
        }),
      );
    }
    const predictor = predictorFrom(known);
    const format = formats[0] ?? 'fp16';
    const fitted = await knownFits(
      results,
      {
        ...{ plan, format, tolerances: plan.tolerances },
        layers: plan.layers.filter((layer) => predictor.isKnown(layer, format)),
      },
      work,
    );
    predictor.learn(fitted.fits);
    const byFormat = formats.map((format) => ({
      format,
      results: withRanges(results, integerRanges(plan.decisions, format)),
    }));
    const unknown = predictor.unknownOptions(plan.decisions);
    predictor.learnOptions(await measuredAlone(byFormat, unknown, plan.tolerances));
    const asked = predictor.unknownOptions(plan.decisions);
    const options = await knownOptionEffects(results, asked, work);
    predictor.learnOptions(options.squares);
    await learnMeasuredPlans(predictor, results, plan);
    const prediction = predictor.predict(plan.decisions, plan.tolerances);
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
    const counted = await work.counted(plan);
    const costs = await knownCostModel(results, plan, format, work);
    const layers: Record<string, number> = {};
    for (const { format } of plan.decisions) layers[format] = (layers[format] ?? 0) + 1;
    return {
      prediction,
      startedFrom: prediction.tolerances.map(({ after }) => after && startOf(plan, after)),
      options: new Set([...options.squares.values()].flatMap((known) => [...known.keys()])).size,
      latency: 'problem' in costs ? undefined : latencyPrediction(costs, graph),
      untimed: 'problem' in costs ? costs.problem : undefined,
      energy: planEnergy({ ...graph, decisions: counted.decisions }, await work.elementCounter()),
      layers,
      casts: graph.casts.length,
      seconds: (performance.now() - start) / 1000,
      ...effortOf(...known, fitted, options, work.effort),
    };
  });
}

/** Those that the plan's layers and weights have; FP16 where it has none, of which nothing then is predicted but 0. */
function sketchedFormats(plan: BoundPlan): readonly LowFormatName[] {
  const used = new Set<string>(
    plan.decisions.flatMap(({ format, numerics }) => [format, numerics?.weights ?? format]),
  );
  const own = LOW_FORMAT_NAMES.filter((format) => used.has(format));
  return own.length > 0 ? own : ['fp16'];
}
