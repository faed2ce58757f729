/**
 * Why the roundings of a precision graph cannot be exported: formats without a type, opsets without the operators, places where
 * no constant can stand, weights beyond a format's range. Knows what must be refused; writes nothing.
 */
import { isFloatFormat } from '../formats/index.js';
import type { Steps } from '../onnx/index.js';
import {
  constantOf,
  isQuantizing,
  modelScopes,
  wantedQuantizations,
  type NodeRounding,
  type PrecisionGraph,
  type Scope,
  type TensorRounding,
} from '../plan/index.js';
import type { ConversionProblem } from './problem.js';
import { roundingProblem } from './rounding-nodes.js';
import { countLosses } from './stored-copy.js';

/** Whether the node's tensors are rounded, and not only its sums. */
export function isRounding({ inputs, outputs }: NodeRounding): boolean {
  return [...inputs, ...outputs].some((one) => one !== undefined);
}

/** One problem for each layer that cannot be exported. */
export function* roundingProblems(graph: PrecisionGraph): Steps<readonly ConversionProblem[]> {
  const problems: ConversionProblem[] = [];
  const { nodes } = modelScopes(graph.model);
  const missing = new Set(wantedQuantizations(graph, nodes).map(({ node }) => node));
  for (const { layer } of graph.decisions) {
    const own = graph.roundings.get(layer.nodeIndex);
    const scoped = nodes[layer.nodeIndex];
    if (own === undefined || scoped === undefined || !isRounding(own)) continue;
    yield;
    const opset = scoped.scope.opsets.get('') ?? 1;
    const roundings = [...own.inputs, ...own.outputs].filter((one) => one !== undefined);
    const place = { layer: layer.name };
    const problem =
      roundings.map((one) => roundingProblem(one, opset, place)).find((one) => one !== undefined) ??
      (isInFunction(scoped.scope)
        ? notExportable(
            `layer "${layer.name}" is in a function of the model, in which its roundings cannot be stored`,
            layer.name,
          )
        : missing.has(layer.nodeIndex)
          ? notExportable(
              `the scales of layer "${layer.name}" are not known: they come from the samples of the plan`,
              layer.name,
            )
          : yield* overflowProblem(graph, own, scoped.inputs, layer.name));
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

function notExportable(message: string, layer: string): ConversionProblem {
  return { code: 'not-exportable', message, layer };
}

function isInFunction(scope: Scope): boolean {
  return scope.kind === 'function' || (scope.outer !== undefined && isInFunction(scope.outer));
}

/** Integers hold the range that is chosen for them; a float format's own range may be too narrow for a weight. */
function* overflowProblem(
  graph: PrecisionGraph,
  { inputs }: NodeRounding,
  ids: readonly string[],
  layer: string,
): Steps<ConversionProblem | undefined> {
  const { tensors } = modelScopes(graph.model);
  for (const [input, rounding] of inputs.entries()) {
    const tensor = tensors.get(ids[input] ?? '');
    const value = tensor === undefined ? undefined : constantOf(tensor);
    if (tensor === undefined || value === undefined || !isChecked(rounding)) continue;
    const { format } = rounding;
    if (!isFloatFormat(format)) continue;
    const lost = yield* countLosses(value, graph.model, format);
    if ('message' in lost)
      return { code: 'tensor-unreadable', message: lost.message, tensor: tensor.name, layer };
    if (lost.overflow === 0) continue;
    const message = `${lost.overflow} of the values of "${tensor.name}" are beyond the range of ${format}; the first is ${lost.firstValue} at index ${lost.firstIndex}. Keep layer "${layer}" in fp32, or give it { overflow: saturate } or { overflow: inf }.`;
    const { firstIndex: index, firstValue, overflow: count } = lost;
    return { code: 'weight-overflow', message, index, count, value: firstValue, tensor: tensor.name, layer };
  }
  return undefined;
}

function isChecked(rounding: TensorRounding | undefined): rounding is TensorRounding {
  return rounding?.isWeight === true && !isQuantizing(rounding) && rounding.overflow === 'error';
}
