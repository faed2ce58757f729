/**
 * The graph of the mixed-precision model, as an edit of the original's: casts beside their producers, constants in
 * further types, attributes that hold a type, and the declared types of tensors. The nodes keep their order, and what
 * is not concerned stays the very same object. Knows how a precision graph is written; decides nothing.
 */
import {
  makeAttribute,
  makeNode,
  makeValueInfo,
  withNode,
  type Attribute,
  type DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../onnx/index.js';
import {
  attributesForType,
  freeNames,
  makeCast,
  modelFacts,
  type ConstantCopy,
  type ModelFacts,
  type PrecisionGraph,
  type TakeName,
  type TensorCast,
} from '../plan/index.js';
import { MixedNames, shortType } from './mixed-names.js';

/** @param tensorOf the converted tensor of a copy. */
export function mixedGraph(graph: PrecisionGraph, tensorOf: (copy: ConstantCopy) => Tensor): Graph {
  return new MixedGraph(graph, tensorOf).result();
}

class MixedGraph {
  private readonly model: Model;
  private readonly facts: ModelFacts;
  private readonly takeName: TakeName;
  private readonly names: MixedNames;
  private readonly opset: number;
  /** By tensor. */
  private readonly allCasts = new Map<string, TensorCast[]>();
  /** Casts of what a node writes, by tensor: they stand behind that node. */
  private readonly casts = new Map<string, TensorCast[]>();
  /** Casts of graph inputs, by node index: they stand before the first node that reads them. */
  private readonly castsBefore = new Map<number, TensorCast[]>();
  private readonly copies = new Map<string, ConstantCopy[]>();
  private readonly nodes: Node[] = [];
  /** By node index: the name by which plans know a layer. */
  private readonly addresses: ReadonlyMap<number, string>;

  constructor(
    private readonly graph: PrecisionGraph,
    private readonly tensorOf: (copy: ConstantCopy) => Tensor,
  ) {
    this.model = graph.model;
    this.facts = modelFacts(graph.model);
    this.takeName = freeNames(graph.model);
    this.names = new MixedNames(graph, this.takeName);
    this.opset = this.model.opsets.get('') ?? 1;
    this.addresses = new Map(graph.decisions.map(({ layer }) => [layer.nodeIndex, layer.name]));
    for (const cast of graph.casts) {
      append(this.allCasts, cast.tensor, cast);
      if (this.facts.index.producers.has(cast.tensor)) append(this.casts, cast.tensor, cast);
      else append(this.castsBefore, Math.min(...cast.readers.map(({ node }) => node)), cast);
    }
    for (const copy of graph.constants) append(this.copies, copy.tensor, copy);
  }

  result(): Graph {
    const { graph } = this.model;
    graph.nodes.forEach((node, at) => {
      for (const cast of this.castsBefore.get(at) ?? []) this.addCast(cast);
      if (this.isStoredConstant(node)) this.addConstantNodes(node);
      else this.nodes.push(this.rewritten(node, at));
      for (const name of node.outputs) for (const cast of this.casts.get(name) ?? []) this.addCast(cast);
    });
    const initializers = graph.initializers.flatMap((tensor) => this.initializersOf(tensor));
    const valueInfo = graph.valueInfo.flatMap((value) => this.declarationsOf(value));
    return {
      ...graph,
      nodes: this.nodes,
      initializers: sameOr(graph.initializers, initializers),
      valueInfo: sameOr(graph.valueInfo, [...valueInfo, ...this.declarationsOfInputs()]),
    };
  }

  private addCast({ tensor, to, keepsName }: TensorCast): void {
    const cast = {
      name: this.takeName(`Cast_${tensor}_to_${shortType(to)}`),
      from: this.names.writtenName(tensor),
      to: keepsName ? tensor : this.names.readName(tensor, to),
      type: to,
      opset: this.opset,
    };
    this.nodes.push(makeCast(cast));
  }

  private rewritten(node: Node, at: number): Node {
    const inputs = node.inputs.map((name, input) => {
      const type = this.graph.readTypes[at]?.[input] ?? this.facts.elementType(name);
      return name === '' ? name : this.names.readName(name, type);
    });
    const outputs = node.outputs.map((name) => (name === '' ? name : this.names.writtenName(name)));
    const type = this.graph.nodeTypes[at];
    const original = this.facts.elementType(node.outputs[0] ?? '');
    const attributes =
      type === undefined ? node.attributes : attributesForType(node, type, original, this.model);
    const name = this.keptName(node, at, outputs);
    if (this.isIdleCast(node)) return makeNode({ opType: 'Identity', inputs, outputs, name });
    const isSame =
      name === node.name &&
      attributes === node.attributes &&
      sameTexts(inputs, node.inputs) &&
      sameTexts(outputs, node.outputs);
    return isSame ? node : withNode(node, { name, inputs, outputs, attributes });
  }

  /**
   * A cast whose two sides have come to the same type: some runtimes refuse one between 16-bit types, and an
   * identity says what it does.
   */
  private isIdleCast(node: Node): boolean {
    if (node.opType !== 'Cast' || node.domain !== '') return false;
    const [from = '', to = ''] = [node.inputs[0], node.outputs[0]];
    const type = this.finalType(to);
    const before = [this.facts.elementType(from), this.facts.elementType(to)];
    return type !== undefined && this.finalType(from) === type && before.some((one) => one !== type);
  }

  private finalType(name: string): DataType | undefined {
    return this.graph.writtenTypes.get(name) ?? this.facts.elementType(name);
  }

  /** A layer that goes by the name of its output is given that name, when the output has to take another. */
  private keptName(node: Node, at: number, outputs: readonly string[]): string {
    const address = this.addresses.get(at) ?? node.name;
    return address === node.name || outputs.includes(address) ? node.name : address;
  }

  private isStoredConstant(node: Node): boolean {
    return node.opType === 'Constant' && this.copies.has(node.outputs[0] ?? '');
  }

  private addConstantNodes(node: Node): void {
    const copies = this.copies.get(node.outputs[0] ?? '') ?? [];
    const replaced = copies.some((copy) => copy.replacesOriginal);
    if (!replaced) this.nodes.push(node);
    for (const copy of copies) {
      const output = this.names.readName(copy.tensor, copy.to);
      const name =
        copy.replacesOriginal || node.name === ''
          ? node.name
          : this.takeName(`${node.name}_${shortType(copy.to)}`);
      const value = node.attributes.find((attribute) => attribute.name === 'value');
      const tensor = this.tensorOf(copy);
      const attribute: Attribute =
        value?.kind === 'tensor'
          ? { ...value, value: tensor }
          : makeAttribute('value', { kind: 'tensor', value: { ...tensor, name: output } });
      this.nodes.push(withNode(node, { name, outputs: [output], attributes: [attribute] }));
    }
  }

  private initializersOf(tensor: Tensor): readonly Tensor[] {
    const copies = this.copies.get(tensor.name);
    if (copies === undefined) return [tensor];
    const stored = copies.map((copy) => ({
      ...this.tensorOf(copy),
      name: this.names.readName(copy.tensor, copy.to),
    }));
    return copies.some((copy) => copy.replacesOriginal) ? stored : [tensor, ...stored];
  }

  /** A declared tensor in the types that it has now, under the names that these have. */
  private declarationsOf(value: ValueInfo): readonly ValueInfo[] {
    const written = this.names.writtenName(value.name);
    const type = this.graph.writtenTypes.get(value.name) ?? this.replacedType(value.name);
    const further = this.furtherDeclarations(value);
    if (type === undefined) return [value, ...further];
    const retyped = withElementType(value, type);
    if (written === value.name) return [retyped, ...further];
    return [{ ...retyped, name: written }, value, ...further];
  }

  /** Graph inputs are not declared a second time, but what is cast from them is worth its shape. */
  private declarationsOfInputs(): readonly ValueInfo[] {
    if (this.model.graph.valueInfo.length === 0) return [];
    return this.model.graph.inputs.flatMap((input) => this.furtherDeclarations(input));
  }

  private furtherDeclarations(value: ValueInfo): readonly ValueInfo[] {
    const changed = [
      ...(this.allCasts.get(value.name) ?? []).filter((cast) => !cast.keepsName),
      ...(this.copies.get(value.name) ?? []).filter((copy) => !copy.replacesOriginal),
    ];
    return changed.map(({ to }) => {
      const type = withElementType(value, to).type;
      return makeValueInfo(this.names.readName(value.name, to), type);
    });
  }

  private replacedType(name: string): DataType | undefined {
    return this.copies.get(name)?.find((copy) => copy.replacesOriginal)?.to;
  }
}

function withElementType(value: ValueInfo, elementType: DataType): ValueInfo {
  if (value.type?.kind !== 'tensor') return value;
  return { ...value, type: { ...value.type, elementType } };
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

/** The very list of before if nothing in it has changed, so that its bytes are taken over. */
function sameOr<Element>(before: readonly Element[], after: readonly Element[]): readonly Element[] {
  return before.length === after.length && before.every((element, at) => element === after[at])
    ? before
    : after;
}
