/**
 * What live analysis found, as diagnostics on the plan as it is now: what is known of other decisions is left out, since it
 * would be said of the wrong plan. Ranges do not depend on decisions and are judged anew. Knows no editor.
 */
import type { Diagnostic } from '../../language/index.js';
import { finish, isStep, type Steps } from '../../onnx/index.js';
import type { BoundPlan } from '../../plan/index.js';
import {
  costFindings,
  DEAREST,
  dearestFirst,
  rangeFindings,
  toleranceFindings,
  type LayerCost,
  type LayerFinding,
} from '../findings/findings.js';
import { ownMetricFindings } from '../findings/own-metric-faults.js';
import { UNDERFLOW_SHARE, type LayerRange } from '../ranges/ranges.js';
import { supportFindingSteps } from '../targets/index.js';
import { choiceFindingSteps } from './choice-findings.js';
import { verdictNow } from './judged-now.js';
import { LastFound } from './last-found.js';
import type { PlanNumbers, SensitivityMethod } from './numbers.js';
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
  const ranges = yield* tellingSteps(plan, numbers);
  const beyond = ranges.length === 0 ? [] : rangeFindings(plan, ranges, numbers.format, samples);
  yield;
  const verdict = verdictNow(plan, numbers);
  const exceeded = toleranceFindings(plan, verdict?.verdicts ?? []);
  const predicted = verdict === undefined ? predictedFindings(plan, numbers.prediction) : [];
  yield;
  const costs =
    exceeded.length === 0 ? [] : costFindings(plan, yield* costSteps(plan, numbers), numbers.format);
  yield;
  const unsupported = yield* supportFindingSteps(plan, numbers.support);
  return [
    ...ownMetricFindings(plan, numbers.faults),
    ...beyond,
    ...exceeded,
    ...predicted,
    ...costs,
    ...unsupported,
    ...(yield* choiceFindingSteps(plan, numbers)),
  ];
}

const remarkable = new LastFound<PlanNumbers['ranges'], ReadonlySet<number>>();

/** Positions of the layers whose ranges are worth a word in the low format, whatever a plan decides. */
function remarkableSteps({ layers }: BoundPlan, { ranges }: PlanNumbers): Steps<ReadonlySet<number>> {
  return remarkable.steps(ranges, [layers], function* () {
    const found = new Set<number>();
    for (const [at, { name }] of layers.entries()) {
      if (isStep(at)) yield;
      const own = ranges.get(name);
      if (own === undefined) continue;
      if (own.overflow > 0 || own.underflow > UNDERFLOW_SHARE || own.inside !== undefined) found.add(at);
    }
    return found;
  });
}

/** The ranges that may be worth a word under the plan's decisions: a scale changes what becomes of values. */
function* tellingSteps(plan: BoundPlan, numbers: PlanNumbers): Steps<readonly LayerRange[]> {
  const positions = yield* remarkableSteps(plan, numbers);
  const found: LayerRange[] = [];
  for (const [at, { layer, numerics }] of plan.decisions.entries()) {
    if (isStep(at)) yield;
    if (!positions.has(at) && numerics?.scale === undefined) continue;
    const own = numbers.ranges.get(layer.name);
    if (own !== undefined) found.push({ layer, ...own });
  }
  return found;
}

const dearest = new LastFound<PlanNumbers['sensitivity'], readonly (LayerCost & { readonly at: number })[]>();

/** All measured or all local: they are different questions. The dearest first. */
function dearestSteps(
  { layers }: BoundPlan,
  { sensitivity }: PlanNumbers,
): Steps<readonly (LayerCost & { readonly at: number })[]> {
  return dearest.steps(sensitivity, [layers], function* () {
    const found: (LayerCost & { readonly at: number; readonly method: SensitivityMethod })[] = [];
    for (const [at, layer] of layers.entries()) {
      if (isStep(at)) yield;
      const own = sensitivity.get(layer.name);
      if (own !== undefined) found.push({ at, layer, ...own });
    }
    const measured = found.filter(({ method }) => method === 'measured');
    return (measured.length > 0 ? measured : found).toSorted(dearestFirst);
  });
}

/** The layers in the low format that cost most. None while measured errors arrive, the worst of which may be missing. */
function* costSteps(plan: BoundPlan, numbers: PlanNumbers): Steps<readonly LayerCost[]> {
  if (numbers.measured !== undefined) return [];
  const found: LayerCost[] = [];
  for (const cost of yield* dearestSteps(plan, numbers)) {
    if (plan.decisions[cost.at]?.format !== numbers.format) continue;
    found.push(cost);
    if (found.length === DEAREST) break;
  }
  return found;
}
