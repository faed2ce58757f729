/** What both strategies promise, on sets whose harm is known. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { additiveTrials, bareLayer } from './testing/additive-trials.js';
import { bisect, layersToSetAside } from './bisect.js';
import { greedy } from './greedy.js';

const never = (): boolean => false;
const ignore = (): void => undefined;

function indexes(set: ReadonlySet<{ readonly nodeIndex: number }> | undefined): number[] | undefined {
  return set === undefined ? undefined : [...set].map((layer) => layer.nodeIndex);
}

/** Layer by layer: what `greedy` promises to equal. */
function oneByOne(harms: readonly number[], budget: number): number[] {
  const kept: number[] = [];
  let sum = 0;
  for (const [index, harm] of harms.entries()) {
    if (sum + harm > budget) continue;
    sum += harm;
    kept.push(index);
  }
  return kept;
}

const cases = fc.record({
  harms: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }),
  budget: fc.integer({ min: 0, max: 400 }),
});

describe('bisect', () => {
  it('holds, and is the longest prefix but for a few layers set aside', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ harms, budget }) => {
        const ranking = harms.map((_, index) => bareLayer(index));
        const found =
          indexes(await bisect(additiveTrials(harms, budget), ranking, { step: ignore, expired: never })) ??
          [];
        expect(found.reduce((sum, index) => sum + (harms[index] ?? 0), 0)).toBeLessThanOrEqual(budget);
        const last = found.at(-1) ?? -1;
        const missing = last + 1 - found.length;
        expect(missing).toBeLessThanOrEqual(layersToSetAside(harms.length));
        let sum = 0;
        const breaks = harms.findIndex((harm) => (sum += harm) > budget);
        expect(found.length).toBeGreaterThanOrEqual(breaks === -1 ? harms.length : breaks);
      }),
    );
  });

  it('sets a misplaced layer aside', async () => {
    const harms = [1, 1000, 1, 1, 1, 1, 1, 1];
    const ranking = harms.map((_, index) => bareLayer(index));
    expect(
      indexes(await bisect(additiveTrials(harms, 100), ranking, { step: ignore, expired: never })),
    ).toEqual([0, 2, 3, 4, 5, 6, 7]);
  });

  it('measures about log2 of the layers for each layer set aside', async () => {
    const harms = Array.from({ length: 1000 }, () => 1);
    const trials = additiveTrials(harms, 500);
    const rounds = layersToSetAside(1000) + 1;
    await bisect(
      trials,
      harms.map((_, index) => bareLayer(index)),
      { step: ignore, expired: never },
    );
    expect(trials.asked).toBeLessThanOrEqual(rounds * 11);
  });

  it('gives the prefix that is known to hold when the time is up', async () => {
    const harms = Array.from({ length: 64 }, () => 1);
    let measured = 0;
    const found = await bisect(
      additiveTrials(harms, 40),
      harms.map((_, index) => bareLayer(index)),
      { step: () => (measured += 1), expired: () => measured >= 2 },
    );
    expect(found?.size).toBe(32);
  });

  it('gives nothing where not even the empty set holds', async () => {
    expect(
      await bisect(additiveTrials([1], -1), [bareLayer(0)], { step: ignore, expired: never }),
    ).toBeUndefined();
  });
});

describe('greedy', () => {
  it('keeps what one layer at a time would keep', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ harms, budget }) => {
        const ranking = harms.map((_, index) => bareLayer(index));
        const found = await greedy(additiveTrials(harms, budget), ranking, { step: ignore, expired: never });
        expect(indexes(found)).toEqual(oneByOne(harms, budget));
      }),
    );
  });

  it('needs far fewer measurements than layers where few layers fail', async () => {
    const harms = Array.from({ length: 500 }, (_, index) => (index % 100 === 99 ? 1000 : 1));
    const trials = additiveTrials(harms, 600);
    await greedy(
      trials,
      harms.map((_, index) => bareLayer(index)),
      { step: ignore, expired: never },
    );
    expect(trials.asked).toBeLessThan(150);
  });

  it('gives what it has when the time is up', async () => {
    const harms = Array.from({ length: 64 }, () => 1);
    let steps = 0;
    const found = await greedy(
      additiveTrials(harms, 40),
      harms.map((_, index) => bareLayer(index)),
      { step: () => (steps += 1), expired: () => steps >= 2 },
    );
    expect(found?.size).toBe(32);
  });
});
