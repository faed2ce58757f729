/** What tuning, comparison and ranges found, as the data of the report. Draws nothing. */
import { basename } from 'node:path';
import { knownRanges, quietLayers } from '../analysis/index.js';
import { formatInformation } from '../formats/index.js';
import { layerEnergy, type BoundPlan } from '../plan/index.js';
import type { Report, ReportLayer } from '../report/index.js';
import type { ComparedPlan } from './compare-plan.js';
import { layerReports } from './layer-reports.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';
import type { TunedPlan } from './tune-plan.js';

/** The report of a plan that was tuned to FP16, its layers in graph order. */
export async function tuningReport(
  work: Work,
  title: string,
  { plan, tuning, notes }: TunedPlan,
  { comparison, conclusions, device, versions }: ComparedPlan,
): Promise<Report | Refused> {
  const format = 'fp16';
  return await guarded(work, async () => {
    const { ranges } = await knownRanges(
      await work.results(),
      tuning.local.errors.map((one) => one.layer),
      format,
      work.elementCounter,
      work,
    );
    const decided: BoundPlan = { ...plan, decisions: tuning.decisions };
    const reports = new Map(
      layerReports(decided, {
        format,
        ranges,
        local: tuning.local,
        quiet: quietLayers(decided, format),
        samples: work.samples,
      }).map((one) => [one.name, one]),
    );
    const decisionOf = new Map(tuning.decisions.map((one) => [one.layer.name, one]));
    const layers = plan.layers.flatMap((layer): ReportLayer[] => {
      const found = reports.get(layer.name);
      if (found === undefined) return [];
      const { name, op, error, range, reason } = found;
      const decision = decisionOf.get(name);
      return [
        {
          name,
          operator: op,
          format: found.format,
          localError: error.value,
          maxAbs: range.maxAbs,
          overflow: range.overflow,
          underflow: range.underflow,
          tensors: range.tensors,
          multiplyAdds: layer.multiplyAdds,
          energy: decision && layerEnergy(decision),
          weighted: layer.weights.length > 0,
          reason,
        },
      ];
    });
    return {
      title,
      model: basename(plan.model.source.path ?? ''),
      plan: basename(plan.path),
      samples: work.samples.length,
      device,
      versions,
      conclusions: [...conclusions, ...notes],
      comparison,
      verdicts: tuning.verdicts,
      layers,
      largest: formatInformation(format).largest,
      smallestNormal: formatInformation(format).smallestNormal,
    };
  });
}
