/**
 * Looks at tensors while the original model runs, and at constants where they lie: ranges over all samples. As many outputs
 * at a time as fit into memory. Knows no format.
 */
import { exposedSteps } from '../../emulate/index.js';
import type { Tensor } from '../../onnx/index.js';
import type { RangeFigures, SquareGroups, TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { insideGroups, weightGroups } from './inside-sums.js';
import { constantsOf, tensorsOf, type Surroundings, type WrittenTensor } from './layer-surroundings.js';
import { constantRange, measuredRange, mergeRanges, type ConstantRange } from './tensor-range.js';

/** Elements whose outputs are kept at a time (256 MB); more than fit are measured in further sessions. */
const ELEMENTS_AT_A_TIME = 64 * 1024 * 1024;
/** What an output whose size is not known is taken for. */
const UNKNOWN_ELEMENTS = ELEMENTS_AT_A_TIME / 32;

export interface WrittenRanges {
  readonly tensors: ReadonlyMap<string, WrittenTensor>;
  readonly sessions: number;
  readonly inferences: number;
}

/** Ranges of everything that the layers write, and of what has to be known of what they read. */
export async function writtenRanges(
  { runtime, model, feeds, folder }: Evaluation,
  around: readonly Surroundings[],
  elements: (tensor: string) => number | undefined,
  { signal, progress }: WorkOptions,
): Promise<WrittenRanges> {
  const found = new FoundTensors(around);
  const look = async (tensors: Readonly<Record<string, TensorHandle>>, sample: number): Promise<void> => {
    const asked = Object.entries(tensors).map(([tensor, handle]) => {
      return { tensor, handle, groups: found.groupsOf(tensor, handle.dims) };
    });
    const figures = await runtime.rangesOf(asked, signal);
    for (const [at, { tensor, handle }] of asked.entries()) {
      const own = figures[at];
      if (own !== undefined) found.add(tensor, handle.dims, own, sample);
    }
  };
  const wanted = new Set(around.flatMap(tensorsOf));
  for (const [sample, feed] of feeds.entries()) {
    await look(Object.fromEntries(Object.entries(feed).filter(([name]) => wanted.has(name))), sample);
  }
  const fed = new Set(Object.keys(feeds[0] ?? {}));
  const groups = groupBySize(
    [...wanted].filter((name) => !fed.has(name)),
    elements,
  );
  const total = groups.length * feeds.length;
  let inferences = 0;
  for (const group of groups) {
    const { bytes } = await inSlices(exposedSteps(model, group));
    const request = { model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS };
    const session = await runtime.open(request, signal);
    try {
      for (const [sample, feed] of feeds.entries()) {
        progress?.(inferences, total, 'ranges');
        const results = await runtime.run(session, feed, group, signal);
        inferences += 1;
        try {
          await look(results, sample);
        } finally {
          await runtime.release(Object.values(results));
        }
      }
    } finally {
      await runtime.close(session);
    }
  }
  progress?.(total, total, 'ranges');
  return { tensors: found.tensors, sessions: groups.length, inferences };
}

/** Tensors with what was found of them so far, and the nodes that sum squares of them. */
class FoundTensors {
  readonly tensors = new Map<string, WrittenTensor>();
  private readonly summing: ReadonlyMap<string, readonly Surroundings[]>;

  constructor(around: readonly Surroundings[]) {
    const summing = new Map<string, Surroundings[]>();
    for (const one of around) {
      if (one.summed === undefined) continue;
      const list = summing.get(one.summed);
      if (list === undefined) summing.set(one.summed, [one]);
      else list.push(one);
    }
    this.summing = summing;
  }

  groupsOf(tensor: string, dims: readonly number[]): SquareGroups[] {
    return this.groupsByNode(tensor, dims).map(([, groups]) => groups);
  }

  add(tensor: string, dims: readonly number[], figures: RangeFigures, sample: number): void {
    const before = this.tensors.get(tensor);
    const largestSquares = new Map(before?.largestSquares);
    for (const [index, [node]] of this.groupsByNode(tensor, dims).entries()) {
      const own = figures.largestSquares[index] ?? 0;
      largestSquares.set(node, Math.max(largestSquares.get(node) ?? 0, own));
    }
    const range = mergeRanges(before?.range, measuredRange(tensor, 'output', figures, sample));
    this.tensors.set(tensor, { range, dims, largestSquares });
  }

  private groupsByNode(tensor: string, dims: readonly number[]): [node: number, groups: SquareGroups][] {
    return (this.summing.get(tensor) ?? []).flatMap(({ node, nodeIndex }): [number, SquareGroups][] => {
      const groups = insideGroups(node, dims);
      return groups === undefined ? [] : [[nodeIndex, groups]];
    });
  }
}

/** Groups of tensors that fit into memory together; one of unknown size counts as a large one. */
export function groupBySize(
  tensors: readonly string[],
  elements: (tensor: string) => number | undefined,
): string[][] {
  const groups: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    const own = elements(tensor) ?? UNKNOWN_ELEMENTS;
    if (size + own > ELEMENTS_AT_A_TIME) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(tensor);
    size += own;
  }
  return groups;
}

/** Ranges of the weights of the layers, and of the other constants that they read; without those that cannot be read. */
export async function constantRanges(
  { runtime, model }: Evaluation,
  around: readonly Surroundings[],
  { signal, progress }: WorkOptions,
): Promise<ReadonlyMap<Tensor, ConstantRange>> {
  const ranges = new Map<Tensor, ConstantRange>();
  const factors = new Map(
    around.flatMap(({ node, factor }) => (factor === undefined ? [] : [[factor, node] as const])),
  );
  const wanted = new Set(around.flatMap(constantsOf));
  let done = 0;
  for (const tensor of wanted) {
    progress?.(done, wanted.size, 'weights');
    done += 1;
    const node = factors.get(tensor);
    const groups = node === undefined ? undefined : weightGroups(node, tensor.dims);
    const found = await constantRange(runtime, model, tensor, groups === undefined ? [] : [groups], signal);
    if (found !== undefined) ranges.set(tensor, found);
  }
  progress?.(wanted.size, wanted.size, 'weights');
  return ranges;
}
