/** FP32, a set of decisions and everything in FP16 side by side: errors and latency measured, sizes from real exports. */
import { knownMeasurement, lowFormats, type Measurement } from '../analysis/index.js';
import { summarizeDecisions, type BoundPlan, type LayerDecision } from '../plan/index.js';
import { conclude, type Comparison, type ComparisonRow } from '../report/index.js';
import { benchmarkPlan, type BenchedModels, type BenchedPlan } from './benchmark-plan.js';
import { allLow } from './export-model.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, type Refused } from './problem.js';
import { VERSION } from './version.js';

export interface ComparedPlan {
  readonly comparison: Comparison;
  /** In plain sentences, among them whether the plan's low formats pay. */
  readonly conclusions: readonly string[];
  readonly benched: BenchedPlan;
  readonly device: string;
  readonly versions: string;
}

/** Compares `plan` with the original and with all layers in FP16; `runs` timed runs of each. */
export async function comparePlan(
  work: Work,
  plan: BoundPlan,
  options: { readonly runs?: number | undefined } = {},
): Promise<ComparedPlan | Refused> {
  const benched = await benchmarkPlan(work, plan, options);
  if (isRefused(benched)) return benched;
  const { timed, models } = benched;
  return await guarded(work, async () => {
    const results = await work.results();
    const { signal, progress } = work;
    const measured = async (decisions: readonly LayerDecision[], phase: string): Promise<Measurement> =>
      (await knownMeasurement(results, plan, decisions, { signal, progress, phase })).measurement;
    const low = allLow(plan, 'fp16');
    const original = plan.decisions.map((one): LayerDecision => ({ ...one, format: 'original' }));
    const row = (
      name: string,
      entry: keyof BenchedModels,
      measurement: Measurement,
      decisions: readonly LayerDecision[],
    ): ComparisonRow => ({
      name,
      errors: measurement.tolerances.map((one) => one.measured),
      latency: timed.rows.find((one) => one.name === entry),
      bytes: models[entry].bytes,
      low: summarizeDecisions(decisions).low,
      casts: entry === 'fp32' ? 0 : models[entry].casts,
    });
    const { layers, weighted, multiplyAdds } = summarizeDecisions(plan.decisions);
    const comparison: Comparison = {
      errorTitles: plan.tolerances.map((one) => `${one.output} ${one.text.split(/\s/)[0] ?? ''}`),
      rows: [
        row('FP32', 'fp32', await measured(original, 'FP32, emulated'), original),
        row('mixed', 'plan', await measured(plan.decisions, 'plan, emulated'), plan.decisions),
        row('all FP16', 'fp16', await measured(low, 'all FP16, emulated'), low),
      ],
      total: { layers, weighted, multiplyAdds },
      busy: timed.busy,
      runs: timed.runs,
    };
    return {
      comparison,
      conclusions: conclude(comparison, 'fp16', lowFormats(plan)),
      benched,
      device: timed.device,
      versions: `onnx-precision ${VERSION}, ONNX Runtime ${timed.onnxRuntime}`,
    };
  });
}
