/** Stochastic rounding: to neighbours only, right on average, and the same again with the same seed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FloatFormatName } from './format.js';
import { FLOAT_FORMAT_NAMES, formatInformation } from './information.js';
import { neighbours } from './neighbours.js';
import { seededBits } from './random.js';
import { roundTo } from './rounding.js';
import { roundArrayStochastically } from './stochastic.js';

const NARROWER = FLOAT_FORMAT_NAMES.filter((name) => name !== 'fp32');

function rounded(format: FloatFormatName, value: number, times: number, seed = 7): Float32Array {
  return roundArrayStochastically(format, new Float32Array(times).fill(value), seededBits(seed));
}

/** Magnitudes over the whole range of a format, small ones as likely as large ones. */
function within(format: FloatFormatName): fc.Arbitrary<number> {
  const { largest, smallestSubnormal } = formatInformation(format);
  const exponent = fc.double({
    min: Math.log2(smallestSubnormal) - 3,
    max: Math.log2(largest),
    noNaN: true,
  });
  return fc
    .tuple(exponent, fc.boolean())
    .map(([power, negative]) => Math.fround(Math.min(2 ** power, largest)) * (negative ? -1 : 1));
}

/** Draws of each midpoint. */
const DRAWS = 4;

/** All midpoints between positive numbers of the format that FP32 holds exactly, those with zero included. */
function* midpoints(format: FloatFormatName): Generator<number> {
  const { largest } = formatInformation(format);
  for (let value = 0; value < largest;) {
    const above = nextUp(format, value);
    const middle = (value + above) / 2;
    if (Math.fround(middle) === middle) yield middle;
    value = above;
  }
}

/** The smallest number of the format above one of its numbers. */
function nextUp(format: FloatFormatName, value: number): number {
  return neighbours(format, beyond(value)).above;
}

/** The next number of FP32. */
function beyond(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer);
  bits[0] = (bits[0] ?? 0) + 1;
  return new Float32Array(bits.buffer)[0] ?? 0;
}

describe.each(NARROWER)('stochastic rounding to %s', (format) => {
  it('gives one of the two neighbours', () => {
    fc.assert(
      fc.property(within(format), fc.integer(), (value, seed) => {
        const { below, above } = neighbours(format, value);
        for (const one of rounded(format, value, 4, seed)) expect([below, above]).toContain(one);
      }),
    );
  });

  it('takes every midpoint up and down, as often', () => {
    let [up, all, others] = [0, 0, 0];
    for (const value of midpoints(format)) {
      const { below, above } = neighbours(format, value);
      for (const one of rounded(format, value, DRAWS, all)) {
        all += 1;
        if (one === above) up += 1;
        else if (one !== below) others += 1;
      }
    }
    expect(others).toBe(0);
    expect(all).toBeGreaterThan(DRAWS * 3);
    // Six standard deviations of as many fair draws.
    expect(Math.abs(up / all - 0.5)).toBeLessThan(3 / Math.sqrt(all));
  });

  it('is right on average', () => {
    const times = 20_000;
    fc.assert(
      fc.property(within(format), fc.integer(), (value, seed) => {
        const { below, above } = neighbours(format, value);
        const mean = rounded(format, value, times, seed).reduce((sum, one) => sum + one, 0) / times;
        // Six standard deviations of a mean of draws from two values, each of them at most half the distance.
        const bound = (6 * (above - below)) / 2 / Math.sqrt(times);
        expect(Math.abs(mean - value)).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 50 },
    );
  });

  it('leaves what the format holds, and what it does not know better than rounding to nearest', () => {
    const { largest, smallestSubnormal } = formatInformation(format);
    for (const value of [1, -largest, smallestSubnormal, 0, -0, Infinity, -Infinity, NaN]) {
      expect([value, rounded(format, value, 1)[0]]).toEqual([value, roundTo(format, value)]);
    }
  });

  it('saturates where that is asked', () => {
    const { largest } = formatInformation(format);
    const out = new Float32Array(1);
    const values = new Float32Array([-largest * 1.001]);
    expect(roundArrayStochastically(format, values, seededBits(1), out, 'saturate')[0]).toBe(-largest);
  });
});

describe('the seed', () => {
  it('decides every bit', () => {
    expect(rounded('fp16', 0.1, 500, 3)).toEqual(rounded('fp16', 0.1, 500, 3));
    expect(rounded('fp16', 0.1, 500, 3)).not.toEqual(rounded('fp16', 0.1, 500, 4));
  });

  it('gives bits that are each set half of the time, independently of their neighbours', () => {
    const draws = 1 << 16;
    for (const seed of [0, 1, 2, -1, 12345]) {
      const bits = seededBits(seed);
      const set = new Array<number>(32).fill(0);
      const changed = new Array<number>(32).fill(0);
      let before = bits.next();
      for (let i = 0; i < draws; i++) {
        const drawn = bits.next();
        for (let bit = 0; bit < 32; bit++) {
          set[bit] = (set[bit] ?? 0) + ((drawn >>> bit) & 1);
          changed[bit] = (changed[bit] ?? 0) + (((drawn ^ before) >>> bit) & 1);
        }
        before = drawn;
      }
      // Six standard deviations of a fair coin.
      const bound = 3 * Math.sqrt(draws);
      for (const count of [...set, ...changed]) expect(Math.abs(count - draws / 2)).toBeLessThan(bound);
    }
  });
});
