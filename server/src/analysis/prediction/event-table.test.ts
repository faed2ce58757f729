// What becomes of the events of a sketch in predictions.
import { describe, expect, it } from 'vitest';
import type { EventState, SampleSketch } from '../sketch/index.js';
import { EventUse, outputTables, type EventKind } from './event-table.js';

const PROBES = 4;

interface Seen {
  readonly kind: EventKind['kind'];
  /** The product with each probe, and the expected square. */
  readonly dot: number;
  readonly diagonal: number;
  readonly state?: EventState;
  readonly atom?: number;
}

/** As many samples as there are norms, all alike; products are the same for each probe. */
function tableOf(events: readonly Seen[], norms: readonly number[]) {
  const numbers = (of: (event: Seen) => number, each: number): Float32Array =>
    Float32Array.from({ length: events.length * each }, (_, at) => {
      const event = events[Math.floor(at / each)];
      return event === undefined ? 0 : of(event);
    });
  const samples = norms.map((norm): SampleSketch => ({
    states: events.map(({ state = 'sketched' }) => state),
    atoms: numbers(({ atom = 1 }) => atom, 1),
    ...{ exact: numbers(() => 1, 1), constants: numbers(() => 0, 1), curvature: numbers(() => 0, 1) },
    weighed: numbers(() => 0, 1),
    outputs: [
      {
        ...{ output: 'y', norm, peak: 1, elements: 100, saturated: false, aligned: 0, random: PROBES },
        dots: numbers(({ dot }) => dot, PROBES),
        diagonals: numbers(({ diagonal }) => diagonal, PROBES),
      },
    ],
  }));
  const [table] = outputTables(events, samples, PROBES);
  if (table === undefined) throw new Error('no table');
  return table;
}

describe('an event', () => {
  it('is fixed, coherent or independent, by what is rounded and by its products', () => {
    const table = tableOf(
      [
        { kind: 'weight', dot: 0.5, diagonal: 1 },
        { kind: 'output', dot: 5, diagonal: 1 },
        { kind: 'input', dot: 1, diagonal: 1 },
      ],
      [1, 1, 1],
    );
    expect([...table.uses]).toEqual([EventUse.fixed, EventUse.coherent, EventUse.independent]);
    const row = (event: number): number | undefined => table.rows[event * 3 * PROBES];
    // Products, products, expected squares.
    expect([row(0), row(1), row(2)]).toEqual([0.5, 5, 1]);
  });

  it('is unknown behind what has no gradient, and not finite where it makes something infinite', () => {
    const common = { kind: 'output', dot: 1, diagonal: 1 } as const;
    const table = tableOf(
      [
        { ...common, state: 'blocked' },
        { ...common, state: 'unreached' },
        { ...common, atom: Number.POSITIVE_INFINITY },
        { ...common, dot: Number.NaN },
      ],
      [1],
    );
    const { unknown, nothing, nonFinite } = EventUse;
    expect([...table.uses]).toEqual([unknown, nothing, nonFinite, nonFinite]);
  });

  it('is relative to what the output usually is where it is 0 in a sample', () => {
    const seen = { dot: 6, diagonal: 36 };
    const table = tableOf(
      [
        { kind: 'weight', ...seen },
        { kind: 'output', ...seen },
      ],
      [9, 0],
    );
    const row = (event: number, sample: number) => table.rows[(event * 2 + sample) * PROBES];
    expect([row(0, 0), row(0, 1), row(1, 0), row(1, 1)]).toEqual([6, 2, 36, 4]);
  });
});
