/**
 * What live analysis found, as diagnostics on the plan as it is now: what is known of other decisions is left out, since it
 * would be said of the wrong plan. Ranges do not depend on decisions and are judged anew. Knows no editor.
 */
import type { Diagnostic } from '../../language/index.js';
import { finish, isStep, type Steps } from '../../onnx/index.js';
import { integerRanges, type BoundPlan } from '../../plan/index.js';
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
import { readLosses, UNDERFLOW_SHARE, type LayerRange } from '../ranges/ranges.js';
import { supportFindingSteps } from '../targets/index.js';
import { choiceFindingSteps } from './choice-findings.js';
import { verdictNow } from './judged-now.js';
import { LastFound } from './last-found.js';
import { numbersIn, type PlanNumbers, type SensitivityMethod } from './numbers.js';
import { plannedSensitivity } from './optioned-errors.js';
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
  const formats = [numbers, ...[...numbers.others.keys()].map((format) => numbersIn(numbers, format))];
  const beyond: LayerFinding[] = [];
  for (const own of formats) {
    const ranges = yield* tellingSteps(plan, own);
    if (ranges.length > 0) beyond.push(...rangeFindings(plan, ranges, own.format, samples));
    yield;
  }
  const verdict = verdictNow(plan, numbers);
  const exceeded = toleranceFindings(plan, verdict?.verdicts ?? []);
  const predicted = verdict === undefined ? predictedFindings(plan, numbers.prediction) : [];
  yield;
  const costs: (readonly FoundCost[])[] = [];
  for (const own of exceeded.length === 0 ? [] : formats) {
    if (own !== numbers && isArriving(own)) continue;
    costs.push(yield* costSteps(plan, own));
    yield;
  }
  const measured = costs.filter(([one]) => one?.method === 'measured');
  const unsupported = yield* supportFindingSteps(plan, numbers.support);
  return [
    ...ownMetricFindings(plan, numbers.faults),
    ...beyond,
    ...exceeded,
    ...predicted,
    ...(measured.length > 0 ? measured : costs).flatMap((own) => costFindings(plan, own)),
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
      const isBeyond = own.overflow > 0 || readLosses(own).length > 0 || own.inside !== undefined;
      const hasNaN = own.tensors.some(({ nan }) => nan !== undefined);
      if (isBeyond || hasNaN || own.underflow > UNDERFLOW_SHARE) found.add(at);
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

interface FoundCost extends LayerCost {
  /** Position of the layer. */
  readonly at: number;
  readonly method: SensitivityMethod;
}

const dearest = new LastFound<PlanNumbers['sensitivity'], readonly FoundCost[]>();

/** All measured or all local: they are different questions. The dearest first. */
function dearestSteps({ layers }: BoundPlan, { sensitivity }: PlanNumbers): Steps<readonly FoundCost[]> {
  return dearest.steps(sensitivity, [layers], function* () {
    const found: FoundCost[] = [];
    for (const [at, layer] of layers.entries()) {
      if (isStep(at)) yield;
      const own = sensitivity.get(layer.name);
      if (own !== undefined) found.push({ at, layer, ...own });
    }
    const measured = found.filter(({ method }) => method === 'measured');
    return (measured.length > 0 ? measured : found).toSorted(dearestFirst);
  });
}

/**
 * The layers in the low format that cost most, with their options as far as these are known. None while measured errors arrive, the worst of
 * which may be missing.
 */
function* costSteps(plan: BoundPlan, numbers: PlanNumbers): Steps<readonly FoundCost[]> {
  if (numbers.measured !== undefined) return [];
  const found: FoundCost[] = [];
  const ranges = integerRanges(plan.decisions, numbers.format);
  let plain = 0;
  for (const [index, cost] of (yield* dearestSteps(plan, numbers)).entries()) {
    if (isStep(index)) yield;
    const decision = plan.decisions[cost.at];
    if (decision?.format !== numbers.format) continue;
    const planned = plannedSensitivity(decision, numbers, ranges);
    const { options } = planned ?? {};
    if (planned !== undefined && options?.areIn === true && cost.method === 'measured') {
      const { value, share } = planned;
      found.push({ ...cost, value, share, options });
    } else if (plain < DEAREST) {
      found.push({ ...cost, options: options && { ...options, areIn: false } });
      plain += 1;
    } else if (numbers.optioned.size === 0) break;
  }
  return found.toSorted(dearestFirst).slice(0, DEAREST);
}

/** Of other formats than the first no progress is told: they are being measured where some are and some are not. */
function isArriving({ state, sensitivity }: PlanNumbers): boolean {
  if (state !== 'working') return false;
  const methods = new Set([...sensitivity.values()].map(({ method }) => method));
  return methods.size > 1;
}
