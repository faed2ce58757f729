/**
 * A model with its backward graph, and what a caller appends behind that, as a variant whose weights stay in the model's
 * files. Leaves out whatever no output depends on. Knows no derivative.
 */
import {
  capturedNames,
  finish,
  indexGraph,
  isStep,
  referredTensor,
  variantSteps,
  type Node,
  type Steps,
  type Tensor,
  type ValueInfo,
  type Variant,
} from '../onnx/index.js';
import type { BackwardModel } from './backward.js';

/** What stands behind the backward graph, in an order in which it runs, under names from its `takeName`. */
export interface AppendedParts {
  readonly nodes?: readonly Node[];
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
  const all = [...forward, ...backward.nodes, ...(appended.nodes ?? [])];
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
  return yield* variantSteps(model, {
    nodes: kept.reverse(),
    initializers,
    inputs: [...model.graph.inputs, ...backward.inputs, ...(appended.inputs ?? [])],
    outputs,
  });
}
