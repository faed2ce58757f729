/** The ranges of a model's gradients, with the loss scale that they ask for: what `analyze --gradients` says. */
import {
  gradientRanges,
  rangeIn,
  remembered,
  settledScale,
  spreadOfAll,
  type Effort,
  type Results,
  type SettledScale,
  type WorkOptions,
} from '../analysis/index.js';
import type { FloatFormatName } from '../formats/index.js';
import type { BoundPlan } from '../plan/index.js';
import { tensorReport, type TensorReport } from './layer-reports.js';

export interface GradientReport {
  /** What the gradients are of. */
  readonly loss: string;
  /** Where dynamic loss scaling settles; null where nothing but zeros was found, or something that is not finite. */
  readonly lossScale: SettledScale | null;
  /** In the order of the layers; each with respect to the tensor that it names. */
  readonly tensors: readonly TensorReport[];
  /** Tensors whose gradients are not known, since these nodes have no derivative here. */
  readonly unknown: readonly string[];
  readonly withoutRule: readonly { readonly node: string; readonly reason: string }[];
}

const LOSS = 'half the mean square of each floating-point output, summed over the outputs';

/** Measures the gradients of all layers of the plan, unless they are kept, and says what `format` makes of them. */
export async function gradientReport(
  results: Results,
  plan: BoundPlan,
  format: FloatFormatName,
  options: WorkOptions,
): Promise<Effort & { readonly report: GradientReport }> {
  let effort: Effort = { sessions: 0, inferences: 0 };
  const found = await remembered(results, 'gradient-ranges', {}, async (evaluation) => {
    const { sessions, inferences, ...ranges } = await gradientRanges(evaluation, plan.layers, options);
    effort = { sessions, inferences };
    return ranges;
  });
  const spread = spreadOfAll(found);
  const report = {
    loss: LOSS,
    lossScale: (spread === undefined ? undefined : settledScale(spread, format)) ?? null,
    tensors: [...found.ranges.values()].map((range) => tensorReport(rangeIn(range, format), results.samples)),
    unknown: found.unknown,
    withoutRule: found.withoutRule,
  };
  return { report, ...effort };
}
