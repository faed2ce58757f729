import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayerStand, type RoundingEvent, type RoundingEvents } from '../../plan/index.js';
import { coherenceThreshold, EventUse, type OutputTable } from './event-table.js';
import { RunningErrors, WeightStand } from './set-errors.js';
import { largest, meanRoot, normal, weighted, type Uncertain } from './spread.js';

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
    kind === 'weight' ? EventUse.fixed : EventUse.independent,
  );
  return {
    ...{ output: 'y', elements: 1000, probes: PROBES, samples: SAMPLES },
    kinds: Array.from({ length: SAMPLES }, () => ({ aligned: 0, random: PROBES })),
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
        tables[0]?.uses.fill(EventUse.coherent, 6, 12);
        const running = new RunningErrors(events, tables);
        const stands = new Uint8Array(8);
        for (const layer of order) {
          stands[layer] = stands[layer] === LayerStand.low ? LayerStand.exact : LayerStand.low;
          const updated = running.of(stands).outputs[0]?.samples ?? [];
          const anew = new RunningErrors(events, tables).of(stands).outputs[0]?.samples ?? [];
          for (const [sample, one] of updated.entries()) {
            for (const part of ['fixed', 'coherent', 'independent'] as const) {
              expect(one[part]).toBeCloseTo(anew[sample]?.[part] ?? Number.NaN, 9);
            }
          }
        }
      }),
    );
  });

  it('add what weights do with its sign, and what is independent as squares', () => {
    const events = chain(2);
    // Of the first weights all products are 1, of the second -1: together they do nothing.
    const table = tableOf(events, [1]);
    table.rows.fill(-1, 3 * SAMPLES * PROBES, 4 * SAMPLES * PROBES);
    const running = new RunningErrors(events, [table]);
    const of = (...low: number[]): unknown => running.of(Uint8Array.from(low)).outputs[0]?.samples[0];
    expect(of(1, 0)).toMatchObject({ fixed: PROBES, independent: 2 * PROBES });
    // The input of the second is held already.
    expect(of(1, 1)).toMatchObject({ fixed: 0, independent: 3 * PROBES });
    expect(of(0, 0)).toMatchObject({ fixed: 0, coherent: 0, independent: 0 });
  });

  it('count how many of the activations that are rounded all the same way matter', () => {
    const events = chain(4);
    const table = tableOf(events, [1]);
    // The outputs of all four: two alike, one a hundred times less, one the opposite of the first.
    for (const [layer, value] of [1, 1, 0.01, -1].entries()) {
      const event = 3 * layer + 2;
      table.uses[event] = EventUse.coherent;
      table.rows.fill(value, event * SAMPLES * PROBES, (event + 1) * SAMPLES * PROBES);
    }
    const running = new RunningErrors(events, [table]);
    const of = (...low: number[]) => running.of(Uint8Array.from(low)).outputs[0]?.samples[0];
    expect(of(1, 0, 0, 0)).toMatchObject({ coherent: PROBES, draws: 1 });
    expect(of(1, 1, 0, 0)).toMatchObject({ coherent: 4 * PROBES, draws: 2 });
    expect(of(1, 0, 1, 0)?.draws).toBeCloseTo(1, 3);
    // That they cancel each other is one draw of two.
    expect(of(1, 0, 0, 1)).toMatchObject({ coherent: 0, draws: 2 });
    expect(of(0, 0, 0, 0)).toMatchObject({ coherent: 0, draws: 1 });
  });

  it('spread over the directions that the probes show, of the sample or of all, whichever are fewer', () => {
    const events = chain(1);
    const table = tableOf(events, [1]);
    // In the first sample all probes see the same, in the second one of them sees it all.
    const from = 2 * SAMPLES * PROBES;
    for (const use of [0, 1]) table.uses[use] = EventUse.nothing;
    table.rows.set([1, 1, 1, 0, 0, 3], from);
    const [even, narrow] = new RunningErrors(events, [table]).of(Uint8Array.of(1)).outputs[0]?.samples ?? [];
    expect(narrow?.directions).toBe(1);
    // One over the mean of 0 and 3 / 2.
    expect(even?.directions).toBeCloseTo(4 / 3, 9);
    expect([even?.independent, narrow?.independent]).toEqual([3, 3]);
  });

  it('have weights in a format of their own, whatever the layer is in', () => {
    const events = chain(2);
    const table = tableOf(events, [1]);
    const running = new RunningErrors(events, [table]);
    const of = (low: readonly number[], weights: readonly number[]) =>
      running.of(Uint8Array.from(low), Uint8Array.from(weights)).outputs[0]?.samples[0];
    const { asLayer, low, elsewhere } = WeightStand;
    // Weights alone, and all but weights; together they are the layer.
    expect(of([0, 0], [low, asLayer])).toMatchObject({ fixed: PROBES, independent: 0 });
    expect(of([1, 0], [elsewhere, asLayer])).toMatchObject({ fixed: 0, independent: 2 * PROBES });
    expect(of([1, 0], [low, asLayer])).toMatchObject({ fixed: PROBES, independent: 2 * PROBES });
    // One that makes something infinite does so, too.
    table.uses[3] = EventUse.nonFinite;
    const spoilt = new RunningErrors(events, [table]);
    expect(spoilt.of(Uint8Array.of(0, 0), Uint8Array.of(asLayer, low)).nonFinite).toEqual([1]);
    expect(spoilt.of(Uint8Array.of(0, 0), Uint8Array.of(asLayer, elsewhere)).nonFinite).toEqual([]);
  });

  it('are shared with another set as far as their roundings are the same', () => {
    const events = chain(3);
    const running = new RunningErrors(events, [tableOf(events, [2])]);
    running.of(Uint8Array.of(1, 1, 0));
    const before = running.triggeredNow();
    running.of(Uint8Array.of(0, 1, 1));
    // Two weights, two outputs and the first input each; the weight and the output of the layer between are in both.
    const effect = 4 * SAMPLES * PROBES;
    expect(running.sharedWith(before)).toEqual([{ one: 5 * effect, other: 5 * effect, both: 2 * effect }]);
    expect(running.sharedWith(running.triggeredNow())[0]?.both).toBe(5 * effect);
  });

  it('leave out layers of which something is not known, and name them', () => {
    const events = chain(3);
    const table = tableOf(events, [1]);
    table.uses[4] = EventUse.unknown;
    table.uses[8] = EventUse.nonFinite;
    const { outputs, unknown, nonFinite } = new RunningErrors(events, [table]).of(Uint8Array.of(1, 1, 1));
    expect([unknown, nonFinite]).toEqual([[1], [2]]);
    expect(outputs[0]?.samples[0]).toMatchObject({ fixed: PROBES, independent: 2 * PROBES });
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
  const certain = (mean: number) => ({ mean, variance: 0, doubt: 0 });

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
        doubt: fc.double({ min: 0, max: 2, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(errors, (list) => {
        const given = list.map(({ mean, relative, doubt }) => ({
          ...{ mean, variance: (relative * mean) ** 2, doubt },
        }));
        const sure = list.map(({ mean }) => certain(mean));
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

  it.each([
    // Degrees of freedom, and of chi-squared over them the fifth, the fiftieth and the ninety-fifth percentile.
    [1, 0.0039, 0.455, 3.841],
    [2, 0.0513, 0.693, 2.996],
    [4, 0.1777, 0.839, 2.372],
    [10, 0.394, 0.934, 1.831],
  ])('is that of a sum of squares in %i directions', (directions, fifth, median, most) => {
    const error = { mean: 1, variance: 2 / directions, doubt: 0 };
    // What the model leaves open is beside it, as a factor.
    const model = 1.645 * 0.25;
    const { low, value, high } = weighted([error], [1]);
    expect(Math.abs(value - median)).toBeLessThan(0.02);
    expect(Math.abs(Math.log(high / value) - Math.hypot(Math.log(most / median), model))).toBeLessThan(0.07);
    // Far below the mean the approximation is a coarse one, on a scale that hardly matters.
    expect(Math.abs(Math.log(value / low) - Math.hypot(Math.log(median / fifth), model))).toBeLessThan(0.3);
    expect(Math.abs(largest([error]).value - median)).toBeLessThan(0.02);
  });

  it('is as wide as what the first order leaves in doubt', () => {
    const pooled = (all: readonly Uncertain[]) => weighted(all, [0.5, 0.5]);
    for (const put of [largest, meanRoot, pooled]) {
      const sure = put([certain(1), certain(0.5)]);
      const unsure = put([{ ...certain(1), doubt: 1 }, certain(0.5)]);
      expect(unsure.value).toBeCloseTo(sure.value, 9);
      expect(unsure.high).toBeGreaterThan(1.2 * sure.high);
      expect(unsure.low).toBeLessThan(sure.low / 1.2);
    }
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
