/**
 * What analysis found, as diagnostics of an open plan with the layers that each is about, so that fixes can speak of
 * them. What a finding is and what it says, the analysis room knows.
 */
import { liveFindings, type PlanNumbers } from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import type { TracedPlan } from '../plan/index.js';
import { STALE } from './measured-words.js';

export interface Finding {
  readonly diagnostic: Diagnostic;
  /** Names of the layers that it is about, those that matter most first; none where it is about no layer. */
  readonly layers: readonly string[];
}

const known = new WeakMap<
  TracedPlan,
  { readonly numbers: PlanNumbers; readonly findings: readonly Finding[] }
>();

/** The findings in the plan as it is now; the same array while neither the plan nor the numbers change. */
export function findingsOf(plan: TracedPlan, numbers: PlanNumbers): readonly Finding[] {
  const last = known.get(plan);
  if (last?.numbers === numbers) return last.findings;
  const found = numbers.verdictIsStale ? staleFindings(plan, numbers) : liveFindings(plan, numbers);
  const settled = isRankingSettled(numbers)
    ? found
    : found.filter(({ severity }) => severity !== 'information');
  const findings = settled.map((diagnostic) => ({
    diagnostic,
    layers: 'layers' in diagnostic ? diagnostic.layers : [],
  }));
  known.set(plan, { numbers, findings });
  return findings;
}

/**
 * Tolerances that did not hold before the last change stay, and say so, while they are measured again: a finding that went
 * away with every change of a decision and came back would flash. Each stands on the tolerance as it is written now.
 */
function staleFindings(plan: TracedPlan, numbers: PlanNumbers): ReturnType<typeof liveFindings> {
  const asIfNew = { ...numbers, verdictIsStale: false, verdictKey: undefined };
  return liveFindings(plan, asIfNew).map((one) =>
    one.code === 'tolerance-exceeded' && one.severity === 'error'
      ? { ...one, message: `${STALE}, ${one.message}` }
      : one,
  );
}

/** Local errors name other layers than the measured ones that follow them: only what stays is shown. */
function isRankingSettled({ state, sensitivity }: PlanNumbers): boolean {
  return (
    state === 'idle' ||
    state === 'failed' ||
    [...sensitivity.values()].some(({ method }) => method === 'measured')
  );
}
