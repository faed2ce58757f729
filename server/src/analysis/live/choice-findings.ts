/**
 * Hints on decisions that gain nothing, of what live analysis measured: layers in FP32 whose errors in the low format no
 * tolerance would notice, layers that are slower in it than in FP32, and layers that stand alone in their format between
 * casts. Hints, since the author of a plan may know better; what is pinned is left alone. Pure.
 */
import { finish, isStep, type Steps } from '../../onnx/index.js';
import {
  allowedFormats,
  layerNeighboursSteps,
  type BoundPlan,
  type Layer,
  type LayerDecision,
  type Neighbours,
} from '../../plan/index.js';
import { bestValue } from '../../metrics/index.js';
import { formatPercent } from '../number-text.js';
import { listed, perStatement, type LayerFinding } from '../findings.js';
import { UNDERFLOW_SHARE } from '../ranges.js';
import { verdictNow } from './judged-now.js';
import type { LayerLatencyNumbers, PlanNumbers } from './numbers.js';
import { toleranceShare } from './tolerance-share.js';

/** What a layer alone may use of a tolerance for nobody to notice. */
const UNNOTICED = 0.01;
/** Of what the tolerances leave, all such layers together: errors may add up to more than each of them alone. */
const SPENT = 0.5;
/** Layers that one finding is about: as many as one can look at. */
const MOST = 5;
/** Slower than this many times FP32 is slower for sure, where it is also this share of a whole run. */
const SLOWER = 1.1;
const NOTICED = 0.005;
/** Spread (p90 - p10) over median from which single layers cannot be told apart. */
const WIDE_SPREAD = 0.3;
/** An island has few layers and little work: less than this share of the model's multiply-adds. */
const MOST_IN_ISLAND = 3;
const LITTLE_WORK = 1e-3;

interface Chosen {
  readonly layer: Layer;
  readonly decision: LayerDecision;
}

/** `needlessly-fp32`, `not-worth-it` and `cast-island`, on the statements that decide. */
export function choiceFindings(plan: BoundPlan, numbers: PlanNumbers): readonly LayerFinding[] {
  return finish(choiceFindingSteps(plan, numbers));
}

/** The same a little at a time. */
export function* choiceFindingSteps(plan: BoundPlan, numbers: PlanNumbers): Steps<readonly LayerFinding[]> {
  const decided = new Map(plan.decisions.map((decision) => [decision.layer.nodeIndex, decision]));
  const open = openChoices(plan);
  yield;
  const islands = yield* castIslandSteps(plan, open, numbers);
  yield;
  const lonely = new Set(islands.map(({ layer }) => layer));
  const others = open.filter(({ layer }) => !lonely.has(layer));
  const { format } = numbers;
  const grouped = (
    found: readonly Chosen[],
    runIn: 'fp32' | 'fp16' | 'bf16',
    describe: (own: readonly Chosen[]) => { readonly code: string; readonly message: string },
  ): LayerFinding[] =>
    perStatement(plan, decided, found, (own) => ({ ...describe(own), severity: 'hint' as const })).map(
      (finding) => ({ ...finding, runIn }),
    );
  const name = ({ layer }: Chosen): string => `"${layer.name}"`;
  const isLow = ({ decision }: Chosen): boolean => decision.format === format;
  return [
    ...grouped(needlesslyExact(plan, others, numbers), format, (own) => ({
      code: 'needlessly-fp32',
      message: `no tolerance would notice ${format} here: ${listed(own, (one) => `${name(one)} alone takes ${formatPercent(shareOf(one, numbers) ?? 0)} of one`)}`,
    })),
    ...grouped(notWorthIt(plan, others, numbers), 'fp32', (own) => ({
      code: 'not-worth-it',
      message: `slower here in ${format} than in FP32, casts included: ${listed(own, (one) => `${name(one)} ${timeWords(timeOf(one, numbers))}`)}`,
    })),
    ...grouped(islands.filter(isLow), 'fp32', (own) => ({
      code: 'cast-island',
      message: `in ${format} between layers in FP32, which takes casts and gains next to nothing: ${listed(own, name)}`,
    })),
    ...grouped(
      islands.filter((one) => !isLow(one)),
      format,
      (own) => ({
        code: 'cast-island',
        message: `in FP32 between layers in ${format}, which takes casts, and no tolerance would notice ${format} here: ${listed(own, name)}`,
      }),
    ),
  ];
}

/** The layers that a statement decides and does not pin. */
function openChoices({ decisions }: BoundPlan): readonly Chosen[] {
  return decisions.flatMap((decision) =>
    decision.source === undefined || decision.pinned || decision.clamped !== undefined
      ? []
      : [{ layer: decision.layer, decision }],
  );
}

function shareOf({ layer }: Chosen, { sensitivity }: PlanNumbers): number | undefined {
  const known = sensitivity.get(layer.name);
  return known?.method === 'measured' ? known.share : undefined;
}

/** Of the layers that the plan puts into FP32, those that nobody would notice in the low format, the least noticed first. */
function unnoticed(plan: BoundPlan, open: readonly Chosen[], numbers: PlanNumbers): readonly Chosen[] {
  const { ranges, format, measured } = numbers;
  // The worst may not have been measured yet.
  if (measured !== undefined) return [];
  return open
    .filter((one) => {
      if (one.decision.format !== 'fp32' || (shareOf(one, numbers) ?? 1) > UNNOTICED) return false;
      const range = ranges.get(one.layer.name);
      if (range === undefined || range.overflow > 0 || range.underflow > UNDERFLOW_SHARE) return false;
      return allowedFormats(plan.model, one.layer).includes(format);
    })
    .toSorted((a, b) => (shareOf(a, numbers) ?? 0) - (shareOf(b, numbers) ?? 0));
}

/** Those of them that would gain something and that what the tolerances leave has room for, the largest first. */
function needlesslyExact(plan: BoundPlan, open: readonly Chosen[], numbers: PlanNumbers): readonly Chosen[] {
  if (wantsTime(plan, numbers) === 'and low precision costs it') return [];
  let room = SPENT * (1 - usedUp(plan, numbers));
  const fitting = unnoticed(plan, open, numbers).filter((one) => {
    if (one.layer.weights.length === 0 && (one.layer.multiplyAdds ?? 0) === 0) return false;
    room -= shareOf(one, numbers) ?? 0;
    return room >= 0;
  });
  return fitting.toSorted((a, b) => gainOf(b) - gainOf(a)).slice(0, MOST);
}

function gainOf({ layer }: Chosen): number {
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
function notWorthIt(plan: BoundPlan, open: readonly Chosen[], numbers: PlanNumbers): readonly Chosen[] {
  const { latency, latencyIsStale, format } = numbers;
  if (latency === undefined || latencyIsStale || wantsTime(plan, numbers) === 'no') return [];
  const { whole, p10, p90 } = latency;
  const isSteady = (['fp32', 'plan'] as const).every(
    (which) => (p90[which] - p10[which]) / whole[which] <= WIDE_SPREAD,
  );
  if (!isSteady) return [];
  const lost = (one: Chosen): number => {
    const time = timeOf(one, numbers);
    return time === undefined ? 0 : time.plan + time.casts - time.fp32;
  };
  return open
    .filter((one) => {
      const time = timeOf(one, numbers);
      // The time of what is fused with others stands with them.
      if (one.decision.format !== format || time === undefined) return false;
      if (time.fusedInto.fp32 !== undefined || time.fusedInto.plan !== undefined) return false;
      return time.plan + time.casts > SLOWER * time.fp32 && lost(one) > NOTICED * whole.fp32;
    })
    .toSorted((a, b) => lost(b) - lost(a))
    .slice(0, MOST);
}

function timeOf({ layer }: Chosen, { latency }: PlanNumbers): LayerLatencyNumbers | undefined {
  return latency?.layers.get(layer.name);
}

function timeWords(time: LayerLatencyNumbers | undefined): string {
  if (time === undefined) return '';
  return `${time.fp32.toPrecision(2)} → ${(time.plan + time.casts).toPrecision(2)} ms`;
}

/**
 * Layers that stand in the low format between layers that do not, or in FP32 between layers in the low format: connected, few,
 * with next to no multiply-adds, so that the casts round them buy nothing. Those in FP32 only where nobody would notice.
 */
function* castIslandSteps(
  plan: BoundPlan,
  open: readonly Chosen[],
  numbers: PlanNumbers,
): Steps<readonly Chosen[]> {
  const { decisions, layers } = plan;
  const { format } = numbers;
  const total = layers.reduce((sum, { multiplyAdds }) => sum + (multiplyAdds ?? 0), 0);
  const isLight = ({ multiplyAdds }: Layer): boolean =>
    multiplyAdds !== undefined && total > 0 && multiplyAdds <= LITTLE_WORK * total;
  const unseen = new Set(unnoticed(plan, open, numbers));
  const candidates = new Map(
    open
      .filter((one) => isLight(one.layer) && (one.decision.format === format || unseen.has(one)))
      .map((one) => [one.layer.nodeIndex, one]),
  );
  if (candidates.size === 0) return [];
  const low = new Set(decisions.flatMap((one) => (one.format === format ? [one.layer.nodeIndex] : [])));
  const neighbours = yield* layerNeighboursSteps(plan.model);
  const found: Chosen[] = [];
  for (const [index, [start, one]] of [...candidates].entries()) {
    if (isStep(index)) yield;
    const island = connected(start, neighbours, (next) => low.has(next) === low.has(start));
    const isIsland =
      island !== undefined &&
      island.every((at) => candidates.has(at)) &&
      // What keeps its type is FP32.
      hasShores(island, neighbours, low.has(start) ? 'a shore' : 'no shore');
    if (isIsland) found.push(one);
  }
  return found;
}

/** The nodes of layers that are connected with `start` through others of their kind; undefined where they are too many. */
function connected(
  start: number,
  neighbours: ReadonlyMap<number, Neighbours>,
  isOfKind: (node: number) => boolean,
): readonly number[] | undefined {
  const found = new Set([start]);
  // A set is walked in the order in which it grows, also while it grows.
  for (const at of found) {
    if (found.size > MOST_IN_ISLAND) return undefined;
    const { before = [], after = [] } = neighbours.get(at) ?? {};
    for (const next of [...before, ...after]) if (isOfKind(next)) found.add(next);
  }
  return [...found];
}

/** Whether casts stand on both sides of the island: layers of the other kind, and borders where they count as such. */
function hasShores(
  island: readonly number[],
  neighbours: ReadonlyMap<number, Neighbours>,
  borderIs: 'a shore' | 'no shore',
): boolean {
  const around = island.flatMap((at) => neighbours.get(at) ?? []);
  const isOutside = (next: number): boolean => !island.includes(next);
  const isBorder = (side: 'readsBorder' | 'feedsBorder'): boolean => around.some((one) => one[side]);
  if (borderIs === 'no shore' && (isBorder('readsBorder') || isBorder('feedsBorder'))) return false;
  return (
    (isBorder('readsBorder') || around.some(({ before }) => before.some(isOutside))) &&
    (isBorder('feedsBorder') || around.some(({ after }) => after.some(isOutside)))
  );
}
