/**
 * What a plan is predicted to do: its error from sketches of the model, its latency from profiles. Nothing of the plan itself
 * is run; what is known of the model is kept, so that a second plan of it costs nothing.
 */
import {
  effortOf,
  floatingOutputs,
  inSlices,
  knownCostModel,
  knownSensitivities,
  latencyOfGraph,
  NO_EFFORT,
  predictorFrom,
  type Effort,
  type Prediction,
  type Sensitivities,
} from '../analysis/index.js';
import { allowedFormats, precisionGraphSteps, type BoundPlan } from '../plan/index.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';

/** The formats that predictions know. */
const FORMATS = ['fp16', 'bf16'] as const;
type SketchedFormat = (typeof FORMATS)[number];

export interface PredictedPlan extends Effort {
  readonly prediction: Prediction;
  /** Milliseconds; undefined where there is no model of either format to be timed. */
  readonly latency: { readonly fp32: number; readonly plan: number } | undefined;
  /** Layers by the format that they have. */
  readonly layers: Readonly<Record<string, number>>;
  readonly casts: number;
  readonly seconds: number;
}

/** Predicts the plan as it is; what is not known of its model yet is sketched, and measured where a sketch is no evidence. */
export async function predictPlan(
  work: Work,
  { probes, seed }: { readonly probes?: number | undefined; readonly seed?: number | undefined } = {},
): Promise<PredictedPlan | Refused> {
  return await guarded(work, async () => {
    const { plan } = work;
    const start = performance.now();
    const results = await work.results();
    const floatOutputs = floatingOutputs(plan.model);
    const formats = sketchedFormats(plan);
    const known: Sensitivities[] = [];
    for (const format of formats) {
      const subject = {
        ...{ model: plan.model, all: plan.layers, format, floatOutputs, tolerances: plan.tolerances },
        layers: plan.layers.filter((layer) => allowedFormats(plan.model, layer).includes(format)),
      };
      const { signal, progress } = work;
      known.push(
        await knownSensitivities(results, subject, {
          ...{ signal, progress, way: 'sketch-first' },
          ...(probes === undefined ? {} : { probes }),
          ...(seed === undefined ? {} : { seed }),
        }),
      );
    }
    const prediction = predictorFrom(known).predict(plan.decisions, plan.tolerances);
    const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
    const costs = await knownCostModel(results, plan, formats[0] ?? 'fp16', work);
    const layers: Record<string, number> = {};
    for (const { format } of plan.decisions) layers[format] = (layers[format] ?? 0) + 1;
    return {
      prediction,
      latency: 'problem' in costs ? undefined : { fp32: costs.whole, plan: latencyOfGraph(costs, graph) },
      layers,
      casts: graph.casts.length,
      seconds: (performance.now() - start) / 1000,
      ...effortOf(...known, NO_EFFORT, work.effort),
    };
  });
}

/** Those that the plan has; FP16 where it has none, of which nothing then is predicted but 0. */
function sketchedFormats(plan: BoundPlan): readonly SketchedFormat[] {
  const used = new Set<string>(plan.decisions.map(({ format }) => format));
  const own = FORMATS.filter((format) => used.has(format));
  return own.length > 0 ? own : ['fp16'];
}
