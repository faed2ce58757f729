/** What times of sessions tell: how many times faster one is than another, and whether that is more than chance. Pure. */
import { quantile, spreadOf } from '../latency/benchmark.js';
import type { SessionSettings } from './session-settings.js';

export interface TimedSettings extends SessionSettings {
  /** Milliseconds. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** How many times faster, of runs in turns: each against the one beside it. */
export interface Gain {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** More than the spread: nine of ten runs gain, or nine of ten lose. */
  readonly beyondSpread: boolean;
}

/**
 * What `times` tell of candidates, the first of which is timed with each group: as they would have been at the moment at which
 * it was timed for the first time, which is when it is among them.
 */
export function atSpeedOf(
  before: readonly TimedSettings[],
  candidates: readonly { readonly settings: SessionSettings }[],
  times: readonly (readonly number[])[],
): readonly TimedSettings[] {
  const timed = candidates.map(({ settings }, at) => ({ ...settings, ...spreadOf(times[at] ?? []) }));
  const [now] = timed;
  const first = before[0] ?? now;
  const scale = first === undefined || now === undefined ? 1 : first.median / now.median;
  const scaled = timed.map(({ median, p10, p90, ...settings }): TimedSettings => ({
    ...settings,
    ...{ median: median * scale, p10: p10 * scale, p90: p90 * scale },
  }));
  return before.length === 0 ? scaled : scaled.slice(1);
}

/** Beyond the spread, run beside run, and in the medians that are told, too: a busy moment may have them contradict each other. */
export function isFaster(
  before: Pick<TimedSettings, 'median'>,
  after: Pick<TimedSettings, 'median'>,
  { beyondSpread, median }: Gain,
): boolean {
  return beyondSpread && median > 1 && after.median < before.median;
}

/** @param before milliseconds of runs, each beside the one of `after` at its place */
export function gainOf(before: readonly number[], after: readonly number[]): Gain {
  const ratios = before.map((time, at) => time / (after[at] ?? Number.NaN)).sort((a, b) => a - b);
  const [p10, median, p90] = [0.1, 0.5, 0.9].map((share) => quantile(ratios, share));
  const gain = { median: median ?? Number.NaN, p10: p10 ?? Number.NaN, p90: p90 ?? Number.NaN };
  // One run beside another tells nothing of chance.
  return { ...gain, beyondSpread: ratios.length > 1 && (gain.p10 > 1 || gain.p90 < 1) };
}
