/** How much of a tolerance a figure uses up, for errors, for shares of what is right and for decibels. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestValue, betterDirection, exceeds, METRIC_NAMES } from '../../metrics/index.js';
import { toleranceShare } from './tolerance-share.js';

const { POSITIVE_INFINITY: INFINITE, NEGATIVE_INFINITY } = Number;

describe('the share of a tolerance', () => {
  it.each([
    ['<=', 2e-3, 0, 1e-3, 0.5],
    ['<=', 2e-3, 0, 4e-3, 2],
    ['<=', 2e-3, 0, 0, 0],
    ['<=', 0, 0, 0, 0],
    ['<=', 0, 0, 1e-9, INFINITE],
    ['<=', 1, 0, Number.NaN, INFINITE],
    ['>=', 0.98, 1, 0.99, 0.5],
    ['>=', 0.98, 1, 0.9, 5],
    ['>=', 1, 1, 1, 0],
    ['>=', 1, 1, 0.5, INFINITE],
    // A hundred times the power is ten times the amplitude.
    ['>=', 40, INFINITE, 60, 0.1],
    ['>=', 40, INFINITE, 20, 10],
    ['>=', 40, INFINITE, INFINITE, 0],
    ['>=', 40, INFINITE, NEGATIVE_INFINITY, INFINITE],
  ] as const)('%s %d, perfect %d: %d uses %d', (operator, limit, perfect, measured, share) => {
    expect(toleranceShare({ operator, limit }, measured, perfect)).toBeCloseTo(share, 12);
  });

  it('is above 1 exactly where the tolerance is exceeded, and never NaN', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...METRIC_NAMES),
        fc.double({ noNaN: true }),
        fc.double(),
        (metric, limit, measured) => {
          const operator = betterDirection(metric);
          const perfect = bestValue(metric);
          // Neither what nothing can reach nor what everything does is a tolerance that could be used up.
          fc.pre(!exceeds(perfect, operator, limit) && perfect !== limit);
          fc.pre(!exceeds(perfect, operator, measured) || Number.isNaN(measured));
          const share = toleranceShare({ operator, limit }, measured, perfect);
          // On a hair's breadth the quotient may be rounded to 1.
          expect(exceeds(measured, operator, limit) ? share >= 1 : share <= 1).toBe(true);
        },
      ),
    );
  });
});
