/**
 * What live analysis found, as diagnostics on the plan as it is now: what is known of other decisions is left out, since it
 * would be said of the wrong plan. Ranges do not depend on decisions and are judged anew. Knows no editor.
 */
import type { Diagnostic } from '../../language/index.js';
import { finish, type Steps } from '../../onnx/index.js';
import type { BoundPlan } from '../../plan/index.js';
import {
  costFindings,
  rangeFindings,
  toleranceFindings,
  type LayerCost,
  type LayerFinding,
} from '../findings.js';
import { choiceFindingSteps } from './choice-findings.js';
import { verdictNow } from './judged-now.js';
import type { PlanNumbers } from './numbers.js';
import { predictedFindings } from './predicted.js';

/**
 * `overflow`, `underflow`, `tolerance-exceeded` or while that is not measured `tolerance-predicted`, and the layers that cost most where a tolerance is exceeded; hints on choices
 * that gain nothing.
 */
export function liveFindings(plan: BoundPlan, numbers: PlanNumbers): readonly (Diagnostic | LayerFinding)[] {
  return finish(liveFindingSteps(plan, numbers));
}

/** The same a little at a time. */
export function* liveFindingSteps(
  plan: BoundPlan,
  numbers: PlanNumbers,
): Steps<readonly (Diagnostic | LayerFinding)[]> {
  const samples = numbers.sampleNames.map((name) => ({ name }));
  const ranges = plan.layers.flatMap((layer) => {
    const own = numbers.ranges.get(layer.name);
    return own === undefined ? [] : [{ layer, ...own }];
  });
  yield;
  const beyond = rangeFindings(plan, ranges, numbers.format, samples);
  yield;
  const verdict = verdictNow(plan, numbers);
  const exceeded = toleranceFindings(plan, verdict?.verdicts ?? []);
  const predicted = verdict === undefined ? predictedFindings(plan, numbers.prediction) : [];
  yield;
  const costs = exceeded.length === 0 ? [] : costFindings(plan, costsOf(plan, numbers), numbers.format);
  yield;
  return [...beyond, ...exceeded, ...predicted, ...costs, ...(yield* choiceFindingSteps(plan, numbers))];
}

/** All measured or all local: they are different questions. None while measured ones arrive, the worst of which may be missing. */
function costsOf(plan: BoundPlan, { sensitivity, measured: underWay }: PlanNumbers): readonly LayerCost[] {
  if (underWay !== undefined) return [];
  const known = plan.layers.flatMap((layer) => {
    const own = sensitivity.get(layer.name);
    return own === undefined ? [] : [{ layer, ...own }];
  });
  const measured = known.filter(({ method }) => method === 'measured');
  return measured.length > 0 ? measured : known;
}
