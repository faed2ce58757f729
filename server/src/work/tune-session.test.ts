/** What is said of settings that were timed, for figures that are given. */
import { expect, it } from 'vitest';
import { gainOf, type SessionTuning, type TimedSettings } from '../analysis/index.js';
import { sentencesOf } from './tune-session.js';

const SETTINGS = { provider: 'cpu', options: {}, threads: 2, optimization: 'all' } as const;

function timed(times: readonly number[]): TimedSettings {
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  return { ...SETTINGS, median, p10: median, p90: median };
}

/** The sentence on precision for runs of the original and the model beside each other. */
function saidOf(original: readonly number[], model: readonly number[]): string {
  return sentencesFor(original, model)[0] ?? '';
}

function sentencesFor(
  original: readonly number[],
  model: readonly number[],
  busy = false,
): readonly string[] {
  const usual = timed(model);
  const tuning: SessionTuning = {
    ...{ original: timed(original), usual, best: usual, session: undefined, tried: [usual], notes: [] },
    busy,
    precision: gainOf(original, model),
    machine: { device: '', platform: '', cores: 2, onnxRuntime: '1' },
  };
  return sentencesOf(tuning);
}

it('is the gain that the times beside it show', () => {
  expect(saidOf([2, 2, 2], [1, 1, 1])).toMatch(/2.00 times faster than the original \(2.00 ms → 1.00 ms\)/);
  expect(saidOf([1, 2, 1], [2, 1, 1])).toMatch(/as fast as the original within the spread/);
});

it('says where runs beside each other tell something else', () => {
  // The median of the ratios is that of runs in which the machine was slow for one of the two.
  expect(saidOf([1, 4, 4, 1, 1], [9, 8, 8, 9, 9])).toMatch(
    /9.00 times slower than the original \(1.00 ms → 9.00 ms\)/,
  );
  expect(saidOf([1, 1, 4, 4, 4], [9, 9, 9, 9, 8])).toMatch(
    /2.25 times slower .*busy: run beside run it is 2.25|2.25 times slower than the original \(4.00 ms → 9.00 ms\)/,
  );
  expect(saidOf([4, 4, 4, 1, 1], [5, 9, 9, 9, 9])).toMatch(/2.25 times slower/);
  expect(saidOf([1, 1, 5, 5, 5], [10, 10, 11, 30, 6])).toMatch(
    /; the machine was busy: run beside run it is 6.00 times slower\)/,
  );
});

it('calls nothing as fast whose medians are far apart, and says that the machine was busy', () => {
  const [said, , busy] = sentencesFor([8.8, 9, 40], [31.8, 8, 32], true);
  expect(said).toMatch(/whether it is faster than the original cannot be told, .* \(9.00 ms → 31.8 ms\)/u);
  expect(busy).toMatch(/^The machine was busy/u);
  expect(sentencesFor([2, 2, 2], [1, 1, 1])).toHaveLength(2);
});
