/**
 * A model whose nodes and tensors all go by numbers, so that a runtime's name for a kernel, which it makes out of those
 * of nodes and tensors, leads back to them. Computes what the model computes.
 */
import {
  isStep,
  makeValueInfo,
  withNode,
  type Model,
  type Node,
  type Steps,
  variantSteps,
  type Variant,
} from '../onnx/index.js';
import { modelFacts } from '../plan/index.js';
import { exposedGraph } from './exposed.js';

export interface LabelledVariant extends Variant {
  /** By the model's name of a graph input: the variant's. */
  readonly inputs: ReadonlyMap<string, string>;
  /** By the name of a node of the main graph: what nodes of that name are called in the variant. */
  readonly nodeNames: (name: string) => readonly string[];
  /** What a name that the runtime made contains, in its order: node indexes of the model's main graph, tensor names. */
  readonly parts: (name: string) => LabelParts;
  /** What a runtime says of the variant's nodes and tensors, with the names that the model has for them. */
  readonly ownNames: (text: string) => string;
}

export interface LabelParts {
  readonly nodes: readonly number[];
  readonly tensors: readonly string[];
}

/**
 * A few nodes at a time. Names that sub-graphs read from the outside stay: they are part of the sub-graphs.
 *
 * @param mark letters in every name that is given here, which tell the names of two variants apart
 */
export function* labelledSteps(model: Model, mark = ''): Steps<LabelledVariant> {
  const pattern = new RegExp(`(node|tensor)_(\\d+)${mark}_`, 'g');
  const graph = yield* exposedGraph(model, []);
  const captured = modelFacts(model).index.capturedBySubgraphs;
  const places = new Map(model.graph.nodes.map((node, at) => [node, at]));
  const tensors: string[] = [];
  const labels = new Map<string, string>();
  const label = (name: string): string => {
    if (name === '' || captured.has(name)) return name;
    const known = labels.get(name);
    if (known !== undefined) return known;
    const made = `tensor_${tensors.length}${mark}_`;
    tensors.push(name);
    labels.set(name, made);
    return made;
  };
  const nodes: Node[] = [];
  const nodeNames = new Map<string, string[]>();
  for (const [index, node] of graph.nodes.entries()) {
    if (isStep(index)) yield;
    const name = `node_${places.get(node) ?? 'unknown'}${mark}_`;
    const alike = nodeNames.get(node.name);
    if (alike === undefined) nodeNames.set(node.name, [name]);
    else alike.push(name);
    nodes.push(
      withNode(node, {
        name,
        inputs: node.inputs.map(label),
        outputs: node.outputs.map(label),
      }),
    );
  }
  yield;
  const variant = yield* variantSteps(model, {
    nodes,
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: label(tensor.name) })),
    inputs: graph.inputs.map(({ name, type }) => makeValueInfo(label(name), type)),
    outputs: graph.outputs.map(({ name, type }) => makeValueInfo(label(name), type)),
  });
  return {
    ...variant,
    inputs: new Map(model.graph.inputs.map(({ name }) => [name, label(name)])),
    nodeNames: (name) => nodeNames.get(name) ?? [],
    parts: (name) => {
      const found = [...name.matchAll(pattern)];
      const numbers = (kind: string): number[] =>
        found.flatMap(([, own, digits]) => (own === kind ? [Number(digits)] : []));
      return {
        nodes: numbers('node'),
        tensors: numbers('tensor').flatMap((index) => tensors[index] ?? []),
      };
    },
    ownNames: (text) =>
      text.replace(pattern, (given, kind: string, digits: string) => {
        if (kind === 'tensor') return tensors[Number(digits)] ?? given;
        const node = model.graph.nodes[Number(digits)];
        return (node?.name === '' ? node.outputs[0] : node?.name) ?? given;
      }),
  };
}
