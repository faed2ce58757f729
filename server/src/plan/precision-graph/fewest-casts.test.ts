// The cut is checked against trying every labelling: on small graphs nothing may be cheaper.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { castCost, fewestCasts, type CastProblem, type End } from './fewest-casts.js';

const VARIABLES = 5;

/** Any small problem over the labels 0 .. count - 1. */
function problems(count: number): fc.Arbitrary<CastProblem> {
  const label = fc.integer({ min: 0, max: count - 1 });
  const end: fc.Arbitrary<End> = fc.oneof(
    label.map((value) => ({ label: value })),
    fc.integer({ min: 0, max: VARIABLES - 1 }).map((variable) => ({ variable })),
  );
  const tensor = fc.record({
    writer: end,
    readers: fc.array(end, { minLength: 0, maxLength: 4 }),
    weight: fc.integer({ min: 1, max: 5 }),
  });
  return fc.record({
    allowed: fc.array(fc.uniqueArray(label, { minLength: 1, maxLength: count }), {
      minLength: VARIABLES,
      maxLength: VARIABLES,
    }),
    tensors: fc.array(tensor, { minLength: 1, maxLength: 8 }),
  });
}

function cheapest(problem: CastProblem): number {
  let best = Infinity;
  const choose = (labels: readonly number[]): void => {
    const allowed = problem.allowed[labels.length];
    if (allowed === undefined) best = Math.min(best, castCost(problem, labels));
    else for (const label of allowed) choose([...labels, label]);
  };
  choose([]);
  return best;
}

function checkAllowed(problem: CastProblem, labels: readonly number[]): void {
  labels.forEach((label, variable) => {
    expect(problem.allowed[variable]).toContain(label);
  });
}

describe('fewest casts', () => {
  it('finds the least cost of all labellings with two labels', () => {
    fc.assert(
      fc.property(problems(2), (problem) => {
        const labels = fewestCasts(problem);
        checkAllowed(problem, labels);
        expect(castCost(problem, labels)).toBe(cheapest(problem));
      }),
      { numRuns: 2000 },
    );
  });

  it('is nearly always at the least cost with three labels', () => {
    let exact = 0;
    let runs = 0;
    fc.assert(
      fc.property(problems(3), (problem) => {
        const labels = fewestCasts(problem);
        checkAllowed(problem, labels);
        const cost = castCost(problem, labels);
        const best = cheapest(problem);
        runs += 1;
        if (cost === best) exact += 1;
        expect(cost).toBeGreaterThanOrEqual(best);
        expect(cost).toBeLessThanOrEqual(4 * best);
      }),
      { numRuns: 1000, seed: 7 },
    );
    expect(exact / runs).toBeGreaterThan(0.9);
  });

  it('counts a cast once however many read it', () => {
    // 0 -> v -> {1, 1, 0}: v at 0 needs one cast for both readers of label 1, v at 1 needs two.
    const problem: CastProblem = {
      allowed: [[0, 1]],
      tensors: [
        { writer: { label: 0 }, readers: [{ variable: 0 }], weight: 1 },
        { writer: { variable: 0 }, readers: [{ label: 1 }, { label: 1 }, { label: 0 }], weight: 1 },
      ],
    };
    expect(fewestCasts(problem)).toEqual([0]);
  });

  it('does not overflow the stack on a chain of a hundred thousand', () => {
    const length = 100_000;
    const allowed = Array.from({ length }, () => [0, 1]);
    const tensors = allowed.map((_, variable) => ({
      writer: variable === 0 ? { label: 1 } : { variable: variable - 1 },
      readers: [{ variable }],
      weight: 1,
    }));
    const labels = fewestCasts({ allowed, tensors });
    expect(labels.every((label) => label === 1)).toBe(true);
  });
});
