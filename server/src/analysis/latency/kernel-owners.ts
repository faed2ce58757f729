/**
 * Which nodes of a model the kernels of a profile stand for. An optimising runtime fuses nodes, changes layouts and adds
 * casts, under names made out of those of the nodes and tensors concerned; here they are led back. Knows one model and what the
 * runtime's names are made of; not what the times mean.
 */
import type { LabelledVariant } from '../../emulate/index.js';
import type { Model, Node } from '../../onnx/index.js';
import { modelFacts, type ModelFacts } from '../../plan/index.js';
import type { ProfiledKernel } from '../../runtime/index.js';

/**
 * What a kernel is of: a node; several that it computes as one; a cast, with the nodes that it is there for, which write what it
 * reads or read what it writes, and its own node if the model has one for it; or not to be told.
 */
export type KernelOwner =
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'part'; readonly nodes: readonly number[] }
  | {
      readonly kind: 'cast';
      readonly nodes: readonly number[];
      readonly side: 'writer' | 'readers';
      readonly own: number | undefined;
    }
  | { readonly kind: 'unknown' };

/** Kernels that change the layout of a tensor, before and behind those that compute in blocks of channels. */
const LAYOUT_BEFORE = 'ReorderInput';
const LAYOUT_BEHIND = 'ReorderOutput';
/** How the runtime names the casts that it adds round an operator without a kernel for its type. */
const ADDED_CAST = 'InsertedPrecisionFreeCast_';

/** What a runtime's name for a kernel is made of. */
export type PartsOfName = LabelledVariant['parts'];

/** The owner of each kernel of one run, in the order in which they ran. */
export function kernelOwners(
  model: Model,
  parts: PartsOfName,
  kernels: readonly ProfiledKernel[],
): readonly KernelOwner[] {
  const owners = new Owners(model, parts, kernels);
  return kernels.map((kernel, index) => owners.ownerOf(kernel, index));
}

class Owners {
  private readonly facts: ModelFacts;
  private readonly nodes: readonly Node[];
  /** Nodes that have a kernel under their own name: nothing has been fused into another's. */
  private readonly own: ReadonlySet<number>;

  constructor(
    model: Model,
    private readonly parts: PartsOfName,
    private readonly kernels: readonly ProfiledKernel[],
  ) {
    this.facts = modelFacts(model);
    this.nodes = model.graph.nodes;
    this.own = new Set(kernels.flatMap(({ name }) => parts(name).nodes.slice(0, 1)));
  }

  ownerOf(kernel: ProfiledKernel, index: number): KernelOwner {
    const isBehind = this.layoutSide(kernel);
    if (isBehind !== undefined) {
      const node = this.layoutNode(kernel, index, isBehind);
      return node === undefined ? { kind: 'unknown' } : { kind: 'node', node };
    }
    if (kernel.opType === 'Cast') return this.castOwner(kernel);
    const node = this.computedNode(kernel);
    return node === undefined ? { kind: 'unknown' } : { kind: 'node', node };
  }

  /** A fused kernel goes by the node that it started from, or by the tensor that the last of its nodes writes. */
  private computedNode({ name, opType }: ProfiledKernel): number | undefined {
    const { nodes, tensors } = this.parts(name);
    const [node] = nodes;
    if (node !== undefined) return node;
    const [tensor] = tensors;
    const last = tensor === undefined ? undefined : this.facts.index.producers.get(tensor);
    return last === undefined ? undefined : this.startOfFusion(last, opType.replace(/^Fused/, ''));
  }

  /** The nearest node upstream with the kernel's operator, over nodes that have no kernel of their own. */
  private startOfFusion(last: number, opType: string): number {
    const seen = new Set([last]);
    let border = [last];
    while (border.length > 0) {
      const found = border.find((at) => this.nodes[at]?.opType === opType);
      if (found !== undefined) return found;
      border = border.flatMap((at) =>
        (this.nodes[at]?.inputs ?? []).flatMap((input) => {
          const producer = this.facts.index.producers.get(input);
          if (producer === undefined || seen.has(producer) || this.own.has(producer)) return [];
          seen.add(producer);
          return [producer];
        }),
      );
    }
    return last;
  }

  /**
   * Whether a kernel changes the layout behind another kernel, or before one; undefined if it does neither. Runtimes that compute with
   * channels last put Transposes of their own, which no node has given its name to.
   */
  private layoutSide({ name, opType, inputShapes, outputShapes }: ProfiledKernel): boolean | undefined {
    if (opType === LAYOUT_BEFORE) return false;
    if (opType === LAYOUT_BEHIND) return true;
    if (opType !== 'Transpose') return undefined;
    const { nodes, tensors } = this.parts(name);
    if (nodes.length > 0 || tensors.length > 0) return undefined;
    const [read = [], written = []] = [inputShapes[0]?.dims, outputShapes[0]?.dims];
    const channelsLast = [...read.slice(0, 1), ...read.slice(2), ...read.slice(1, 2)];
    const toFirst = [...read.slice(0, 1), ...read.slice(-1), ...read.slice(1, -1)];
    const isTo = (dims: readonly number[]): boolean => dims.join('x') === written.join('x');
    return isTo(toFirst) || !isTo(channelsLast);
  }

  /**
   * A change of layout has no name of its own. Kernels run soon after what they read is there, so it belongs to the
   * last kernel before it that wrote what it reads, or the next one that reads what it writes, judged by shapes.
   */
  private layoutNode(kernel: ProfiledKernel, index: number, isBehind: boolean): number | undefined {
    const shape = sizesOf(isBehind ? kernel.inputShapes[0] : kernel.outputShapes[0]);
    const step = isBehind ? -1 : 1;
    for (let at = index + step; at >= 0 && at < this.kernels.length; at += step) {
      const other = this.kernels[at];
      if (other === undefined || this.layoutSide(other) !== undefined) continue;
      const shapes = isBehind ? other.outputShapes.slice(0, 1) : other.inputShapes;
      if (shapes.some((one) => sizesOf(one) === shape)) {
        const node = this.computedNode(other);
        if (node !== undefined) return node;
      }
    }
    return undefined;
  }

  private castOwner(kernel: ProfiledKernel): KernelOwner {
    const { nodes, tensors } = this.parts(kernel.name);
    const [own] = nodes;
    const node = this.nodes[own ?? -1];
    const narrows = kernel.inputShapes[0]?.type === 'float' && kernel.outputShapes[0]?.type !== 'float';
    if (kernel.name.startsWith(ADDED_CAST)) {
      // Back to the narrow type behind an operator that cannot give it, to the wide one before one that cannot read it.
      return this.castAt(narrows ? 'writer' : 'readers', tensors[0] ?? '', undefined);
    }
    if (node === undefined) {
      // Added by whoever converted the model, under a name made of that of the tensor.
      const [tensor] = tensors;
      return tensor === undefined
        ? { kind: 'unknown' }
        : this.castAt(narrows ? 'readers' : 'writer', tensor, undefined);
    }
    if (node.opType !== 'Cast') {
      // The same, named after the node that it is there for.
      return { kind: 'cast', nodes: own === undefined ? [] : [own], side: 'readers', own: undefined };
    }
    // Into the narrow type for the nodes that are in it, out of it because of the node that is.
    const side = narrows ? 'readers' : 'writer';
    return this.castAt(side, (narrows ? node.outputs[0] : node.inputs[0]) ?? '', own);
  }

  private castAt(side: 'writer' | 'readers', tensor: string, own: number | undefined): KernelOwner {
    const producer = this.facts.index.producers.get(tensor);
    const readers = [...new Set((this.facts.index.consumers.get(tensor) ?? []).map((reader) => reader.node))];
    if (side === 'writer' && producer !== undefined) return { kind: 'cast', nodes: [producer], side, own };
    return readers.length === 0
      ? { kind: 'unknown' }
      : { kind: 'cast', nodes: readers, side: 'readers', own };
  }
}

function sizesOf(shape: ProfiledKernel['inputShapes'][number] | undefined): string {
  return shape?.dims.join('x') ?? 'none';
}
