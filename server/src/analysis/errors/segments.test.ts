import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSegments, segmentTime, type Segment, type SegmentCosts } from './segments.js';

const costs: fc.Arbitrary<SegmentCosts> = fc
  .array(
    fc.record({
      time: fc.integer({ min: 0, max: 9 }),
      layers: fc.integer({ min: 0, max: 1 }),
      allowed: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 9,
    },
  )
  .chain((nodes) =>
    fc
      .record({ samples: fc.integer({ min: 1, max: 4 }), open: fc.integer({ min: 0, max: 40 }) })
      .map((rest) => ({
        ...rest,
        nodes: nodes.map((one) => one.time),
        layers: nodes.map((one) => one.layers),
        allowed: nodes.map((one, place) => place === 0 || one.allowed),
      })),
  );

function timeOf(given: SegmentCosts, segments: readonly Segment[]): number {
  return segments.map(segmentTime(given)).reduce((sum, time) => sum + time, 0);
}

/** The least time over all sets of allowed cuts. */
function leastTime(given: SegmentCosts): number {
  const count = given.nodes.length;
  const places = given.allowed.flatMap((allowed, place) => (allowed && place > 0 ? [place] : []));
  let least = Infinity;
  for (let set = 0; set < 2 ** places.length; set++) {
    const cuts = [0, ...places.filter((_, bit) => (set & (2 ** bit)) !== 0), count];
    const segments = cuts.slice(1).map((to, index) => ({ from: cuts[index] ?? 0, to }));
    least = Math.min(least, timeOf(given, segments));
  }
  return least;
}

describe('the choice of segments', () => {
  it('costs no more than any other', () => {
    fc.assert(
      fc.property(costs, (given) => {
        expect(timeOf(given, chooseSegments(given))).toBe(leastTime(given));
      }),
    );
  });

  it('holds every layer once, in order, and cuts only where it may', () => {
    fc.assert(
      fc.property(costs, (given) => {
        const segments = chooseSegments(given);
        const covered = given.layers.map(() => 0);
        let last = 0;
        for (const { from, to } of segments) {
          expect(from).toBeGreaterThanOrEqual(last);
          expect(given.allowed[from]).toBe(true);
          for (let place = from; place < to; place++) covered[place] = (covered[place] ?? 0) + 1;
          last = to;
        }
        given.layers.forEach((layers, place) => {
          if (layers > 0) expect(covered[place]).toBe(1);
        });
      }),
    );
  });

  it('is one segment where sessions are dear, and many where they cost nothing', () => {
    const even = { nodes: new Array<number>(40).fill(1), layers: new Array<number>(40).fill(1), samples: 2 };
    const allowed = new Array<boolean>(40).fill(true);
    expect(chooseSegments({ ...even, allowed, open: 1e9 })).toEqual([{ from: 0, to: 40 }]);
    expect(chooseSegments({ ...even, allowed, open: 0 }).length).toBeGreaterThan(5);
  });

  it('is found for graphs of many thousand nodes', () => {
    const count = 20_000;
    const segments = chooseSegments({
      nodes: new Array<number>(count).fill(0.01),
      layers: new Array<number>(count).fill(1),
      allowed: new Array<boolean>(count).fill(true),
      samples: 4,
      open: 500,
    });
    expect(segments.length).toBeGreaterThan(10);
    expect(segments.at(-1)?.to).toBe(count);
  });
});
