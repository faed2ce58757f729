/** Models exported again: the same graph under other names, as exporters give them. Used by tests only. */
import {
  bufferSource,
  encodeBytes,
  encodeModel,
  makeAttribute,
  readModel,
  withNode,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type ValueInfo,
} from '../../onnx/index.js';

/** Gives the nth node of its operator, and the tensors that it writes, another name. */
export type Naming = (node: Node, count: number) => string;

export const NAMINGS: Readonly<Record<string, Naming>> = {
  prefixed: ({ name, outputs }) => `/model/net/${name === '' ? (outputs[0] ?? '') : name}`,
  numbered: ({ opType }, count) => `${opType}_${count}`,
  'numbered from one': ({ opType }, count) => `node_${opType.toLowerCase()}_${count + 1}`,
  unnamed: () => '',
};

/** The model with all nodes renamed, and all tensors but the model's own inputs and outputs. */
export function renamed(model: Model, naming: Naming): Model {
  const kept = new Set([...model.graph.inputs, ...model.graph.outputs].map(({ name }) => name));
  const renaming = new Renaming(naming, kept);
  const graph = renaming.graph(model.graph);
  return reread(model, graph);
}

/** A model with another graph, through the real writer and reader. Weights in files beside it stay there. */
export function reread(model: Model, graph: Graph): Model {
  const bytes = encodeBytes(encodeModel(model, { graph }));
  const result = readModel(bufferSource(bytes, model.source.path));
  if ('problem' in result) throw new Error(result.problem.message);
  return result.model;
}

class Renaming {
  private readonly counts = new Map<string, number>();
  private readonly tensors = new Map<string, string>();
  private fresh = 0;

  constructor(
    private readonly naming: Naming,
    private readonly kept: ReadonlySet<string>,
  ) {}

  graph(graph: Graph): Graph {
    const nodes = graph.nodes.map((node) => this.node(node));
    const values = (list: readonly ValueInfo[]): ValueInfo[] =>
      list.map((value) => ({ ...value, name: this.tensor(value.name) }));
    return {
      ...graph,
      nodes,
      initializers: graph.initializers.map((one) => ({ ...one, name: this.tensor(one.name) })),
      inputs: values(graph.inputs),
      outputs: values(graph.outputs),
      valueInfo: values(graph.valueInfo),
    };
  }

  private node(node: Node): Node {
    const count = this.counts.get(node.opType) ?? 0;
    this.counts.set(node.opType, count + 1);
    return withNode(node, {
      name: this.naming(node, count),
      inputs: node.inputs.map((name) => this.tensor(name)),
      outputs: node.outputs.map((name) => this.tensor(name)),
      attributes: node.attributes.map((attribute) => this.attribute(attribute)),
    });
  }

  private attribute(attribute: Attribute): Attribute {
    const { name } = attribute;
    if (attribute.kind === 'graph') {
      return makeAttribute(name, { kind: 'graph', value: this.graph(attribute.value) });
    }
    if (attribute.kind === 'graphs') {
      return makeAttribute(name, { kind: 'graphs', value: attribute.value.map((one) => this.graph(one)) });
    }
    return attribute;
  }

  private tensor(name: string): string {
    if (name === '' || this.kept.has(name)) return name;
    const known = this.tensors.get(name);
    if (known !== undefined) return known;
    this.fresh += 1;
    const given = `val_${this.fresh}`;
    this.tensors.set(name, given);
    return given;
  }
}
