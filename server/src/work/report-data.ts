/** What tuning, comparison and ranges found, as the data of the report. Draws nothing. */
import { basename } from 'node:path';
import {
  knownLocalErrors,
  knownRanges,
  lowFormats,
  quietLayers,
  withRanges,
  type LocalErrors,
  type Results,
  type WorkOptions,
} from '../analysis/index.js';
import { formatInformation, isFloatFormat, type LowFormatName } from '../formats/index.js';
import { integerRanges, layerEnergy, type BoundPlan, type Layer } from '../plan/index.js';
import type { Report, ReportFormat, ReportLayer } from '../report/index.js';
import type { ComparedPlan } from './compare-plan.js';
import { elsewhereSentence } from './elsewhere-sentence.js';
import { layerReports } from './layer-reports.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';
import type { TunedPlan } from './tune-plan.js';

/** The report of a plan that was tuned, its layers in graph order and each in the low format that it has, or could have. */
export async function tuningReport(
  work: Work,
  title: string,
  { plan, tuning, notes }: TunedPlan,
  { comparison, conclusions, device, versions }: ComparedPlan,
): Promise<Report | Refused> {
  return await guarded(work, async () => {
    const decided: BoundPlan = { ...plan, decisions: tuning.decisions };
    const { elementCounter, samples } = work;
    const results = await work.results();
    const layers = await reportLayers(
      { results, plan: decided, local: tuning.local, counter: elementCounter, samples },
      work,
    );
    const elsewhere = await elsewhereSentence(work, decided);
    const judged = new Set([tuning.local.format, ...layers.map(({ judgedIn }) => judgedIn)]);
    return {
      title,
      model: basename(plan.model.source.path ?? ''),
      plan: basename(plan.path),
      samples: samples.length,
      device,
      versions,
      conclusions: [...conclusions, ...(elsewhere === undefined ? [] : [elsewhere]), ...notes],
      comparison,
      verdicts: tuning.verdicts,
      layers,
      formats: [...judged].map(formatOf),
    };
  });
}

export interface ReportedPlan {
  readonly results: Results;
  readonly plan: BoundPlan;
  /** Of the layers that were candidates, in the format that they were candidates for. */
  readonly local: LocalErrors;
  readonly counter: Parameters<typeof knownRanges>[3];
  readonly samples: readonly { readonly name: string }[];
}

/** Each layer in the low format that the plan gives it, and what the plan keeps in the one that it was a candidate for. */
export async function reportLayers(
  { results, plan, local, counter, samples }: ReportedPlan,
  options: WorkOptions = {},
): Promise<readonly ReportLayer[]> {
  const { decisions } = plan;
  const decisionOf = new Map(decisions.map((one) => [one.layer, one]));
  const found = new Map<Layer, ReportLayer>();
  const others = lowFormats(plan).filter((format) => format !== local.format);
  for (const format of [local.format, ...others]) {
    // Candidates first; what the plan has in another format is then told of that one.
    const isMain = format === local.format;
    const own = decisions.filter((one) => one.format === format).map(({ layer }) => layer);
    const errors = isMain
      ? local
      : await knownLocalErrors(withRanges(results, integerRanges(decisions, format)), own, format, options);
    const layers = errors.errors.map(({ layer }) => layer);
    const { ranges } = await knownRanges(results, layers, format, counter, options);
    const reports = layerReports(plan, {
      ...{ format, ranges, local: errors, quiet: quietLayers(plan, format), samples },
    });
    const byName = new Map(reports.map((one) => [one.name, one]));
    for (const layer of layers) {
      const report = byName.get(layer.name);
      const decision = decisionOf.get(layer);
      if (report === undefined) continue;
      const { name, op, error, range, reason } = report;
      found.set(layer, {
        ...{ name, operator: op, format: report.format, judgedIn: format, localError: error.value },
        ...{
          maxAbs: known(range.maxAbs),
          overflow: known(range.overflow),
          underflow: known(range.underflow),
        },
        tensors: range.tensors,
        multiplyAdds: layer.multiplyAdds,
        energy: decision && layerEnergy(decision),
        weighted: layer.weights.length > 0,
        reason,
      });
    }
  }
  return plan.layers.flatMap((layer) => found.get(layer) ?? []);
}

function known(figure: number | null): number | undefined {
  return figure ?? undefined;
}

/** Integers reach as far as their scales do. */
function formatOf(name: LowFormatName): ReportFormat {
  if (!isFloatFormat(name)) return { name, largest: undefined, smallestNormal: undefined };
  const { largest, smallestNormal } = formatInformation(name);
  return { name, largest, smallestNormal };
}
