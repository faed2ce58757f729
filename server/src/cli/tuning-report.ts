/** What tuning, comparison and ranges found, as the data of the report. Measures the ranges, draws nothing. */
import { basename } from 'node:path';
import { layerRanges } from '../analysis/index.js';
import { formatInformation } from '../formats/index.js';
import type { BoundPlan } from '../plan/index.js';
import type { Report, ReportLayer } from '../report/index.js';
import type { Tuning } from '../search/index.js';
import type { ComparedPlan } from './comparison.js';
import { layerReports } from './layer-reports.js';
import type { Output } from './output.js';
import type { Work } from './work.js';

/** The report of a plan that was tuned to FP16, its layers in graph order. */
export async function tuningReport(
  work: Work,
  plan: BoundPlan,
  { tuning, compared, conclusions, title }: TunedPlan,
  output: Output,
): Promise<Report> {
  const format = 'fp16';
  const { ranges } = await layerRanges(
    await work.evaluation(),
    tuning.local.errors.map((one) => one.layer),
    format,
    await work.elementCounter(),
    { signal: work.signal, progress: output.progress },
  );
  const decided: BoundPlan = { ...plan, decisions: tuning.decisions };
  const reports = new Map(layerReports(decided, tuning.local, ranges, format).map((one) => [one.name, one]));
  const layers = plan.layers.flatMap((layer): ReportLayer[] => {
    const found = reports.get(layer.name);
    if (found === undefined) return [];
    const { name, op, error, range, reason } = found;
    return [
      {
        name,
        operator: op,
        format: found.format,
        localError: error.value,
        ...range,
        multiplyAdds: layer.multiplyAdds,
        weighted: layer.weights.length > 0,
        reason,
      },
    ];
  });
  const { comparison, device, versions } = compared;
  return {
    title,
    model: basename(plan.model.source.path ?? ''),
    plan: basename(plan.path),
    samples: work.samples.length,
    device,
    versions,
    conclusions,
    comparison,
    verdicts: tuning.verdicts,
    layers,
    largest: formatInformation(format).largest,
  };
}

/** What the report is made of, beside the ranges. */
export interface TunedPlan {
  readonly title: string;
  readonly tuning: Tuning;
  readonly compared: ComparedPlan;
  readonly conclusions: readonly string[];
}
