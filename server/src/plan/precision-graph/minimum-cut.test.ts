// Every cut of a small network is tried: none may be cheaper, and the cut found must cost what is said.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowNetwork } from './minimum-cut.js';

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly capacity: number;
}

const VERTICES = 7;
const SOURCE = 0;
const SINK = 1;

const vertex = fc.integer({ min: 0, max: VERTICES - 1 });
const edges: fc.Arbitrary<readonly Edge[]> = fc.array(
  fc.record({ from: vertex, to: vertex, capacity: fc.integer({ min: 0, max: 9 }) }),
  { maxLength: 25 },
);

function cutOf(given: readonly Edge[]): ReturnType<FlowNetwork['cut']> {
  const network = new FlowNetwork();
  for (let at = 0; at < VERTICES; at++) network.addVertex();
  for (const { from, to, capacity } of given) network.addEdge(from, to, capacity);
  return network.cut(SOURCE, SINK);
}

function costOf(given: readonly Edge[], sourceSide: readonly boolean[]): number {
  return given
    .filter(({ from, to }) => sourceSide[from] === true && sourceSide[to] === false)
    .reduce((sum, { capacity }) => sum + capacity, 0);
}

describe('minimum cut', () => {
  it('is the cheapest of all cuts', () => {
    fc.assert(
      fc.property(edges, (given) => {
        const { cost, sourceSide } = cutOf(given);
        expect(sourceSide[SOURCE]).toBe(true);
        expect(sourceSide[SINK]).toBe(false);
        expect(costOf(given, sourceSide)).toBe(cost);
        for (let set = 0; set < 2 ** (VERTICES - 2); set++) {
          const other = Array.from({ length: VERTICES }, (_, at) =>
            at < 2 ? at === SOURCE : ((set >> (at - 2)) & 1) === 1,
          );
          expect(costOf(given, other)).toBeGreaterThanOrEqual(cost);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of a large network can be interrupted', () => {
    const network = new FlowNetwork();
    const length = 1000;
    for (let at = 0; at <= length; at++) network.addVertex();
    for (let at = 0; at < length; at++) network.addEdge(at, at + 1, 1);
    const steps = network.cutSteps(0, length);
    let interruptions = 0;
    while (steps.next().done !== true) interruptions += 1;
    expect(interruptions).toBeGreaterThan(10);
  });

  it('keeps as few vertices with the source as can be', () => {
    const chain = [
      { from: 0, to: 2, capacity: 1 },
      { from: 2, to: 3, capacity: 1 },
      { from: 3, to: 1, capacity: 1 },
    ];
    expect(cutOf(chain).sourceSide.filter(Boolean)).toHaveLength(1);
  });
});
