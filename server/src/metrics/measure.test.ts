import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestValue,
  betterDirection,
  combine,
  defaultAggregation,
  exceeds,
  measure,
  metricProblem,
  worstValue,
} from './measure.js';
import { METRIC_NAMES, type Aggregation, type LandmarkLayout, type MetricSpecification } from './metric.js';

/** Four landmarks of (x, y, visibility); shoulders 0 and 1, hips 2 and 3. */
const BODY: LandmarkLayout = {
  first: 0,
  last: 3,
  stride: 3,
  dims: 2,
  normalize: { kind: 'torso', points: [0, 1, 2, 3] },
};

/** Every metric in a form that any tensor of 12 elements or more can be measured with. */
const ALL: readonly MetricSpecification[] = METRIC_NAMES.map((name) => ({
  name,
  ...(name === 'nme' || name === 'pck' ? { landmarks: BODY } : {}),
  ...(name === 'pck' || name === 'iou' ? { threshold: 0.1 } : {}),
  ...(name === 'kl' ? { softmax: true } : {}),
}));
const NAMED = ALL.map((specification) => [specification.name, specification] as const);

const AGGREGATIONS: readonly Aggregation[] = ['worst', 'mean', 'pooled'];
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

function valueOf(specification: MetricSpecification, reference: Float32Array, actual: Float32Array): number {
  return measure(specification, reference, actual, [reference.length]).value;
}

function checkValue(
  specification: MetricSpecification,
  reference: number[],
  actual: number[],
  expected: number,
): void {
  expect(valueOf(specification, new Float32Array(reference), new Float32Array(actual))).toBeCloseTo(
    expected,
    12,
  );
}

/** No value is better than the best and none worse than the worst. */
function checkWithinBounds(specification: MetricSpecification, value: number): void {
  const [low, high] = [bestValue(specification.name), worstValue(specification.name)].sort((a, b) => a - b);
  expect(value).toBeGreaterThanOrEqual(low ?? NaN);
  expect(value).toBeLessThanOrEqual(high ?? NaN);
}

describe('metrics by hand', () => {
  it('max_abs is the largest difference', () => {
    checkValue({ name: 'max_abs' }, [1, 2, 3], [1, 0, 4], 2);
  });

  it('mean_abs is the mean difference', () => {
    checkValue({ name: 'mean_abs' }, [1, 2, 3], [1, 0, 4], 1);
  });

  it('relative_l2 is the norm of the difference over that of the reference', () => {
    checkValue({ name: 'relative_l2' }, [3, 4], [3, 4.5], 0.1);
  });

  it('cosine is that of the angle', () => {
    checkValue({ name: 'cosine' }, [1, 0], [1, 1], Math.SQRT1_2);
    checkValue({ name: 'cosine' }, [1, 2], [-2, -4], -1);
  });

  it('sqnr is the ratio of squares in dB', () => {
    checkValue({ name: 'sqnr' }, [3, 4], [3, 4.5], 20);
  });

  it('psnr is the squared peak over the mean squared difference in dB', () => {
    checkValue({ name: 'psnr' }, [10, 0, 0, 0], [10, 0, 0, 2], 20);
  });

  it('ulp_fp16 counts in the spacing of FP16 at the reference', () => {
    checkValue({ name: 'ulp_fp16' }, [1], [1 + 2 ** -10], 1);
    checkValue({ name: 'ulp_fp16' }, [-1024], [-1025.5], 1.5);
    checkValue({ name: 'ulp_fp16' }, [0], [2 ** -24], 1);
    checkValue({ name: 'ulp_fp16' }, [1e6], [1e6 + 32], 1);
  });

  it('top1 is the share of rows with the same largest class', () => {
    const { value } = measure(
      { name: 'top1' },
      new Float32Array([1, 2, 3, 9, 8, 7]),
      new Float32Array([1, 2, 2.5, 7, 8, 9]),
      [2, 3],
    );
    expect(value).toBe(0.5);
  });

  it('top1 takes the first of equal classes, and any axis', () => {
    const reference = new Float32Array([5, 1, 5, 2]);
    const actual = new Float32Array([5, 1, 4, 3]);
    const other = new Float32Array([3, 4, 5, 5]);
    expect(measure({ name: 'top1', axis: 0 }, reference, actual, [2, 2]).sums).toEqual([2, 2]);
    expect(measure({ name: 'top1', axis: 0 }, reference, other, [2, 2]).sums).toEqual([1, 2]);
    expect(measure({ name: 'top1', axis: -2 }, reference, actual, [2, 2]).sums).toEqual([2, 2]);
  });

  it('top5 wants the largest class among the five largest', () => {
    checkValue({ name: 'top5' }, [9, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 0], 1);
    checkValue({ name: 'top5' }, [9, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6], 0);
  });

  it('kl is the divergence in nats', () => {
    const expected = 0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75);
    checkValue({ name: 'kl' }, [0.5, 0.5], [0.25, 0.75], expected);
  });

  it('kl of logits takes the softmax first', () => {
    const specification: MetricSpecification = { name: 'kl', softmax: true };
    const reference = new Float32Array([1000, 1000]);
    const actual = new Float32Array([0, Math.log(3)]);
    const expected = 0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75);
    expect(valueOf(specification, reference, actual)).toBeCloseTo(expected, 6);
  });

  it('kl is infinite where something possible became impossible, and for what are no probabilities', () => {
    expect(valueOf({ name: 'kl' }, new Float32Array([0.5, 0.5]), new Float32Array([0, 1]))).toBe(Infinity);
    expect(valueOf({ name: 'kl' }, new Float32Array([-1, 2]), new Float32Array([0, 1]))).toBe(Infinity);
  });

  it('kl takes masked logits', () => {
    const reference = new Float32Array([-Infinity, 1, 2]);
    const actual = new Float32Array([-Infinity, 1, 2.5]);
    const value = valueOf({ name: 'kl', softmax: true }, reference, actual);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1);
  });

  it('iou is the overlap of the masks', () => {
    checkValue({ name: 'iou', threshold: 0.5 }, [1, 1, 1, 0], [0, 1, 1, 1], 0.5);
    checkValue({ name: 'iou', threshold: 0.5 }, [0, 0], [0.5, 0], 1);
  });
});

describe('landmarks', () => {
  //                   shoulders           hips                 torso: from (1, 0) to (1, 10)
  const reference = [0, 0, 9, 2, 0, 9, 0, 10, 9, 2, 10, 9];
  const moved = [3, 4, 5, 2, 0, 0, 0, 10, 0, 2, 10, 0];

  it('nme is the mean distance over the torso', () => {
    checkValue({ name: 'nme', landmarks: BODY }, reference, moved, 5 / 10 / 4);
  });

  it('pck is the share of landmarks that moved at most so far', () => {
    checkValue({ name: 'pck', threshold: 0.49, landmarks: BODY }, reference, moved, 0.75);
    checkValue({ name: 'pck', threshold: 0.5, landmarks: BODY }, reference, moved, 1);
  });

  it.each([
    ['the root of width times height', { kind: 'bbox' }, Math.sqrt(2 * 10)],
    ['the diagonal of the box', { kind: 'diagonal' }, Math.hypot(2, 10)],
    ['a number', { kind: 'constant', value: 256 }, 256],
  ] as const)('distances may be divided by %s', (_, normalize, unit) => {
    checkValue({ name: 'nme', landmarks: { ...BODY, normalize } }, reference, moved, 5 / unit / 4);
  });

  it('only the points named count', () => {
    checkValue({ name: 'nme', landmarks: { ...BODY, first: 1 } }, reference, moved, 0);
  });

  it('each element of the first axis is a set with a torso of its own', () => {
    const larger = reference.map((value) => value * 2);
    const { value, sums } = measure(
      { name: 'nme', landmarks: BODY },
      new Float32Array([...reference, ...larger]),
      new Float32Array([...moved, ...larger.map((v, i) => v + (moved[i] ?? 0) - (reference[i] ?? 0))]),
      [2, 4, 3],
    );
    expect(sums[1]).toBe(8);
    expect(value).toBeCloseTo((0.5 + 0.25) / 8, 12);
  });

  it('a tensor without a batch axis is one set', () => {
    const { sums } = measure(
      { name: 'nme', landmarks: BODY },
      new Float32Array(reference),
      new Float32Array(moved),
      [4, 3],
    );
    expect(sums[1]).toBe(4);
  });

  it('a torso of no length makes any movement infinite, and none zero', () => {
    const flat = reference.map(() => 1);
    checkValue({ name: 'nme', landmarks: BODY }, flat, flat, 0);
    expect(valueOf({ name: 'nme', landmarks: BODY }, new Float32Array(flat), new Float32Array(moved))).toBe(
      Infinity,
    );
  });

  it('are refused where the output cannot hold them', () => {
    const problems = [
      metricProblem({ name: 'nme' }, [12]),
      metricProblem({ name: 'pck', landmarks: BODY }, [12]),
      metricProblem({ name: 'nme', landmarks: BODY }, [1, 10]),
      metricProblem({ name: 'nme', landmarks: { ...BODY, dims: 4 } }, [12]),
      metricProblem({ name: 'nme', landmarks: { ...BODY, first: 4 } }, [12]),
      metricProblem({ name: 'nme', landmarks: BODY }, [1, 12]),
    ];
    expect(problems).toEqual([
      'nme needs to know where the landmarks are: points, stride, dims, normalize',
      'pck needs a threshold: pck(0.05)',
      'the output has 10 values, and the landmarks need 11',
      'a stride of 3 does not hold 4 coordinates',
      'the points 4..3 are none',
      undefined,
    ]);
  });
});

describe('the edges', () => {
  it('a reference of zeros is met by zeros only', () => {
    const zeros = new Float32Array(3);
    const ones = new Float32Array([0, 1, 0]);
    expect(valueOf({ name: 'relative_l2' }, zeros, zeros)).toBe(0);
    expect(valueOf({ name: 'relative_l2' }, zeros, ones)).toBe(Infinity);
    expect(valueOf({ name: 'sqnr' }, zeros, zeros)).toBe(Infinity);
    expect(valueOf({ name: 'sqnr' }, zeros, ones)).toBe(-Infinity);
    expect(valueOf({ name: 'cosine' }, zeros, zeros)).toBe(1);
    expect(valueOf({ name: 'cosine' }, zeros, ones)).toBe(0);
  });

  it.each(NAMED)('%s of empty tensors is the best', (name, specification) => {
    const empty = new Float32Array(0);
    expect(measure(specification, empty, empty, [0, 12]).value).toBe(bestValue(name));
  });

  it.each(NAMED)(
    '%s of a new NaN or infinity is the worst, however samples are put together',
    (name, specification) => {
      const reference = Float32Array.from({ length: 12 }, (_, i) => i + 1);
      for (const bad of [NaN, Infinity, -Infinity]) {
        const broken = measure(specification, reference, reference.with(5, bad), [12]);
        const lost = measure(specification, reference.with(5, bad), reference, [12]);
        const fine = measure(specification, reference, reference, [12]);
        expect([broken.value, lost.value]).toEqual([worstValue(name), worstValue(name)]);
        for (const over of AGGREGATIONS) {
          expect(combine(specification, [fine, broken, fine], over)).toBe(worstValue(name));
        }
      }
    },
  );

  it.each(NAMED)('%s takes the same NaN and infinity on both sides as equal', (name, specification) => {
    const values = Float32Array.from({ length: 12 }, (_, i) => i + 1);
    values[2] = NaN;
    values[7] = -Infinity;
    expect(measure(specification, values, values.slice(), [12]).value).toBe(bestValue(name));
  });

  it('an infinity of the other sign is new', () => {
    expect(valueOf({ name: 'max_abs' }, new Float32Array([Infinity]), new Float32Array([-Infinity]))).toBe(
      Infinity,
    );
  });

  it('elements that are equally not finite have no weight', () => {
    const reference = new Float32Array([3, Infinity, 4]);
    expect(valueOf({ name: 'relative_l2' }, reference, reference.with(2, 4.5))).toBeCloseTo(0.1, 12);
  });

  it.each(NAMED)('%s of outputs of different sizes is the worst', (name, specification) => {
    expect(measure(specification, new Float32Array(12), new Float32Array(13), [12]).value).toBe(
      worstValue(name),
    );
  });

  it('an axis that is not there is refused', () => {
    expect(metricProblem({ name: 'top1', axis: 2 }, [1, 10])).toBe(
      'axis 2 does not exist: the output has 2 axes',
    );
    expect(metricProblem({ name: 'kl', axis: -3 }, [1, 10])).toBe(
      'axis -3 does not exist: the output has 2 axes',
    );
    expect(metricProblem({ name: 'top5', axis: -2 }, [1, 10])).toBeUndefined();
  });

  it('a scalar is one class', () => {
    expect(measure({ name: 'top1' }, new Float32Array([1]), new Float32Array([2]), []).sums).toEqual([1, 1]);
  });
});

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

describe('putting samples together', () => {
  const figures = [
    { value: 0.1, sums: [1, 100] },
    { value: 0.3, sums: [9, 100] },
  ];

  it('worst is the largest error', () => {
    expect(combine({ name: 'relative_l2' }, figures, 'worst')).toBe(0.3);
  });

  it('worst is the smallest ratio', () => {
    const ratios = [
      { value: 40, sums: [1, 1e4] },
      { value: 20, sums: [1, 1e2] },
    ];
    expect(combine({ name: 'sqnr' }, ratios, 'worst')).toBe(20);
  });

  it('mean is that of the values', () => {
    expect(combine({ name: 'relative_l2' }, figures, 'mean')).toBeCloseTo(0.2, 12);
  });

  it('pooled is made of the sums', () => {
    expect(combine({ name: 'relative_l2' }, figures, 'pooled')).toBeCloseTo(Math.sqrt(10 / 200), 12);
  });

  it('a mean of shares may hold a sample that is all wrong', () => {
    const shares = [
      { value: 1, sums: [4, 4] },
      { value: 0, sums: [0, 4] },
    ];
    expect(combine({ name: 'top1' }, shares, 'mean')).toBe(0.5);
    expect(combine({ name: 'top1' }, shares, 'worst')).toBe(0);
  });

  it('no sample speaks for no tolerance', () => {
    for (const { name } of ALL)
      expect(combine({ name }, [], defaultAggregation(name))).toBe(worstValue(name));
  });
});

describe('what a tolerance needs to know', () => {
  it('which way is better and how samples are put together', () => {
    const table = METRIC_NAMES.map((name) => `${name} ${betterDirection(name)} ${defaultAggregation(name)}`);
    expect(table).toEqual([
      'max_abs <= worst',
      'mean_abs <= worst',
      'relative_l2 <= worst',
      'cosine >= worst',
      'sqnr >= worst',
      'psnr >= worst',
      'ulp_fp16 <= worst',
      'top1 >= pooled',
      'top5 >= pooled',
      'kl <= worst',
      'nme <= pooled',
      'pck >= pooled',
      'iou >= pooled',
    ]);
  });

  it('a limit itself is no excess, and NaN always is', () => {
    expect([exceeds(1, '<=', 1), exceeds(1.1, '<=', 1), exceeds(1, '>=', 1), exceeds(0.9, '>=', 1)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([exceeds(NaN, '<=', 1), exceeds(NaN, '>=', 1)]).toEqual([true, true]);
  });
});
