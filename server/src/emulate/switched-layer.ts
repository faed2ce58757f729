/**
 * A layer that can run in a low format or not, as the run decides: an `If` with the layer on rounded values in one branch
 * and the layer as it is in the other. Only the branch that is taken costs anything, the values of the other are never
 * computed (so that an overflow there cannot spoil them, as it would in a product), and both branches run the very
 * kernels that a model without a switch runs. Knows one layer at a time.
 */
import {
  DataType,
  dataTypeName,
  inputFollowsMainType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  withNode,
  type Model,
  type Node,
  type ValueInfo,
} from '../onnx/index.js';
import {
  elementTypeOf,
  formatOfType,
  isInMainGraph,
  makeCast,
  maskStorage,
  modelFacts,
  modelScopes,
  type Layer,
  type PrecisionGraph,
  type TakeName,
} from '../plan/index.js';
import { isLow } from './low-types.js';

/** Which inputs and outputs of a layer are rounded when it is in the low type; small, unlike the graph it comes from. */
export interface SwitchedLayer {
  readonly layer: Layer;
  readonly type: DataType;
  /** Places among the node's inputs and outputs. */
  readonly roundedInputs: readonly number[];
  readonly roundedOutputs: readonly number[];
}

/** Whether the model has tensors of 16 bits, in whatever scope: it is emulated as a whole or not at all. */
export function isMixed(model: Model): boolean {
  return [...modelScopes(model).tensors.values()].some(({ type }) => isLow(elementTypeOf(type)));
}

/**
 * The layer as a switch, given the precision graph of a plan that decides this layer only. Undefined where a switch would
 * not do all that such a plan does: the layer is inside a sub-graph or function, computes in 64 bits or in 16 already, or
 * a constant or anything else is saturated. Movement
 * that takes the layer's type along changes nothing more: a precision graph rounds no value on its way between two
 * nodes that hold it unrounded.
 */
export function switchedLayer(graph: PrecisionGraph, layer: Layer): SwitchedLayer | undefined {
  const { model } = graph;
  const facts = modelFacts(model);
  const { node, nodeIndex } = layer;
  const type = graph.nodeTypes[nodeIndex];
  const schema = facts.schema(node);
  if (!isInMainGraph(model, nodeIndex)) return undefined;
  if (!isLow(type) || schema === undefined || facts.isContainer(node)) return undefined;
  if (node.outputs.some((name) => name !== '' && facts.elementType(name) === undefined)) return undefined;
  const roundedInputs = node.inputs.flatMap((name, input) =>
    name !== '' && graph.readTypes[nodeIndex]?.[input] === type ? [input] : [],
  );
  const roundedOutputs = node.outputs.flatMap((name, output) =>
    name !== '' && graph.writtenTypes.get(name) === type ? [output] : [],
  );
  const rounded = [
    ...roundedInputs.map((input) => node.inputs[input] ?? ''),
    ...roundedOutputs.map((output) => node.outputs[output] ?? ''),
  ];
  if (!rounded.every((name) => facts.elementType(name) === DataType.FLOAT)) return undefined;
  const isAllChanged = node.inputs.every(
    (name, input) =>
      roundedInputs.includes(input) ||
      !inputFollowsMainType(schema, input) ||
      facts.elementType(name) !== DataType.FLOAT,
  );
  if (!isAllChanged) return undefined;
  const format = formatOfType(type);
  const saturates = graph.constants.some(
    (copy) => format !== undefined && maskStorage(copy, model, format) === 'lowest',
  );
  const holds = graph.roundings.get(nodeIndex)?.held !== undefined;
  return saturates || holds ? undefined : { layer, type, roundedInputs, roundedOutputs };
}

/** The `If` that stands for the layer's node. `selector` is a scalar of booleans: whether the layer is in its low type. */
export function switchNode(
  model: Model,
  switched: SwitchedLayer,
  selector: string,
  takeName: TakeName,
): Node {
  const { node, name } = switched.layer;
  const outputs = node.outputs.filter((output) => output !== '');
  return makeNode({
    opType: 'If',
    name: takeName(`${name}_switch`),
    inputs: [selector],
    outputs,
    attributes: [
      makeAttribute('then_branch', { kind: 'graph', value: lowBranch(model, switched, takeName) }),
      makeAttribute('else_branch', { kind: 'graph', value: exactBranch(model, switched, takeName) }),
    ],
  });
}

function exactBranch(model: Model, { layer }: SwitchedLayer, takeName: TakeName) {
  const outputs = layer.node.outputs.map((name) => (name === '' ? '' : takeName(`${name}_exact`)));
  return makeGraph({
    name: 'exact',
    nodes: [withNode(layer.node, { outputs })],
    inputs: [],
    outputs: declared(model, layer.node, outputs),
  });
}

function lowBranch(
  model: Model,
  { layer, type, roundedInputs, roundedOutputs }: SwitchedLayer,
  takeName: TakeName,
) {
  const { node } = layer;
  const opset = model.opsets.get('') ?? 1;
  const nodes: Node[] = [];
  const addRounding = (from: string, to: string): string => {
    const low = takeName(`${to}_${dataTypeName(type)}`);
    nodes.push(makeCast({ name: '', from, to: low, type, opset }));
    nodes.push(makeCast({ name: '', from: low, to, type: DataType.FLOAT, opset }));
    return to;
  };
  const rounded = new Map<string, string>();
  const inputs = node.inputs.map((name, input) => {
    if (!roundedInputs.includes(input)) return name;
    const known = rounded.get(name) ?? addRounding(name, takeName(`${name}_rounded`));
    rounded.set(name, known);
    return known;
  });
  const raw = node.outputs.map((name) => (name === '' ? '' : takeName(`${name}_unrounded`)));
  nodes.push(withNode(node, { inputs, outputs: raw }));
  const outputs = raw.map((name, output) =>
    roundedOutputs.includes(output) ? addRounding(name, takeName(`${node.outputs[output] ?? ''}_low`)) : name,
  );
  return makeGraph({ name: 'low', nodes, inputs: [], outputs: declared(model, node, outputs) });
}

/** The branch's outputs, with the types of the layer's. */
function declared(model: Model, node: Node, names: readonly string[]): ValueInfo[] {
  const facts = modelFacts(model);
  return names.flatMap((name, output) => {
    const type = facts.elementType(node.outputs[output] ?? '');
    return name === '' || type === undefined ? [] : [makeValueInfo(name, makeTensorType(type, undefined))];
  });
}
