import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FloatFormatName } from './format.js';
import { FLOAT_FORMAT_NAMES, formatInformation } from './information.js';
import { countLost, type LostCounts } from './lost.js';
import { roundTo } from './rounding.js';

/** The same counts, element by element, from the rounding itself. */
function countByRounding(format: FloatFormatName, values: Float32Array): LostCounts {
  const { smallestNormal } = formatInformation(format);
  const all = [...values];
  const finite = all.filter(Number.isFinite);
  const maxAbs = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const rounded = finite.filter((value) => value !== 0).map((value) => Math.abs(roundTo(format, value)));
  return {
    elements: all.length,
    maxAbs,
    maxIndex: all.findIndex((value) => Math.abs(value) === maxAbs),
    nonZero: all.filter((value) => value !== 0).length,
    nonFinite: all.length - finite.length,
    overflow: finite.filter((value) => isLostAbove(format, Math.abs(value))).length,
    underflow: rounded.filter((value) => value < smallestNormal).length,
    becomesZero: rounded.filter((value) => value === 0).length,
  };
}

/** Whether a magnitude is nearer to the number that would follow the largest than to the largest. */
function isLostAbove(format: FloatFormatName, magnitude: number): boolean {
  const { largest, hasInfinity, hasNaN } = formatInformation(format);
  if (hasInfinity || hasNaN) return !(roundTo(format, magnitude) <= largest);
  // The two formats of four bits clip: 6 is followed by 8, with the tie to the even 8; 64 by 256, with the tie away.
  return magnitude >= (largest === 6 ? 7 : 160);
}

describe('what a format loses', () => {
  it('is counted', () => {
    const values = new Float32Array([1, -70000, 65504, 1e-5, 1e-9, 0, -0, Infinity, NaN]);
    expect(countLost('fp16', values)).toEqual({
      elements: 9,
      maxAbs: 70000,
      maxIndex: 1,
      nonZero: 7,
      nonFinite: 2,
      overflow: 1,
      underflow: 2,
      becomesZero: 1,
    });
  });

  it('of nothing is nothing', () => {
    const none = { nonZero: 0, nonFinite: 0, overflow: 0, underflow: 0, becomesZero: 0 };
    expect(countLost('bf16', new Float32Array(0))).toEqual({ elements: 0, maxAbs: 0, maxIndex: -1, ...none });
    expect(countLost('bf16', new Float32Array(2))).toEqual({ elements: 2, maxAbs: 0, maxIndex: 0, ...none });
  });

  it.each(FLOAT_FORMAT_NAMES)('in %s is what rounding each element does', (format) => {
    // Values near the ends of the range, where the counts change, come up as often as any others.
    const { largest, smallestNormal, smallestSubnormal } = formatInformation(format);
    const nearEnd = fc
      .tuple(
        fc.constantFrom(largest, smallestNormal, smallestSubnormal),
        fc.double({ min: 0.25, max: 2, noNaN: true }),
      )
      .map(([end, factor]) => Math.fround(end * factor));
    const half = fc.constantFrom(
      Math.fround(smallestSubnormal / 2),
      smallestNormal - smallestSubnormal / 2,
      largest + 2 ** 4,
      largest * 2,
    );
    const element = fc.oneof(
      fc.float(),
      nearEnd,
      nearEnd.map((value) => -value),
      half.map(Math.fround),
    );
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        const values = new Float32Array(elements);
        expect(countLost(format, values)).toEqual(countByRounding(format, values));
      }),
      { numRuns: 1000 },
    );
  });
});
