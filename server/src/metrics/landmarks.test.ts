/** Metrics of landmarks: distances over the size of a body, sets of points, and layouts that an output cannot hold. */
import { describe, expect, it } from 'vitest';
import { measure, metricProblem } from './measure.js';
import { BODY, checkValue, valueOf } from './testing.js';

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
