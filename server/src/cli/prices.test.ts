/** What is said beside a latency that was predicted. */
import { expect, it } from 'vitest';
import { priceLines } from './prices.js';

/** The line about a latency whose cost model misses its own plans by so much. */
function lineOf(misfit: number): string | undefined {
  const latency = { fp32: 2, plan: 1, estimated: 0, estimatedFp32: 0, files: undefined, misfit, busy: false };
  return priceLines(latency, { plan: 1, fp32: 1 })[0];
}

it('says of a cost model that fits badly what it is worth', () => {
  expect(lineOf(0.05)).toMatch(/off by 5.0 % on the plans it was learnt from$/u);
  expect(lineOf(0.225)).toMatch(
    /off by 2\d(\.\d)? % on the plans it was learnt from, a poor fit: trust no smaller difference$/u,
  );
});
