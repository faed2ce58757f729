/**
 * Hints on decisions that gain nothing, of what live analysis measured: layers in FP32 whose errors in the low format no
 * tolerance would notice, layers that are slower in it than in FP32, and layers that stand alone in their format between
 * casts. Hints, since the author of a plan may know better; what is pinned is left alone. Pure.
 */
import type { FormatName } from '../../formats/index.js';
import { finish, isStep, type Steps } from '../../onnx/index.js';
import type { BoundPlan, LayerDecision } from '../../plan/index.js';
import { bestValue } from '../../metrics/index.js';
import { formatPercent } from '../findings/number-text.js';
import { WIDE_SPREAD } from '../latency/machine.js';
import { listed, perStatement, type LayerFinding } from '../findings/findings.js';
import { castIslandSteps } from './cast-islands.js';
import { verdictNow } from './judged-now.js';
import { lightSteps, slowerSteps, unnoticedSteps, type UnnoticedLayers } from './layer-worth.js';
import type { LayerLatencyNumbers, PlanNumbers } from './numbers.js';
import { toleranceShare } from './tolerance-share.js';

/** Of what the tolerances leave, all layers together that nobody would notice: errors may add up to more than each of them alone. */
const SPENT = 0.5;
/** Layers that one finding is about: as many as one can look at. */
const MOST = 5;

const NOBODY: UnnoticedLayers = { leastFirst: [], positions: new Set() };

/** `needlessly-fp32`, `not-worth-it` and `cast-island`, on the statements that decide. */
export function choiceFindings(plan: BoundPlan, numbers: PlanNumbers): readonly LayerFinding[] {
  return finish(choiceFindingSteps(plan, numbers));
}

/** The same a little at a time. */
export function* choiceFindingSteps(plan: BoundPlan, numbers: PlanNumbers): Steps<readonly LayerFinding[]> {
  const { format, measured } = numbers;
  // While errors are being measured the worst may be missing.
  const unnoticed = measured === undefined ? yield* unnoticedSteps(plan, numbers) : NOBODY;
  yield;
  const islands = yield* castIslandSteps(plan, yield* lonelySteps(plan, unnoticed, format), format);
  yield;
  const told = new Set(islands);
  const needless = yield* needlesslyExactSteps(plan, unnoticed, told, numbers);
  const slow = yield* notWorthItSteps(plan, told, numbers);
  const grouped = (
    found: readonly LayerDecision[],
    runIn: FormatName,
    describe: (own: readonly LayerDecision[]) => { readonly code: string; readonly message: string },
  ): LayerFinding[] => {
    const decided = new Map(found.map((one) => [one.layer.nodeIndex, one]));
    return perStatement(plan, decided, found, (own) => ({ ...describe(own), severity: 'hint' as const })).map(
      (finding) => ({ ...finding, runIn }),
    );
  };
  const name = ({ layer }: LayerDecision): string => `"${layer.name}"`;
  return [
    ...grouped(needless, format, (own) => ({
      code: 'needlessly-fp32',
      message: `no tolerance would notice ${format} here: ${listed(own, (one) => `${name(one)} alone takes ${formatPercent(numbers.sensitivity.get(one.layer.name)?.share ?? 0)} of one`)}`,
    })),
    ...grouped(slow, 'fp32', (own) => ({
      code: 'not-worth-it',
      message: `slower ${placeOf(numbers.latency)} in ${format} than in FP32, casts included: ${listed(own, (one) => `${name(one)} ${timeWords(numbers.latency?.layers.get(one.layer.name))}`)}`,
    })),
    ...grouped(
      islands.filter((one) => one.format === format),
      'fp32',
      (own) => ({
        code: 'cast-island',
        message: `in ${format} between layers in FP32, which takes casts and gains next to nothing: ${listed(own, name)}`,
      }),
    ),
    ...grouped(
      islands.filter((one) => one.format !== format),
      format,
      (own) => ({
        code: 'cast-island',
        message: `in FP32 between layers in ${format}, which takes casts, and no tolerance would notice ${format} here: ${listed(own, name)}`,
      }),
    ),
  ];
}

/** Where it is slower. */
function placeOf(latency: PlanNumbers['latency']): string {
  if (latency?.files !== undefined) return `on another device (${latency.files.join(', ')})`;
  return latency?.target === undefined ? 'here' : `on ${latency.target} here`;
}

/** Whether a statement decides the layer and does not pin it. */
function isOpen({ source, pinned, clamped }: LayerDecision): boolean {
  return source !== undefined && !pinned && clamped === undefined;
}

/** The layers with next to no work that casts round them would not pay for; those in FP32 only where nobody would notice. */
function* lonelySteps(
  plan: BoundPlan,
  { positions }: UnnoticedLayers,
  format: LayerDecision['format'],
): Steps<readonly LayerDecision[]> {
  const isLight = yield* lightSteps(plan);
  const found: LayerDecision[] = [];
  for (const [at, decision] of plan.decisions.entries()) {
    if (isStep(at)) yield;
    if (isLight[at] !== true || !isOpen(decision)) continue;
    if (decision.format === format || (decision.format === 'fp32' && positions.has(at))) found.push(decision);
  }
  return found;
}

/**
 * Of the layers that the plan puts into FP32, those that would gain something, that nobody would notice in the low format, and
 * that what the tolerances leave has room for, the largest first.
 */
function* needlesslyExactSteps(
  plan: BoundPlan,
  { leastFirst }: UnnoticedLayers,
  told: ReadonlySet<LayerDecision>,
  numbers: PlanNumbers,
): Steps<readonly LayerDecision[]> {
  if (wantsTime(plan, numbers) === 'and low precision costs it') return [];
  let room = SPENT * (1 - usedUp(plan, numbers));
  const fitting: LayerDecision[] = [];
  for (const [index, { at, share }] of leastFirst.entries()) {
    if (isStep(index)) yield;
    const decision = plan.decisions[at];
    if (decision?.format !== 'fp32' || !isOpen(decision) || told.has(decision) || !hasWork(decision))
      continue;
    room -= share;
    if (room < 0) break;
    fitting.push(decision);
  }
  return fitting.toSorted((a, b) => gainOf(b) - gainOf(a)).slice(0, MOST);
}

function hasWork({ layer }: LayerDecision): boolean {
  return layer.weights.length > 0 || (layer.multiplyAdds ?? 0) > 0;
}

function gainOf({ layer }: LayerDecision): number {
  return layer.multiplyAdds ?? 0;
}

/** Of the tolerance that is used up most; all of it where nothing is known, or nothing is demanded. */
function usedUp(plan: BoundPlan, numbers: PlanNumbers): number {
  const verdicts = verdictNow(plan, numbers)?.verdicts ?? [];
  if (verdicts.length === 0 || verdicts.length < plan.tolerances.length) return 1;
  return Math.max(
    ...verdicts.map(({ tolerance, measured }) =>
      toleranceShare(tolerance, measured, bestValue(tolerance.metric.name)),
    ),
  );
}

/** Whether the plan is for speed: where it says so, and where it says nothing and low precision is faster here. */
function wantsTime(
  { objective }: BoundPlan,
  { latency, latencyIsStale }: PlanNumbers,
): 'no' | 'and gains it' | 'and low precision costs it' {
  if (objective !== undefined && objective !== 'latency') return 'no';
  const isFaster = latency !== undefined && !latencyIsStale && latency.whole.plan < latency.whole.fp32;
  if (isFaster) return 'and gains it';
  return objective === undefined ? 'no' : 'and low precision costs it';
}

/** Of the layers in the low format, those that take longer there with their casts, the ones that lose most first. */
function* notWorthItSteps(
  plan: BoundPlan,
  told: ReadonlySet<LayerDecision>,
  numbers: PlanNumbers,
): Steps<readonly LayerDecision[]> {
  const { latency, latencyIsStale, format } = numbers;
  if (latency === undefined || latencyIsStale || wantsTime(plan, numbers) === 'no') return [];
  const { whole, p10, p90 } = latency;
  const isSteady = (['fp32', 'plan'] as const).every(
    (which) => (p90[which] - p10[which]) / whole[which] <= WIDE_SPREAD,
  );
  if (!isSteady) return [];
  const found: LayerDecision[] = [];
  for (const at of yield* slowerSteps(plan, latency)) {
    const decision = plan.decisions[at];
    if (decision?.format !== format || !isOpen(decision) || told.has(decision)) continue;
    found.push(decision);
    if (found.length === MOST) break;
  }
  return found;
}

function timeWords(time: LayerLatencyNumbers | undefined): string {
  if (time === undefined) return '';
  return `${time.fp32.toPrecision(2)} → ${(time.plan + time.casts).toPrecision(2)} ms`;
}
