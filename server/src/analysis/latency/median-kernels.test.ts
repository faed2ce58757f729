import { describe, expect, it } from 'vitest';
import type { ProfiledKernel } from '../../runtime/index.js';
import { medianKernels } from './median-kernels.js';

function kernel(name: string, milliseconds: number): ProfiledKernel {
  return { name, opType: 'Op', provider: 'cpu', milliseconds, inputShapes: [], outputShapes: [] };
}

function checkMedians(times: Readonly<Record<string, number>>, expected: readonly ProfiledKernel[]): void {
  expect(Object.fromEntries(expected.map((one) => [one.name, one.milliseconds]))).toEqual(times);
}

describe('kernels of several runs', () => {
  it('have the median of the runs behind the warm-up, place by place', () => {
    const runs = [
      [100, 100],
      [1, 7],
      [50, 8],
      [2, 9],
    ];
    const profile = runs.flatMap(([a = 0, b = 0]) => [kernel('a', a), kernel('b', b)]);
    checkMedians({ a: 2, b: 8 }, medianKernels(profile, 4, 1));
  });

  it('may bear one name twice in a run', () => {
    const profile = [1, 2, 1, 2].map((time) => kernel('a', time));
    expect(medianKernels(profile, 2, 0).map((one) => one.milliseconds)).toEqual([1, 2]);
  });

  it('have their mean where runs differ', () => {
    const profile = [kernel('a', 1), kernel('loop', 4), kernel('a', 3)];
    checkMedians({ a: 2, loop: 2 }, medianKernels(profile, 2, 0));
  });
});
