import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayerStand, type RoundingEvent, type RoundingEvents } from '../../plan/index.js';
import { coherenceThreshold, EventUse, type OutputTable } from './event-table.js';
import { RunningErrors } from './set-errors.js';
import { largest, meanRoot, normal, weighted } from './spread.js';

const SAMPLES = 2;
const PROBES = 3;

/** A chain of layers, each with a weight event, one of its input (unless the layer before is low) and one of its output. */
function chain(length: number): RoundingEvents {
  const events = Array.from({ length }, (_, layer): RoundingEvent[] => [
    { kind: 'weight', layer, inputs: [1] },
    { kind: 'input', layer, inputs: [0], tensor: `t${layer}`, source: `t${layer}`, isPart: false },
    { kind: 'output', layer, outputs: [`t${layer + 1}`] },
  ]).flat();
  return {
    format: 'fp16',
    layers: Array.from({ length }, () => undefined as never),
    events,
    covered: Array.from({ length }, () => true),
    trigger(stands, triggered) {
      for (let layer = 0; layer < length; layer++) {
        const low = stands[layer] === LayerStand.low;
        const held = layer > 0 && stands[layer - 1] === LayerStand.low;
        triggered[3 * layer] = low ? 1 : 0;
        triggered[3 * layer + 1] = low && !held ? 1 : 0;
        triggered[3 * layer + 2] = low ? 1 : 0;
      }
    },
  };
}

function tableOf({ events }: RoundingEvents, values: readonly number[]): OutputTable {
  const rows = Float32Array.from({ length: events.length * SAMPLES * PROBES }, (_, at) => {
    const value = values[at % values.length] ?? 0;
    const kind = events[Math.floor(at / (SAMPLES * PROBES))]?.kind;
    return kind === 'weight' ? value : value * value;
  });
  const uses = Uint8Array.from(events, ({ kind }) =>
    kind === 'weight' ? EventUse.coherent : EventUse.independent,
  );
  return {
    ...{ output: 'y', elements: 1000, exact: false, probes: PROBES, samples: SAMPLES },
    ...{ uses, rows, norms: [1, 1], peaks: [1, 1] },
  };
}

describe('the errors of a set', () => {
  const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
  const flips = fc.array(fc.nat(7), { minLength: 1, maxLength: 60 });

  it('are the same flip by flip as made at once', () => {
    fc.assert(
      fc.property(values, flips, (numbers, order) => {
        const events = chain(8);
        const tables = [tableOf(events, numbers)];
        const running = new RunningErrors(events, tables);
        const stands = new Uint8Array(8);
        for (const layer of order) {
          stands[layer] = stands[layer] === LayerStand.low ? LayerStand.exact : LayerStand.low;
          const updated = running.of(stands).outputs[0]?.samples ?? [];
          const anew = new RunningErrors(events, tables).of(stands).outputs[0]?.samples ?? [];
          for (const [sample, { coherent, independent }] of updated.entries()) {
            expect(coherent).toBeCloseTo(anew[sample]?.coherent ?? Number.NaN, 9);
            expect(independent).toBeCloseTo(anew[sample]?.independent ?? Number.NaN, 9);
          }
        }
      }),
    );
  });

  it('add what is coherent with its sign, and what is not as squares', () => {
    const events = chain(2);
    // Of the first weights all products are 1, of the second -1: together they do nothing.
    const table = tableOf(events, [1]);
    table.rows.fill(-1, 3 * SAMPLES * PROBES, 4 * SAMPLES * PROBES);
    const running = new RunningErrors(events, [table]);
    const of = (...low: number[]): unknown => running.of(Uint8Array.from(low)).outputs[0]?.samples[0];
    expect(of(1, 0)).toEqual({ coherent: PROBES, independent: 2 * PROBES });
    // The input of the second is held already.
    expect(of(1, 1)).toEqual({ coherent: 0, independent: 3 * PROBES });
    expect(of(0, 0)).toEqual({ coherent: 0, independent: 0 });
  });

  it('leave out layers of which something is not known, and name them', () => {
    const events = chain(3);
    const table = tableOf(events, [1]);
    table.uses[4] = EventUse.unknown;
    table.uses[8] = EventUse.nonFinite;
    const { outputs, unknown, nonFinite } = new RunningErrors(events, [table]).of(Uint8Array.of(1, 1, 1));
    expect([unknown, nonFinite]).toEqual([[1], [2]]);
    expect(outputs[0]?.samples[0]).toEqual({ coherent: PROBES, independent: 2 * PROBES });
  });
});

describe('coherence', () => {
  it('is judged by what chance would exceed', () => {
    expect(coherenceThreshold(1)).toBeGreaterThan(9);
    expect(coherenceThreshold(8)).toBeCloseTo(3.3, 1);
    expect(coherenceThreshold(1000)).toBe(2);
  });
});

describe('spread', () => {
  const certain = (mean: number) => ({ mean, variance: 0 });

  it('of what is certain is that of the model alone', () => {
    expect(largest([certain(1), certain(4), certain(2)]).value).toBeCloseTo(4, 6);
    expect(weighted([certain(1), certain(3)], [0.5, 0.5]).value).toBeCloseTo(2, 9);
    expect(meanRoot([certain(1), certain(9)]).value).toBeCloseTo(2, 9);
    const { low, high } = weighted([certain(1)], [1]);
    expect(high * low).toBeCloseTo(1, 9);
    expect(high).toBeGreaterThan(1.2);
  });

  it('grows with the uncertainty, and always holds the value', () => {
    const errors = fc.array(
      fc.record({
        mean: fc.double({ min: 1e-12, max: 1, noNaN: true }),
        relative: fc.double({ min: 0, max: 3, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(errors, (list) => {
        const given = list.map(({ mean, relative }) => ({ mean, variance: (relative * mean) ** 2 }));
        const sure = list.map(({ mean }) => ({ mean, variance: 0 }));
        const even = list.map(() => 1 / list.length);
        for (const put of [largest, meanRoot, (all: typeof given) => weighted(all, even)]) {
          const { value, low, high } = put(given);
          expect(low).toBeLessThanOrEqual(value * (1 + 1e-6));
          expect(high).toBeGreaterThanOrEqual(value * (1 - 1e-6));
          const certain = put(sure);
          expect(high / low).toBeGreaterThanOrEqual((certain.high / certain.low) * (1 - 1e-6));
        }
      }),
    );
  });

  it('of nothing is nothing, of something infinite infinite', () => {
    expect(largest([certain(0)])).toEqual({ value: 0, low: 0, high: 0 });
    for (const put of [largest, meanRoot]) expect(put([certain(1), certain(Infinity)]).value).toBe(Infinity);
  });

  it('knows the normal distribution', () => {
    expect(normal(0)).toBeCloseTo(0.5, 6);
    expect(normal(1.645)).toBeCloseTo(0.95, 4);
    expect(normal(-1.645)).toBeCloseTo(0.05, 4);
  });
});
