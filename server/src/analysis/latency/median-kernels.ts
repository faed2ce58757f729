/** The kernels of a profile of several runs as those of one run. Knows lists of kernels only. */
import { quantile } from './benchmark.js';
import type { ProfiledKernel } from '../../runtime/index.js';

/**
 * The kernels of one run in the order in which they ran, each with the median of its milliseconds over the `runs` behind the
 * first `warmUp`. Where runs differ in their kernels (loops of varying length), each name once, with its mean.
 */
export function medianKernels(
  kernels: readonly ProfiledKernel[],
  runs: number,
  warmUp: number,
): readonly ProfiledKernel[] {
  const count = kernels.length / runs;
  const isSame = kernels.every((kernel, index) => kernel.name === kernels[index % count]?.name);
  if (!Number.isInteger(count) || !isSame) return meanKernels(kernels, runs, warmUp);
  return kernels.slice(0, count).map((kernel, index) => {
    const times = Array.from(
      { length: runs - warmUp },
      (_, run) => kernels[(warmUp + run) * count + index]?.milliseconds ?? 0,
    );
    const sorted = times.sort((a, b) => a - b);
    return { ...kernel, milliseconds: quantile(sorted, 0.5) };
  });
}

function meanKernels(
  kernels: readonly ProfiledKernel[],
  runs: number,
  warmUp: number,
): readonly ProfiledKernel[] {
  const found = new Map<string, ProfiledKernel>();
  // A first run may take a hundred times as long: where it is told apart it is left out here, too.
  const isTold = kernels.every(({ run }) => run !== undefined && run >= 0);
  const counted = isTold ? kernels.filter(({ run = 0 }) => run >= warmUp) : kernels;
  const over = isTold ? runs - warmUp : runs;
  for (const kernel of counted) {
    const before = found.get(kernel.name);
    const milliseconds = (before?.milliseconds ?? 0) + kernel.milliseconds / over;
    found.set(kernel.name, { ...kernel, milliseconds });
  }
  return [...found.values()];
}
