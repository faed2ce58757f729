/** What a comparison is worth, in plain sentences. */
import { describe, expect, it } from 'vitest';
import { conclude, concludeNoGain, concludeSpeed } from './conclusions.js';
import type { Comparison } from './report.js';
import { comparison } from './testing.js';

describe('conclusions', () => {
  function checkConclusions(of: Comparison, ...expected: string[]): void {
    expect(conclude(of, 'fp16')).toEqual(expected);
  }
  const smaller = 'The mixed model is 40 % smaller than the original.';

  it('faster', () => {
    checkConclusions(
      comparison([10, 8, 5]),
      smaller,
      'FP16 pays on this machine: the mixed model is 1.25 times faster than FP32, all in FP16 is 2.00 times faster than FP32.',
    );
  });

  it('faster only as a whole: the plan is not said to pay', () => {
    checkConclusions(
      comparison([10, 11, 8]),
      smaller,
      'FP16 pays on this machine: the mixed model is 1.10 times slower than FP32, all in FP16 is 1.25 times faster than FP32.',
    );
  });

  it('slower', () => {
    checkConclusions(
      comparison([10, 20, 15]),
      smaller,
      'FP16 does not pay on this machine: the mixed model is 2.00 times slower than FP32, all in FP16 is 1.50 times slower than FP32. ' +
        'What it gains is size.',
    );
  });

  it('slower in two formats, one of which is faster alone: that says nothing of both', () => {
    const { rows } = comparison([10, 20, 5]);
    expect(concludeSpeed({ rows }, 'fp16', { planFormats: ['fp16', 'int8'] })).toMatchObject({
      pays: false,
      sentence: expect.stringMatching(
        /^FP16 and INT8 do not pay on this machine: .*2\.00 times slower/,
      ) as string,
    });
  });

  it('slower, for want of kernels', () => {
    const { rows } = comparison([10, 20, 15]);
    expect(concludeSpeed({ rows }, 'fp16', { lacksKernels: true })?.sentence).toMatch(
      /What it gains is size; speed is for a device with kernels of that format\.$/,
    );
  });

  it('medians apart, spreads that overlap: nothing can be told', () => {
    const [original, plan, low] = [20, 25, 26].map((median) => ({
      ...{ bytes: 100, latency: { median, p10: median - 4, p90: median + 4 } },
    }));
    if (original === undefined || plan === undefined || low === undefined) throw new Error('no rows');
    const told = (...rows: (typeof plan)[]) => concludeSpeed({ rows }, 'fp16', { lacksKernels: true });
    const about = 'Whether FP16 pays on this machine cannot be told: the mixed model is';
    expect(told(original, plan, low)).toEqual({
      pays: false,
      sentence: `${about} within the spread of FP32, all in FP16 is within the spread of FP32.`,
    });
    const slow = { ...low, latency: { median: 40, p10: 39, p90: 41 } };
    expect(told(original, plan, slow)?.sentence).toBe(
      `${about} within the spread of FP32, all in FP16 is 2.00 times slower than FP32.`,
    );
    expect(told(slow, plan, original)?.pays).toBe(true);
    const untold = 'cannot be told: the plan is within the spread of FP32.';
    const pairs = [
      [original, plan],
      [plan, original],
    ] as const;
    for (const [before, after] of pairs) {
      expect(concludeNoGain(before.latency, after.latency, 'fp16', { target: 'webgpu' })).toBe(
        `Whether FP16 pays on webgpu on this machine ${untold}`,
      );
    }
    expect(concludeNoGain(slow.latency, original.latency, 'fp16')).toBeUndefined();
  });

  it('the same, within what two runs of one model show', () => {
    const [, speed] = conclude(comparison([10, 10.4, 9.6]), 'fp16');
    for (const times of [
      [10, 20, 20],
      [10, 5, 5],
    ] as const) {
      const [, single] = conclude({ ...comparison(times), runs: 1 }, 'fp16');
      expect(single).toBe(
        'Whether FP16 pays on this machine cannot be told: one run of each has no spread, several tell.',
      );
    }
    // What FP16 does is nothing that INT8 does.
    expect(conclude(comparison([10, 20, 5]), 'fp16', ['int8'])[1]).toMatch(
      /^INT8 does not pay .* all in FP16 is 2.00 times faster/u,
    );
    expect(speed).toContain('the mixed model is as fast as FP32, all in FP16 is as fast as FP32');
  });

  it('no smaller and no faster: nothing is gained', () => {
    const [size, speed] = conclude(comparison([10, 10, 10], [100, 100, 50]), 'fp16');
    expect(size).toBe('The mixed model is no smaller than the original.');
    expect(speed).not.toContain('gains is size');
  });

  it('a busy machine', () => {
    const sentences = conclude(comparison([10, 8, 5], [100, 60, 50], true), 'fp16');
    expect(sentences.at(-1)).toMatch(/was busy/);
  });

  it('a plan that is no faster: how much slower it is', () => {
    const noGain = (original: number, plan: number) =>
      concludeNoGain({ median: original }, { median: plan }, 'fp16');
    expect(noGain(10, 8)).toBeUndefined();
    expect(noGain(Number.NaN, 8)).toBeUndefined();
    const about = 'FP16 does not pay on this machine: the plan is';
    expect(noGain(10, 9.8)).toBe(`${about} as fast as FP32.`);
    expect(noGain(10, 15)).toBe(`${about} 1.50 times slower than FP32.`);
    expect(concludeNoGain({ median: 10 }, { median: 15 }, 'fp16', { target: 'webgpu' })).toMatch(
      /^FP16 does not pay on webgpu on this machine/,
    );
  });

  it('nothing timed: only the size', () => {
    checkConclusions(comparison([undefined, undefined, undefined]), smaller);
  });
});
