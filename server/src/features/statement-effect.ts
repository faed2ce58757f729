/**
 * What is known of the layers that a statement decides, put together: which matter most, what they cost, how long they
 * take. Numbers in, numbers out; the words for them are in measured-words.ts.
 */
import {
  numbersIn,
  plannedSensitivities,
  type PlannedSensitivity,
  type PlanNumbers,
  readBeyond,
} from '../analysis/index.js';
import { LOW_FORMAT_NAMES } from '../formats/index.js';
import type { BoundStatement, TracedPlan } from '../plan/index.js';

export interface RankedLayer {
  readonly name: string;
  readonly sensitivity: PlannedSensitivity;
}

/** The numbers of layers as the plan decides them, options included as far as these are known. */
export interface StatementNumbers extends PlanNumbers {
  readonly sensitivity: ReadonlyMap<string, PlannedSensitivity>;
}

/** Milliseconds in one run of the original and of the converted model, casts included. */
export interface Before {
  readonly before: number;
  readonly after: number;
}

const byStart = new WeakMap<TracedPlan, ReadonlyMap<number, BoundStatement>>();

/** The decision statement of the plan's own text that begins at an offset. */
export function statementStartingAt(plan: TracedPlan, offset: number): BoundStatement | undefined {
  let index = byStart.get(plan);
  if (index === undefined) {
    const own = plan.statements.filter(({ path }) => path === plan.path);
    index = new Map(own.map((bound) => [bound.statement.range.start, bound]));
    byStart.set(plan, index);
  }
  return index.get(offset);
}

/** The layers that a statement decides, in the order of the model. */
export function decidedNames(plan: TracedPlan, { decides }: BoundStatement): readonly string[] {
  return decides.flatMap((index) => plan.layers[index]?.name ?? []);
}

/** Whether what the statement decides runs in fewer bits than FP32, so that it errs. */
export function runsLow(plan: TracedPlan, bound: BoundStatement): boolean {
  return lowFormatOf(plan, bound) !== undefined;
}

/** The numbers of what the statement decides, in the format that it has there; of what is not low in that of a flip. */
export function statementNumbers(
  plan: TracedPlan,
  bound: BoundStatement,
  numbers: PlanNumbers,
): StatementNumbers {
  const own = numbersIn(numbers, lowFormatOf(plan, bound) ?? 'fp32');
  const decided = bound.decides.flatMap((at) => plan.decisions[at] ?? []);
  return { ...own, sensitivity: plannedSensitivities(decided, plan.decisions, own) };
}

function lowFormatOf(plan: TracedPlan, { decides }: BoundStatement): string | undefined {
  for (const index of decides) {
    const format = plan.decisions[index]?.format;
    if (LOW_FORMAT_NAMES.some((name) => name === format)) return format;
  }
  return undefined;
}

/** At most `most` of the layers whose sensitivity is known, the most sensitive first, or the least sensitive. */
export function rankedLayers(
  names: readonly string[],
  { sensitivity }: Pick<StatementNumbers, 'sensitivity'>,
  most: number,
  order: 'worst first' | 'best first' = 'worst first',
): readonly RankedLayer[] {
  const sign = order === 'worst first' ? 1 : -1;
  const found: RankedLayer[] = [];
  for (const name of names) {
    const one = sensitivity.get(name);
    if (one === undefined) continue;
    let place = found.length;
    while (place > 0 && sign * ((found[place - 1]?.sensitivity.rank ?? 0) - one.rank) > 0) place--;
    if (place >= most) continue;
    found.splice(place, 0, { name, sensitivity: one });
    if (found.length > most) found.pop();
  }
  return found;
}

/** How many of the layers write, hold or read values beyond the range of the low format. */
export function overflowing(names: readonly string[], { ranges }: PlanNumbers): number {
  return names.filter((name) => {
    const range = ranges.get(name);
    return range !== undefined && (range.overflow > 0 || readBeyond(range).length > 0);
  }).length;
}

/** How long the layers take together; undefined where nothing is measured. */
export function latencyOf(names: readonly string[], { latency }: PlanNumbers): Before | undefined {
  if (latency === undefined) return undefined;
  let before = 0;
  let after = 0;
  for (const name of names) {
    const one = latency.layers.get(name);
    before += one?.fp32 ?? 0;
    after += (one?.plan ?? 0) + (one?.casts ?? 0);
  }
  return { before, after };
}
