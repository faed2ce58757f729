/** Metrics by hand, at the edges, and what tolerances have to know of them. */
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
import { METRIC_NAMES, type MetricSpecification } from './metric.js';
import { ALL, AGGREGATIONS, checkValue, NAMED, valueOf } from './testing.js';

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
