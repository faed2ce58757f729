/** The fit of what casts cost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitCastCost, type CastRun } from './cast-cost.js';

const run = fc.record({ casts: fc.integer({ min: 1, max: 200 }), bytes: fc.integer({ min: 1, max: 1e7 }) });

function timed(runs: readonly Omit<CastRun, 'milliseconds'>[], perCast: number, perByte: number): CastRun[] {
  return runs.map((one) => ({ ...one, milliseconds: perCast * one.casts + perByte * one.bytes }));
}

describe('what casts cost', () => {
  it('is found again from times that it made', () => {
    const cost = fc.record({
      perCast: fc.integer({ min: 0, max: 50 }),
      perByte: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(run, { minLength: 2, maxLength: 6 }), cost, (runs, { perCast, perByte }) => {
        const exact = timed(runs, perCast / 1000, perByte / 1e9);
        const found = fitCastCost(exact);
        for (const { casts, bytes, milliseconds } of exact) {
          const predicted = found.perCast * casts + found.perByte * bytes;
          expect(Math.abs(predicted - milliseconds)).toBeLessThanOrEqual(1e-4 * milliseconds + 1e-9);
        }
      }),
    );
  });

  it('is never negative, whatever was measured', () => {
    const noisy = fc.array(
      fc.tuple(run, fc.double({ min: -5, max: 5, noNaN: true })).map(([one, milliseconds]) => ({
        ...one,
        milliseconds,
      })),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(noisy, (runs) => {
        const { perCast, perByte } = fitCastCost(runs);
        expect(perCast).toBeGreaterThanOrEqual(0);
        expect(perByte).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
