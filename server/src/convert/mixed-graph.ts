/**
 * The graph of the mixed-precision model, as an edit of the original's: casts beside their producers, constants in
 * further types, attributes that hold a type, and the declared types of tensors, in every scope. The nodes keep their order,
 * and what is not concerned stays the very same object. Knows how a precision graph is written; decides nothing.
 */
import {
  finish,
  isStep,
  makeAttribute,
  makeNode,
  withNode,
  type Attribute,
  type DataType,
  type Graph,
  type LocalFunction,
  type Node,
  type Steps,
  type Tensor,
} from '../onnx/index.js';
import {
  attributesForType,
  elementTypeOf,
  freeNames,
  idIn,
  indexInScope,
  indexNodeNames,
  makeCast,
  modelScopes,
  type ConstantCopy,
  type ModelScopes,
  type PrecisionGraph,
  type Scope,
  type ScopedNode,
  type TakeName,
  type TensorCast,
} from '../plan/index.js';
import { MixedDeclarations } from './mixed-declarations.js';
import { MixedFunctions } from './mixed-functions.js';
import { MixedNames, shortType } from './mixed-names.js';
import { constantNode, RoundedTensors, storesAsNodes } from './rounded-tensors.js';
import { isSameList, sameOr } from './same-list.js';

export interface MixedParts {
  readonly graph: Graph;
  readonly functions: readonly LocalFunction[];
}

/**
 * The graph a few nodes at a time.
 *
 * @param tensorOf the converted tensor of a copy.
 */
export function* mixedGraph(
  graph: PrecisionGraph,
  tensorOf: (copy: ConstantCopy) => Tensor,
): Steps<MixedParts> {
  const mixed = new MixedGraph(graph, tensorOf);
  yield;
  return yield* mixed.result();
}

class MixedGraph {
  private readonly scopes: ModelScopes;
  private readonly takeName: TakeName;
  private readonly names: MixedNames;
  private readonly functions: MixedFunctions;
  private readonly rounded: RoundedTensors;
  private readonly declarations: MixedDeclarations;
  /** By tensor. */
  private readonly casts = new Map<string, TensorCast[]>();
  /** Casts of what no node writes, by scope and place in it: they stand before the first node that reads them. */
  private readonly castsBefore = new Map<Scope, Map<number, TensorCast[]>>();
  private readonly copies = new Map<string, ConstantCopy[]>();
  /** By node: the name by which plans know it in its scope. */
  private readonly ownNames: readonly string[];
  private readonly layerNodes: ReadonlySet<number>;

  constructor(
    private readonly graph: PrecisionGraph,
    private readonly tensorOf: (copy: ConstantCopy) => Tensor,
  ) {
    const { model } = graph;
    this.scopes = modelScopes(model);
    this.takeName = freeNames(model);
    this.names = new MixedNames(graph, this.scopes.tensors, this.takeName);
    this.functions = new MixedFunctions(graph);
    this.rounded = new RoundedTensors(graph, this.names, this.takeName);
    this.ownNames = indexNodeNames(model).ownNames;
    this.layerNodes = new Set(graph.decisions.map(({ layer }) => layer.nodeIndex));
    this.declarations = new MixedDeclarations(graph, this.scopes, this.names, this.casts, this.copies);
    for (const cast of graph.casts) this.placeCast(cast);
    for (const copy of graph.constants) append(this.copies, copy.tensor, copy);
  }

  *result(): Steps<MixedParts> {
    const [main] = this.scopes.scopes;
    const { graph } = this.graph.model;
    // The functions are known once all calls are written.
    const mixed = main === undefined ? graph : yield* this.graphSteps(main);
    return { graph: mixed, functions: this.functions.result() };
  }

  private placeCast(cast: TensorCast): void {
    append(this.casts, cast.tensor, cast);
    const tensor = this.scopes.tensors.get(cast.tensor);
    if (tensor === undefined || tensor.producer !== undefined) return;
    const { scope } = tensor;
    // What is read by name is read by we do not know whom.
    const places = cast.keepsName
      ? [0]
      : cast.readers.map(({ node }) => indexInScope(this.scopes, scope, node));
    const before = this.castsBefore.get(scope) ?? new Map<number, TensorCast[]>();
    this.castsBefore.set(scope, before);
    append(before, Math.min(...places), cast);
  }

  /** The scope's graph; of a function, its body as a graph. */
  private graphOf(scope: Scope): Graph {
    return finish(this.graphSteps(scope));
  }

  private *graphSteps(scope: Scope): Steps<Graph> {
    const { graph } = scope;
    const nodes: Node[] = [];
    const before = this.castsBefore.get(scope);
    const addCasts = (casts: readonly TensorCast[] | undefined): void => {
      for (const cast of casts ?? []) nodes.push(this.castNode(cast, scope));
    };
    for (const index of graph.nodes.keys()) {
      if (isStep(index)) yield;
      addCasts(before?.get(index));
      nodes.push(...this.rounded.before(scope, index));
      const at = scope.firstNode + index;
      const scoped = this.scopes.nodes[at];
      if (scoped === undefined) continue;
      if (this.isStoredConstant(scoped)) nodes.push(...this.constantNodes(scoped, at));
      else if (!this.isLeftOut(scoped)) nodes.push(this.rewritten(scoped, at));
      for (const [output, id] of scoped.outputs.entries()) {
        nodes.push(...this.rounded.ofOutput(at, output));
        addCasts(this.casts.get(id));
        if (!isStored(scoped)) nodes.push(...this.rounded.ofTensor(id));
      }
    }
    addCasts(before?.get(graph.nodes.length));
    yield;
    const constants = this.rounded.constantsOf(scope);
    const asNodes = storesAsNodes(this.graph.model, scope);
    if (asNodes) nodes.unshift(...constants.map(constantNode));
    const initializers = [
      ...graph.initializers.flatMap((tensor) => this.initializersOf(tensor, scope)),
      ...(asNodes ? [] : constants),
    ];
    yield;
    return sameGraphOr(graph, {
      ...graph,
      nodes: isSameList(scope.calls?.nodes ?? graph.nodes, nodes) ? graph.nodes : nodes,
      initializers: sameOr(graph.initializers, initializers),
      valueInfo: this.declarations.valueInfoOf(scope),
      ...(scope.kind === 'main' ? {} : this.declarations.bordersOf(scope)),
    });
  }

  private castNode({ tensor, to, keepsName }: TensorCast, scope: Scope): Node {
    return makeCast({
      name: this.takeName(`Cast_${this.names.nameOf(tensor)}_to_${shortType(to)}`),
      from: this.names.writtenName(tensor),
      to: keepsName ? this.names.nameOf(tensor) : this.names.readName(tensor, to),
      type: to,
      opset: scope.opsets.get('') ?? 1,
    });
  }

  /** @param changed undefined for "as in the model" */
  private readName(id: string, changed: DataType | undefined): string {
    return id === '' ? '' : this.names.readName(id, changed ?? this.elementType(id));
  }

  private rewritten(scoped: ScopedNode, at: number): Node {
    const node = asWritten(scoped, at);
    const inputs = scoped.inputs.map(
      (id, input) =>
        this.rounded.givenName(at, input) ?? this.readName(id, this.graph.readTypes[at]?.[input]),
    );
    const outputs = scoped.outputs.map((id, output) =>
      id === '' ? id : (this.rounded.rawName(at, output) ?? this.names.writtenName(id)),
    );
    const name = this.keptName(node, at, outputs);
    if (this.isIdleCast(scoped)) return makeNode({ opType: 'Identity', inputs, outputs, name });
    const opType = this.callee(scoped);
    const attributes = this.attributesOf(scoped, node, at);
    const isSame =
      name === node.name &&
      opType === node.opType &&
      attributes === node.attributes &&
      sameTexts(inputs, node.inputs) &&
      sameTexts(outputs, node.outputs);
    return isSame ? node : { ...withNode(node, { name, inputs, outputs, attributes }), opType };
  }

  private attributesOf(scoped: ScopedNode, node: Node, at: number): readonly Attribute[] {
    const { inner, outputs } = scoped;
    const graphs = inner.filter((scope) => scope.kind === 'sub-graph');
    if (graphs.length > 0) return this.withGraphs(node, graphs);
    const type = this.graph.nodeTypes[at];
    if (type === undefined) return node.attributes;
    const original = this.elementType(outputs[0] ?? '');
    const changed = attributesForType(scoped.node, type, original, this.graph.model);
    return changed === scoped.node.attributes ? node.attributes : changed;
  }

  private withGraphs(node: Node, graphs: readonly Scope[]): readonly Attribute[] {
    const attributes = node.attributes.map((attribute): Attribute => {
      const scope = graphs.find((one) => one.attribute === attribute.name);
      if (scope === undefined || attribute.kind !== 'graph') return attribute;
      const value = this.graphOf(scope);
      return value === scope.graph ? attribute : { ...attribute, value };
    });
    return sameOr(node.attributes, attributes);
  }

  /** The function that the call is to have: the one of the model, or one for calls like this. */
  private callee({ node, inner }: ScopedNode): string {
    const [scope] = inner;
    if (scope?.calls === undefined) return node.opType;
    return this.functions.calleeOf(scope, scope.calls, this.graphOf(scope));
  }

  /**
   * A cast whose two sides have come to the same type: some runtimes refuse one between 16-bit types, and an
   * identity says what it does.
   */
  private isIdleCast({ node, inputs, outputs }: ScopedNode): boolean {
    if (node.opType !== 'Cast' || node.domain !== '') return false;
    const [from = '', to = ''] = [inputs[0], outputs[0]];
    const type = this.finalType(to);
    const before = [this.elementType(from), this.elementType(to)];
    return type !== undefined && this.finalType(from) === type && before.some((one) => one !== type);
  }

  private elementType(id: string): DataType | undefined {
    return elementTypeOf(this.scopes.tensors.get(id)?.type);
  }

  private finalType(id: string): DataType | undefined {
    return this.graph.writtenTypes.get(id) ?? this.elementType(id);
  }

  /** What goes by the name of its output, in the names of layers, is given that name when the output has to take another. */
  private keptName(node: Node, at: number, outputs: readonly string[]): string {
    const isNamed = this.layerNodes.has(at) || (this.scopes.nodes[at]?.inner.length ?? 0) > 0;
    const own = isNamed ? (this.ownNames[at] ?? node.name) : node.name;
    return own === node.name || outputs.includes(own) ? node.name : own;
  }

  /** A constant of which only codes are left. */
  private isLeftOut(scoped: ScopedNode): boolean {
    return isStored(scoped) && this.rounded.isReplaced(scoped.outputs[0] ?? '');
  }

  private isStoredConstant({ node, outputs }: ScopedNode): boolean {
    return node.opType === 'Constant' && this.copies.has(outputs[0] ?? '');
  }

  private constantNodes(scoped: ScopedNode, at: number): readonly Node[] {
    const { node, outputs } = scoped;
    const copies = this.copies.get(outputs[0] ?? '') ?? [];
    const replaced = copies.some((copy) => copy.replacesOriginal);
    const made = copies.map((copy) => {
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
      return withNode(node, { name, outputs: [output], attributes: [attribute] });
    });
    return replaced ? made : [asWritten(scoped, at), ...made];
  }

  private initializersOf(tensor: Tensor, scope: Scope): readonly Tensor[] {
    const copies = this.copies.get(idIn(scope, tensor.name));
    if (this.rounded.isReplaced(idIn(scope, tensor.name))) return [];
    if (copies === undefined) return [tensor];
    const stored = copies.map((copy) => ({
      ...this.tensorOf(copy),
      name: this.names.readName(copy.tensor, copy.to),
    }));
    return copies.some((copy) => copy.replacesOriginal) ? stored : [tensor, ...stored];
  }
}

/** A node that gives a constant. */
function isStored({ node, scope, outputs: [output = ''] }: ScopedNode): boolean {
  return node.opType === 'Constant' && scope.index.constantOf(node.outputs[0] ?? output) !== undefined;
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

/** In a function the node of the definition, in which what the call gives is only referred to. */
function asWritten({ node, scope }: ScopedNode, at: number): Node {
  return scope.calls?.nodes[at - scope.firstNode] ?? node;
}

function sameGraphOr(before: Graph, after: Graph): Graph {
  const isSame =
    before.nodes === after.nodes &&
    before.initializers === after.initializers &&
    before.valueInfo === after.valueInfo &&
    before.inputs === after.inputs &&
    before.outputs === after.outputs;
  return isSame ? before : after;
}
