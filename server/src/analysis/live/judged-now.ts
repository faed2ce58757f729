/** A verdict by the tolerances as the plan writes them now: their limits and places may have changed since. Pure. */
import { exceeds } from '../../metrics/index.js';
import type { BoundPlan, Tolerance } from '../../plan/index.js';
import { judge } from '../measurement/noise.js';
import type { PlanNumbers, PlanVerdict } from './numbers.js';
import { planKeys } from './plan-keys.js';

/** The verdict on what `plan` says now; undefined while none is known, or what is known is of other decisions. */
export function verdictNow(
  plan: BoundPlan,
  { verdict, verdictKey, verdictIsStale }: PlanNumbers,
): PlanVerdict | undefined {
  if (verdict === undefined || verdictIsStale) return undefined;
  // A plan may be newer than the last one that the analysis was told of.
  if (verdictKey !== undefined && verdictKey !== planKeys(plan).verdict) return undefined;
  return judgedNow(plan, verdict);
}

/**
 * The tolerances of `plan` that ask what was measured, in the plan's order. One that is new has no verdict yet, and one that is gone
 * lends its figures to no other.
 */
export function judgedNow({ tolerances }: BoundPlan, verdict: PlanVerdict): PlanVerdict {
  const measured = new Map(verdict.verdicts.map((one) => [figureOf(one.tolerance), one]));
  const verdicts = tolerances.flatMap((tolerance) => {
    const known = measured.get(figureOf(tolerance));
    if (known === undefined) return [];
    const holds = !exceeds(known.measured, tolerance.operator, tolerance.limit);
    return [judge({ tolerance, measured: known.measured, figures: known.figures, holds }, known.noise)];
  });
  return { ...verdict, verdicts };
}

/** What has to be measured for a tolerance, whatever its limit. */
function figureOf({ output, metric, over }: Tolerance): string {
  return JSON.stringify([output, metric, over]);
}
