/**
 * A model with its backward graph, and what a caller appends behind that, as a variant whose weights stay in the model's
 * files. Leaves out whatever no output depends on. Knows no derivative.
 */
import {
  capturedNames,
  DataType,
  finish,
  indexGraph,
  isStep,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  referredTensor,
  variantSteps,
  type Node,
  type Steps,
  type Tensor,
  type ValueInfo,
  type ValueType,
  type Variant,
} from '../onnx/index.js';
import type { BackwardModel } from './backward.js';

/** What stands behind the backward graph, in an order in which it runs, under names from its `takeName`. */
export interface AppendedParts {
  readonly nodes?: readonly Node[];
  /** Each is put right behind the last node that it reads from: none reads what `nodes` write. */
  readonly early?: readonly Node[];
  readonly initializers?: readonly Tensor[];
  readonly inputs?: readonly ValueInfo[];
}

/** @param outputs of the variant: gradients, tensors of the model, or of what is appended. */
export function backwardVariant(
  backward: BackwardModel,
  outputs: readonly ValueInfo[],
  appended: AppendedParts = {},
): Variant {
  return finish(backwardVariantSteps(backward, outputs, appended));
}

/** The same, a few nodes at a time. Inputs are the model's, then the probes, then those appended. */
export function* backwardVariantSteps(
  backward: BackwardModel,
  outputs: readonly ValueInfo[],
  appended: AppendedParts = {},
): Steps<Variant> {
  const { model } = backward;
  const index = indexGraph(model.graph, model.irVersion);
  const forward = index.order.flatMap((at) => model.graph.nodes[at] ?? []);
  const all = [
    ...behindWhatTheyRead([...forward, ...backward.nodes], appended.early ?? []),
    ...(appended.nodes ?? []),
  ];
  yield;
  const needed = new Set(outputs.map(({ name }) => name));
  const kept: Node[] = [];
  for (const [step, node] of all.reverse().entries()) {
    if (isStep(step)) yield;
    // Constants go among the initializers, by byte range where they are large.
    const isStored = node.opType === 'Constant' && index.constantOf(node.outputs[0] ?? '') !== undefined;
    if (isStored || !node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of [...node.inputs, ...capturedNames(node)]) needed.add(name);
  }
  yield;
  const made = [...backward.initializers, ...(appended.initializers ?? [])];
  const initializers = made.filter((tensor) => needed.delete(tensor.name));
  for (const [step, name] of [...needed].entries()) {
    if (isStep(step)) yield;
    const tensor = index.constantOf(name) ?? index.initializers.get(name);
    if (tensor !== undefined) initializers.push(referredTensor(name, tensor, model));
  }
  const hidden = hideShapes(kept, initializers, backward);
  const inputs = [...model.graph.inputs, ...backward.inputs, ...(appended.inputs ?? [])];
  return yield* variantSteps(model, {
    nodes: [...hidden.nodes, ...kept.reverse()],
    initializers: hidden.initializers,
    inputs: inputs.map(({ name, type }) => makeValueInfo(name, withoutShape(type))),
    outputs: outputs.map(({ name, type }) => makeValueInfo(name, withoutShape(type))),
  });
}

/**
 * ONNX Runtime sorts a graph by the places of its nodes, and keeps those that could run in a list that it walks through for each
 * node: what could run long before its place makes that list long, which was a fifth of the time that a session took to make.
 */
function behindWhatTheyRead(nodes: readonly Node[], early: readonly Node[]): readonly Node[] {
  const placeOf = new Map<string, number>();
  for (const [place, { outputs }] of nodes.entries()) for (const name of outputs) placeOf.set(name, place);
  const behind: Node[][] = nodes.map(() => []);
  const first: Node[] = [];
  for (const node of early) {
    const place = Math.max(
      -1,
      ...[...node.inputs, ...capturedNames(node)].map((name) => placeOf.get(name) ?? -1),
    );
    (behind[place] ?? first).push(node);
    for (const name of node.outputs) placeOf.set(name, place);
  }
  return [...first, ...nodes.flatMap((node, place) => [node, ...(behind[place] ?? [])])];
}

/**
 * ONNX Runtime compares each tensor whose shape it knows, if only its rank, with every buffer that is free by then, to use that
 * one again: time that grows with the square of a graph, and was four fifths of what it took to make a session of 12,000 nodes. So
 * no shape is told, and none can be inferred from the constants that are the shapes of Reshape and Expand: they go through a node
 * of which nobody can say how many elements it lets pass, and before that existed, through one that hides their values at least.
 */
function hideShapes(
  nodes: readonly Node[],
  initializers: readonly Tensor[],
  { model, takeName }: BackwardModel,
): { readonly nodes: readonly Node[]; readonly initializers: readonly Tensor[] } {
  // What can be fed is an input of the graph, and no node may write it.
  const fed = new Set(model.graph.inputs.map(({ name }) => name));
  const shapes = new Set(nodes.flatMap((node) => (takesShape(node) ? (node.inputs[1] ?? '') : [])));
  const isSelecting = (model.opsets.get('') ?? 1) >= COMPRESS_SINCE;
  const all = new Map<number, Tensor>();
  const passing: Node[] = [];
  const renamed = initializers.map((tensor) => {
    if (!shapes.has(tensor.name) || fed.has(tensor.name)) return tensor;
    const name = takeName(`stored_${tensor.name}`);
    const [length = 0] = tensor.dims;
    const every = all.get(length) ?? everyOf(length, takeName('every'));
    all.set(length, every);
    passing.push(
      isSelecting
        ? makeNode({ opType: 'Compress', inputs: [name, every.name], outputs: [tensor.name] })
        : makeNode({ opType: 'Identity', inputs: [name], outputs: [tensor.name] }),
    );
    return { ...tensor, name };
  });
  return { nodes: passing, initializers: isSelecting ? [...renamed, ...all.values()] : renamed };
}

const COMPRESS_SINCE = 9;

function everyOf(length: number, name: string): Tensor {
  return makeTensor(name, DataType.BOOL, [length], new Uint8Array(length).fill(1));
}

function takesShape({ domain, opType }: Node): boolean {
  return domain === '' && (opType === 'Reshape' || opType === 'Expand');
}

function withoutShape(type: ValueType | undefined): ValueType | undefined {
  return type?.kind === 'tensor' ? makeTensorType(type.elementType, undefined) : type;
}
