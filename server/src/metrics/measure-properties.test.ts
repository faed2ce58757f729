/** What is true of every metric, whatever the tensors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestValue, combine, measure, worstValue } from './measure.js';
import type { MetricSpecification } from './metric.js';
import { AGGREGATIONS, NAMED, valueOf } from './testing.js';

const element = fc.float({
  noNaN: true,
  noDefaultInfinity: true,
  min: Math.fround(-1e6),
  max: Math.fround(1e6),
});
const tensor = (length: number) =>
  fc.array(element, { minLength: length, maxLength: length }).map((values) => new Float32Array(values));
const pair = fc.integer({ min: 12, max: 30 }).chain((length) => fc.tuple(tensor(length), tensor(length)));
const anyPair = fc.integer({ min: 12, max: 20 }).chain((length) =>
  fc.tuple(
    fc.array(fc.float(), { minLength: length, maxLength: length }).map((values) => new Float32Array(values)),
    fc.array(fc.float(), { minLength: length, maxLength: length }).map((values) => new Float32Array(values)),
  ),
);

const none = new Float32Array(0);

function joined(a: Float32Array, b: Float32Array): Float32Array {
  return new Float32Array([...a, ...b]);
}

/** No value is better than the best and none worse than the worst. */
function checkWithinBounds(specification: MetricSpecification, value: number): void {
  const [low, high] = [bestValue(specification.name), worstValue(specification.name)].sort((a, b) => a - b);
  expect(value).toBeGreaterThanOrEqual(low ?? NaN);
  expect(value).toBeLessThanOrEqual(high ?? NaN);
}

describe('properties', () => {
  it.each(NAMED)('%s of an output with itself is the best', (name, specification) => {
    fc.assert(
      fc.property(anyPair, ([values]) => {
        expect(valueOf(specification, values, values.slice())).toBe(bestValue(name));
      }),
    );
  });

  it.each(NAMED)('%s is never NaN and never out of bounds, whatever the elements', (_, specification) => {
    fc.assert(
      fc.property(anyPair, pair, ([a, b], [c, d]) => {
        const figures = [
          measure(specification, a, b, [a.length]),
          measure(specification, c, d, [c.length]),
          measure(specification, c, c, [c.length]),
        ];
        for (const { value } of figures) checkWithinBounds(specification, value);
        for (const over of AGGREGATIONS)
          checkWithinBounds(specification, combine(specification, figures, over));
      }),
    );
  });

  it.each(NAMED.filter(([name]) => !['nme', 'pck'].includes(name)))(
    '%s pooled over parts is what it is of the whole',
    (_, specification) => {
      const parts = fc
        .integer({ min: 12, max: 30 })
        .chain((length) => fc.array(tensor(length), { minLength: 4, maxLength: 4 }));
      fc.assert(
        fc.property(parts, ([a = none, b = none, c = none, d = none]) => {
          const figures = [
            measure(specification, a, b, [a.length]),
            measure(specification, c, d, [c.length]),
          ];
          const whole = measure(specification, joined(a, c), joined(b, d), [2, a.length]);
          expectClose(combine(specification, figures, 'pooled'), whole.value);
        }),
      );
    },
  );

  it.each(NAMED.filter(([name]) => ['nme', 'pck'].includes(name)))(
    '%s pooled over samples is that of a batch of them',
    (_, specification) => {
      fc.assert(
        fc.property(tensor(12), tensor(12), tensor(12), tensor(12), (a, b, c, d) => {
          const figures = [measure(specification, a, b, [1, 12]), measure(specification, c, d, [1, 12])];
          const batch = measure(specification, joined(a, c), joined(b, d), [2, 12]);
          expectClose(combine(specification, figures, 'pooled'), batch.value);
        }),
      );
    },
  );

  it.each(NAMED.filter(([name]) => !['top1', 'top5', 'nme', 'pck'].includes(name)))(
    '%s does not depend on the order of the elements',
    (_, specification) => {
      fc.assert(
        fc.property(pair, ([reference, actual]) => {
          const turned = valueOf(specification, reference.toReversed(), actual.toReversed());
          expectClose(turned, valueOf(specification, reference, actual));
        }),
      );
    },
  );

  it.each(['relative_l2', 'cosine', 'sqnr', 'psnr'] as const)('%s does not depend on the unit', (name) => {
    fc.assert(
      fc.property(pair, fc.integer({ min: -10, max: 10 }), ([reference, actual], power) => {
        // A power of two changes no significand.
        const scaled = (values: Float32Array) => values.map((value) => Math.fround(value * 2 ** power));
        const isExact = [reference, actual].every((values) =>
          scaled(values).every((value, i) => value / 2 ** power === values[i]),
        );
        fc.pre(isExact);
        expectClose(
          valueOf({ name }, scaled(reference), scaled(actual)),
          valueOf({ name }, reference, actual),
        );
      }),
    );
  });

  it('a larger error is never better', () => {
    fc.assert(
      fc.property(tensor(12), fc.float({ min: 1, max: 2, noNaN: true }), (reference, factor) => {
        for (const name of ['max_abs', 'mean_abs', 'relative_l2'] as const) {
          const near = valueOf(
            { name },
            reference,
            reference.map((value) => value + 1),
          );
          const far = valueOf(
            { name },
            reference,
            reference.map((value) => value + 2 * factor),
          );
          expect(far).toBeGreaterThanOrEqual(near);
        }
      }),
    );
  });
});

function expectClose(actual: number, expected: number): void {
  if (Number.isFinite(expected))
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(expected)));
  else expect(actual).toBe(expected);
}
