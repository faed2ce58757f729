import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_OVERHEAD, RecentlyUsed } from './recently-used.js';

const KEYS = Array.from({ length: 12 }, (_, index) => String(index));

describe('what is kept in memory', () => {
  it('is what was used last, within the budget', () => {
    const step = fc.record({
      key: fc.constantFrom(...KEYS),
      cost: fc.option(fc.integer({ min: ENTRY_OVERHEAD, max: 5 * ENTRY_OVERHEAD }), { nil: undefined }),
    });
    const budget = 16 * ENTRY_OVERHEAD;
    const costOf = (bytes: Uint8Array | undefined): number | undefined =>
      bytes === undefined ? undefined : bytes.length + ENTRY_OVERHEAD;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = new RecentlyUsed(budget);
        // The model: a list, the entry used last at its end.
        let expected: { key: string; cost: number }[] = [];
        for (const { key, cost } of steps) {
          const known = expected.find((entry) => entry.key === key);
          if (cost === undefined) expect(costOf(memory.get(key))).toBe(known?.cost);
          else memory.set(key, new Uint8Array(cost - ENTRY_OVERHEAD));
          if (cost === undefined && known === undefined) continue;
          expected = expected.filter((entry) => entry !== known);
          const entry = { key, cost: cost ?? known?.cost ?? 0 };
          if (entry.cost <= budget / 4) expected.push(entry);
          while (expected.reduce((sum, { cost: one }) => sum + one, 0) > budget) expected.shift();
        }
        for (const key of KEYS) {
          expect(costOf(memory.get(key))).toBe(expected.find((entry) => entry.key === key)?.cost);
        }
      }),
      { numRuns: 500 },
    );
  });
});
