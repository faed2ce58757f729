/** Ranges and errors of every layer, by the methods that were asked for. */
import {
  effortOf,
  knownLocalErrors,
  knownMeasuredErrors,
  knownRanges,
  rangeFindings,
  rankCorrelation,
  type Effort,
  type LayerRange,
  type LocalErrors,
  type MeasuredErrors,
} from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import { allowedFormats, type BoundPlan, type Layer } from '../plan/index.js';
import { layerReports, type LayerReport } from './layer-reports.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';

export type AnalysisMethod = 'local' | 'measured' | 'all';

export interface AnalyzedPlan extends Effort {
  /** Worst error first. */
  readonly reports: readonly LayerReport[];
  readonly local: LocalErrors | undefined;
  readonly measured: MeasuredErrors | undefined;
  readonly ranges: readonly LayerRange[];
  /** Spearman's, of local and measured errors, where both were asked for. */
  readonly rankCorrelation: number | undefined;
  /** `overflow` and `underflow` of what the plan puts into the format. */
  readonly findings: readonly Diagnostic[];
  readonly seconds: number;
}

/** The layers of a plan that can run in `format`, which are those that an analysis speaks of. */
export function layersFor(plan: BoundPlan, format: 'fp16' | 'bf16'): readonly Layer[] {
  return plan.layers.filter((layer) => allowedFormats(plan.model, layer).includes(format));
}

/** Analyses every layer of the plan that can run in `format`. */
export async function analyzePlan(
  work: Work,
  { method, format }: { readonly method: AnalysisMethod; readonly format: 'fp16' | 'bf16' },
): Promise<AnalyzedPlan | Refused> {
  return await guarded(work, async () => {
    const { plan } = work;
    const layers = layersFor(plan, format);
    const start = performance.now();
    const results = await work.results();
    const local = method === 'measured' ? undefined : await knownLocalErrors(results, layers, format, work);
    const measured =
      method === 'local'
        ? undefined
        : await knownMeasuredErrors(results, layers, format, plan.tolerances, work);
    const { ranges, ...ranged } = await knownRanges(results, layers, format, work.elementCounter, work);
    return {
      reports: layerReports(plan, local, ranges, format, measured),
      local,
      measured,
      ranges,
      rankCorrelation: agreement(local, measured),
      findings: rangeFindings(plan, ranges, format, work.samples),
      seconds: (performance.now() - start) / 1000,
      ...effortOf(local, measured, ranged, work.effort),
    };
  });
}

/** How far both methods put the layers in the same order. */
function agreement(local: LocalErrors | undefined, measured: MeasuredErrors | undefined): number | undefined {
  if (local === undefined || measured === undefined) return undefined;
  const localOf = new Map(local.errors.map((error) => [error.layer, error.value]));
  const both = measured.errors.flatMap(({ layer, value }): [number, number][] => {
    const own = localOf.get(layer);
    return own === undefined ? [] : [[own, value]];
  });
  return rankCorrelation(
    both.map(([own]) => own),
    both.map(([, value]) => value),
  );
}
