/**
 * What analysis found, as diagnostics of an open plan with the layers that each is about, so that fixes can speak of
 * them. What a finding is and what it says, the analysis room knows.
 */
import type { FormatName } from '../formats/index.js';
import {
  latencySourceFindingSteps,
  type liveFindings,
  liveFindingSteps,
  type PlanNumbers,
} from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import { finish, type Steps } from '../onnx/index.js';
import type { TracedPlan } from '../plan/index.js';
import { STALE } from './measured-words.js';

export interface Finding {
  readonly diagnostic: Diagnostic;
  /** Names of the layers that it is about, those that matter most first; none where it is about no layer. */
  readonly layers: readonly string[];
  /** The format in which they run where the finding is followed. */
  readonly runIn: FormatName;
}

const known = new WeakMap<
  TracedPlan,
  { readonly numbers: PlanNumbers; readonly findings: readonly Finding[] }
>();

/** The findings in the plan as it is now; the same array while neither the plan nor the numbers change. */
export function findingsOf(plan: TracedPlan, numbers: PlanNumbers): readonly Finding[] {
  return finish(findingSteps(plan, numbers));
}

/** The same a little at a time. */
export function* findingSteps(plan: TracedPlan, numbers: PlanNumbers): Steps<readonly Finding[]> {
  const last = known.get(plan);
  if (last?.numbers === numbers) return last.findings;
  const found = yield* numbers.verdictIsStale && !isPredicted(numbers)
    ? staleFindingSteps(plan, numbers)
    : liveFindingSteps(plan, numbers);
  yield;
  const settled = isRankingSettled(numbers)
    ? found
    : found.filter(({ severity }) => severity !== 'information');
  const all: ReturnType<typeof liveFindings> = [
    ...settled,
    ...(yield* latencySourceFindingSteps(plan)),
    ...abandoned(plan, numbers),
  ];
  const findings = all.map((diagnostic) => ({
    diagnostic,
    layers: 'layers' in diagnostic ? diagnostic.layers : [],
    runIn: ('runIn' in diagnostic ? diagnostic.runIn : undefined) ?? 'fp32',
  }));
  known.set(plan, { numbers, findings });
  return findings;
}

/** What is predicted of the plan as it is says more than what was measured before the last change. */
function isPredicted({ prediction }: PlanNumbers): boolean {
  return prediction?.tolerances.every(({ value }) => value !== undefined) === true;
}

/**
 * Tolerances that did not hold before the last change stay, and say so, while they are measured again: a finding that went
 * away with every change of a decision and came back would flash. Each stands on the tolerance as it is written now.
 */
function* staleFindingSteps(plan: TracedPlan, numbers: PlanNumbers): ReturnType<typeof liveFindingSteps> {
  const asIfNew = { ...numbers, verdictIsStale: false, verdictKey: undefined };
  const found = yield* liveFindingSteps(plan, asIfNew);
  return found.map((one) =>
    one.code === 'tolerance-exceeded' && one.severity === 'error'
      ? { ...one, message: `${STALE}, ${one.message}` }
      : one,
  );
}

/** `stale`: what is shown is of an earlier version of the plan, and nothing is under way that would replace it. */
function abandoned(plan: TracedPlan, numbers: PlanNumbers): readonly Diagnostic[] {
  const { state, message, verdictIsStale, latencyIsStale } = numbers;
  if (!(verdictIsStale || latencyIsStale) || (state !== 'idle' && state !== 'failed')) return [];
  const place =
    plan.tolerances[0]?.source ?? plan.decisions.find(({ source }) => source !== undefined)?.source;
  if (place === undefined) return [];
  const why = message === '' ? '' : ` (${state === 'failed' ? `it failed: ${message}` : message})`;
  return [
    {
      code: 'stale',
      severity: 'information',
      range: place.range,
      message: `the numbers shown were measured ${STALE}, and analysis does not go on${why}`,
      ...(place.path === plan.path ? {} : { path: place.path }),
    },
  ];
}

/** Local errors name other layers than the measured ones that follow them: only what stays is shown. */
function isRankingSettled({ state, sensitivity }: PlanNumbers): boolean {
  if (state === 'idle' || state === 'failed') return true;
  for (const { method } of sensitivity.values()) if (method === 'measured') return true;
  return false;
}
