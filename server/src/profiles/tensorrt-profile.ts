/**
 * What `trtexec --exportProfile=FILE` writes: a list that begins with `{ "count": RUNS }` and has an entry for each layer of the engine,
 * in the order in which they run, with milliseconds over all runs (`timeMs`), and of one run their mean (`averageMs`) and, since
 * TensorRT 8.2, their median (`medianMs`). Knows the format of the file; what its names mean is `tensorrt-names`.
 */
import type { Profile, ProfileProblem, ProfiledKernel } from './kernel.js';
import { property } from './property.js';

/** Whether a list is one of these at all. */
export function isTensorRtProfile(entries: readonly unknown[]): boolean {
  return entries.some(
    (entry) => property(entry, 'averageMs') !== undefined || property(entry, 'timeMs') !== undefined,
  );
}

export function tensorRtProfile(entries: readonly unknown[]): Profile | ProfileProblem {
  const count = entries.map((entry) => property(entry, 'count')).find((one) => typeof one === 'number');
  const kernels: ProfiledKernel[] = [];
  for (const [index, entry] of entries.entries()) {
    const name = property(entry, 'name');
    if (name === undefined && property(entry, 'count') !== undefined) continue;
    const milliseconds = timeOf(entry, count);
    if (typeof name !== 'string' || milliseconds === undefined) {
      const what = `entry ${index + 1} of the list has no \`name\` with a \`medianMs\`, \`averageMs\` or \`timeMs\` of at least 0`;
      return { problem: `${what}: write it again with \`trtexec --exportProfile=FILE\`` };
    }
    kernels.push({ name, opType: '', provider: '', milliseconds, inputShapes: [], outputShapes: [] });
  }
  if (kernels.length === 0) {
    return {
      problem: 'it has no layers: run `trtexec` with `--exportProfile=FILE` and at least one iteration',
    };
  }
  return { kind: 'tensorrt', kernels, runs: [] };
}

/** Of one run: the median where there is one, otherwise the mean, otherwise the sum over the number of runs. */
function timeOf(entry: unknown, runs: number | undefined): number | undefined {
  for (const key of ['medianMs', 'averageMs']) {
    const time = property(entry, key);
    if (typeof time === 'number' && time >= 0) return time;
  }
  const sum = property(entry, 'timeMs');
  return typeof sum === 'number' && sum >= 0 && runs !== undefined && runs > 0 ? sum / runs : undefined;
}
