/** A benchmark beside an earlier one, in figures and in sentences. Pure. */

import type { PlanTarget } from '../plan/index.js';

/** What of a benchmark is compared; what an older document lacks counts as the same. */
export interface BenchFigures {
  readonly target: string;
  /** Of the target, as the plan gives them. */
  readonly options?: TargetOptions;
  readonly device: string;
  /** The graphics devices and their drivers. */
  readonly graphics?: string;
  /** The one of them that it ran on. */
  readonly graphicsDevice?: string;
  readonly platform?: string;
  readonly onnxRuntime: string;
  readonly version?: string;
  readonly threads: number;
  readonly busy: boolean;
  /** Hashes of what the plan decided, and of the input that was timed. */
  readonly decisions?: string;
  readonly input?: string;
  /** A hash of the model's content, and its path. */
  readonly model?: string;
  readonly modelPath?: string;
  /** Of each model. */
  readonly runs?: number;
  /** When it was taken. */
  readonly at?: string;
  readonly rows: readonly {
    readonly name: string;
    readonly median: number;
    readonly p10?: number;
    readonly p90?: number;
  }[];
}

/** What is called otherwise in a sentence than in a document. */
const TITLES: Readonly<Record<string, string>> = { graphicsDevice: 'the graphics device' };

type TargetOptions = NonNullable<PlanTarget['options']>;

export interface BenchComparison {
  /** Another model was timed in the earlier run, so that no figure of it is compared; false where its document does not say. */
  readonly isOtherModel: boolean;
  /** What was not the same, so that the ratios say little. */
  readonly differences: readonly string[];
  /** By row: this run's median over the earlier one's. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Rows whose spreads, p10 to p90, overlap: the difference may be chance. */
  readonly withinSpread: readonly string[];
  /** When the earlier run was taken; null where its document does not say. */
  readonly at: string | null;
}

/** Nothing is compared with another model. Rows that only one of them has are left out. */
export function compareBenches(now: BenchFigures, before: BenchFigures): BenchComparison {
  const told = (
    ['target', 'device', 'graphicsDevice', 'platform', 'onnxRuntime', 'version', 'threads'] as const
  ).filter((key) => differs(now[key], before[key]));
  const differences = told.map((key) => `${TITLES[key] ?? key} was ${before[key]}, is ${now[key]}`);
  // A device that is known by name is the same: what differs is how it is driven.
  if (differs(now.graphics, before.graphics) && !differs(now.graphicsDevice, before.graphicsDevice)) {
    const isNamed = now.graphicsDevice !== undefined && before.graphicsDevice !== undefined;
    differences.push(
      isNamed
        ? 'the driver of the graphics device, or the system, was another'
        : `graphics was ${before.graphics}, is ${now.graphics}`,
    );
  }
  const [options, earlierOptions] = [optionsText(now.options), optionsText(before.options)];
  if (differs(options, earlierOptions)) differences.push(`options were ${earlierOptions}, are ${options}`);
  if (differs(now.decisions, before.decisions)) differences.push('the plan decided otherwise');
  if (differs(now.input, before.input)) differences.push('another input was timed');
  const isOtherModel = differs(now.model, before.model);
  if (isOtherModel) {
    const unknown = 'a model whose path is not known';
    const { modelPath: earlier = unknown } = before;
    const { modelPath: own = unknown } = now;
    differences.unshift(
      `the model was ${earlier}, is ${own === earlier ? 'another one at the same path' : own}`,
    );
  }
  if (now.model !== undefined && before.model === undefined)
    differences.push('the earlier run does not say which model it timed');
  if (before.runs === 1) differences.push('one run was timed in the earlier one, which tells no spread');
  if (now.runs === 1) differences.push('one run was timed in this one, which tells no spread');
  if (before.busy) differences.push('the machine was busy in the earlier run');
  if (now.busy) differences.push('the machine was busy in this run');
  const earlier = new Map(before.rows.map((row) => [row.name, row]));
  const ratios: [string, number][] = [];
  const withinSpread: string[] = [];
  for (const row of isOtherModel ? [] : now.rows) {
    const old = earlier.get(row.name);
    if (old === undefined || !(old.median > 0)) continue;
    ratios.push([row.name, row.median / old.median]);
    if (overlap(row, old)) withinSpread.push(row.name);
  }
  return {
    ...{ isOtherModel, differences, withinSpread },
    ratios: Object.fromEntries(ratios),
    at: before.at ?? null,
  };
}

/** The newest of `earlier`, newest first, that can be compared with what decides `decisions`; otherwise the newest. */
export function comparableBench<T extends BenchFigures>(
  earlier: readonly T[],
  decisions: string,
): T | undefined {
  return earlier.find((one) => one.decisions === decisions) ?? earlier[0];
}

/** One sentence for each row, then what makes them meaningless. */
export function comparisonSentences({
  isOtherModel,
  differences,
  ratios,
  withinSpread,
  at,
}: BenchComparison): string[] {
  if (isOtherModel)
    return [`not compared, the earlier benchmark is of another model: ${differences.join('; ')}`];
  const when = at === null ? 'the earlier median' : `the median of ${dayAndTime(at)}`;
  return [
    ...Object.entries(ratios).map(
      ([name, ratio]) =>
        `${name}: ${ratio.toFixed(2)} times ${when}${withinSpread.includes(name) ? ', within the spread' : ''}`,
    ),
    ...differences.map((difference) => `not comparable without care: ${difference}`),
  ];
}

/** `2026-11-22 19:05` of an ISO 8601 time, in UTC as it is written. */
export function dayAndTime(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}

/** The same text for the same options, in whatever order they stand; undefined where they are not known. */
function optionsText(options: TargetOptions | undefined): string | undefined {
  if (options === undefined) return undefined;
  const words = Object.entries(options).map(([name, value]) => `${name} ${String(value)}`);
  return words.length === 0 ? 'none' : words.sort().join(', ');
}

function differs(one: unknown, other: unknown): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** Milliseconds; without p10 and p90 it has no spread that is known. */
export type Spread = Omit<BenchFigures['rows'][number], 'name'>;

/** Whether the difference of the medians may be chance: the spreads, p10 to p90, overlap. */
export function overlap(one: Spread, other: Spread): boolean {
  const [lowest, highest] = [
    ({ p10, median }: Spread) => p10 ?? median,
    ({ p90, median }: Spread) => p90 ?? median,
  ];
  return lowest(one) <= highest(other) && lowest(other) <= highest(one);
}
