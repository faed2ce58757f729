/** Ranks of layers while their measured errors arrive: never of two methods at once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localSensitivities, withMeasured, type NamedError } from './sensitivities.js';

function errorOf(name: string, value: number): NamedError {
  return { name, value, low: value, high: value };
}

/** Each layer as `rank name method value`. */
function shown(all: ReturnType<typeof localSensitivities>): string[] {
  return [...all]
    .toSorted(([, a], [, b]) => a.rank - b.rank)
    .map(([name, { rank, method, value }]) => `${rank} ${name} ${method} ${value}`);
}

const local = localSensitivities([errorOf('a', 1), errorOf('b', 3), errorOf('c', Infinity), errorOf('d', 2)]);

describe('sensitivities', () => {
  it('are local at first, the largest first', () => {
    expect(shown(local)).toEqual(['1 c local Infinity', '2 b local 3', '3 d local 2', '4 a local 1']);
  });

  it('keep their local rank while measured errors arrive', () => {
    const mixed = withMeasured(local, [{ ...errorOf('a', 9), share: 0.5 }], false);
    expect(shown(mixed)).toEqual(['1 c local Infinity', '2 b local 3', '3 d local 2', '4 a measured 9']);
    expect(mixed.get('a')?.share).toBe(0.5);
    // What the layer errs by itself stays known, through further steps too.
    expect(mixed.get('a')?.local).toEqual({ value: 1, low: 1, high: 1 });
    const again = withMeasured(mixed, [{ ...errorOf('a', 8), share: 0.5 }], false);
    expect(again.get('a')).toMatchObject({ value: 8, local: { value: 1 } });
  });

  it('are ranked by what was measured once that is all, and what cannot be measured comes last', () => {
    const measured = ['a', 'b', 'd'].map((name, index) => ({
      ...errorOf(name, 9 - index),
      share: undefined,
    }));
    expect(shown(withMeasured(local, measured, true))).toEqual([
      '1 a measured 9',
      '2 b measured 8',
      '3 d measured 7',
      '4 c local Infinity',
    ]);
  });

  it('are ranked by the share of a tolerance that they use, then by the error', () => {
    const measured = [
      { ...errorOf('a', 9), share: 0.5 },
      { ...errorOf('b', 1), share: 2 },
      { ...errorOf('c', 3), share: 0.5 },
      { ...errorOf('d', 4), share: Infinity },
    ];
    expect(shown(withMeasured(local, measured, true))).toEqual([
      '1 d measured 4',
      '2 b measured 1',
      '3 a measured 9',
      '4 c measured 3',
    ]);
  });

  it('have the ranks from 1 on, each once, however many are infinite or equal', () => {
    const values = fc.array(fc.constantFrom(0, 1, 2, Infinity), { maxLength: 12 });
    fc.assert(
      fc.property(values, values, (first, second) => {
        const base = localSensitivities(first.map((value, index) => errorOf(`${index}`, value)));
        const measured = second
          .slice(0, first.length)
          .map((value, index) => ({ ...errorOf(`${index}`, value), share: undefined }));
        for (const isComplete of [false, true]) {
          const ranks = [...withMeasured(base, measured, isComplete).values()].map(({ rank }) => rank);
          expect(ranks.toSorted((a, b) => a - b)).toEqual(first.map((_, index) => index + 1));
        }
      }),
    );
  });
});
