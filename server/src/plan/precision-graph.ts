/**
 * From decisions to types: which type every tensor of a model is written and read in, what has to be cast, and which
 * constants are stored in another type. The one source of both the converted and the emulated model; knows nothing of
 * how either is written.
 *
 * What goes through the border of a sub-graph or function is a movement: one type for what both branches of an If give, for
 * what a Loop or Scan carries, for what a call is given, chosen with all the others so that fewest casts are needed. A
 * tensor that a scope inside reads is cast in its own scope, the outermost in which it does not change.
 */
import {
  DataType,
  finish,
  inputFollowsMainType,
  isStep,
  outputFollowsMainType,
  type Model,
  type Steps,
} from '../onnx/index.js';
import { isQuantizer, withoutHeld } from './already-rounded.js';
import { constantTypes, isConvertible } from './constant-types.js';
import { holdsAllOf, typeOfFormat } from './format-types.js';
import { elementTypeOf, isFloating } from './model-facts.js';
import { isFreeMovement, tellsShape } from './movement.js';
import { movementTypes, type FreeMovement, type TypedEnd, type TypedTensor } from './movement-types.js';
import {
  constantOf,
  endOf,
  holdsOthers,
  modelScopes,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
} from './scopes.js';
import { elementFormat, nodeRounding, roundedEnd, type RoundedEnd } from './roundings.js';
import type {
  ConstantCopy,
  Layer,
  LayerDecision,
  NodeInput,
  NodeRole,
  NodeRounding,
  PrecisionGraph,
  TensorCast,
} from './types.js';

/**
 * The types that a model's tensors take under the decisions. Pure: the same model and decisions give the same
 * graph. Layers without a decision, and everything that no changed type touches, stay as in the model.
 *
 * @param roles of the nodes, by number.
 * @param layers of the model; a decision on anything else is ignored.
 */
export function precisionGraph(
  model: Model,
  roles: readonly NodeRole[],
  layers: readonly Layer[],
  decisions: readonly LayerDecision[],
): PrecisionGraph {
  return finish(precisionGraphSteps(model, roles, layers, decisions));
}

/** The same, a few tensors at a time. */
export function* precisionGraphSteps(
  model: Model,
  roles: readonly NodeRole[],
  layers: readonly Layer[],
  decisions: readonly LayerDecision[],
): Steps<PrecisionGraph> {
  const typing = new GraphTyping(model, roles, layers, decisions);
  yield;
  return yield* typing.result();
}

/** A tensor of known element type. */
type TypedScopedTensor = ScopedTensor & { readonly original: DataType };

class GraphTyping {
  private readonly scopes: ModelScopes;
  private readonly nodes: readonly ScopedNode[];
  /** By node: the type that a decision gives, or that movement was found to take. */
  private readonly given: (DataType | undefined)[];
  /** By node: the place among the movements whose type is free, or -1. */
  private readonly freePlace: number[];
  private readonly movements: FreeMovement[] = [];
  /** The node of each movement; ties, which have none, stand behind. */
  private readonly movementNodes: number[] = [];
  /** By tensor: the place of the tie that gives it its type. */
  private readonly writingTies = new Map<string, number>();
  private readonly writtenByTie = new Map<number, readonly string[]>();
  /** By node, and by input of it: the place of the tie that reads. */
  private readonly readingTies = new Map<number, Map<number, number>>();
  private readonly decisionOfNode = new Map<number, LayerDecision>();
  private roundings: ReadonlyMap<number, NodeRounding> = new Map();
  private chosen: readonly DataType[] = [];
  /** Tensors of a known element type, by id. */
  private readonly typed = new Map<string, TypedScopedTensor>();

  constructor(
    private readonly model: Model,
    private readonly roles: readonly NodeRole[],
    layers: readonly Layer[],
    private readonly decisions: readonly LayerDecision[],
  ) {
    this.scopes = modelScopes(model);
    this.nodes = this.scopes.nodes;
    this.given = this.nodes.map(() => undefined);
    const layerNodes = new Set(layers.map((layer) => layer.nodeIndex));
    for (const decision of decisions) {
      const { nodeIndex } = decision.layer;
      if (!layerNodes.has(nodeIndex)) continue;
      this.decisionOfNode.set(nodeIndex, decision);
      this.given[nodeIndex] = this.decidedType(decision);
    }
    this.freePlace = this.nodes.map((node, at) => this.findMovement(node, at));
    this.findTies();
  }

  *result(): Steps<PrecisionGraph> {
    yield;
    this.roundings = yield* this.roundingSteps();
    yield;
    const tensors = this.typedTensors();
    const problems: TypedTensor[] = [];
    for (const [index, tensor] of tensors.entries()) {
      if (isStep(index)) yield;
      problems.push(...this.problemOf(tensor));
    }
    yield;
    this.chosen = movementTypes(this.movements, problems);
    yield;
    this.movementNodes.forEach((node, place) => {
      const type = this.chosen[place];
      if (type !== this.movements[place]?.originalType) this.given[node] = type;
    });
    const writtenTypes = new Map<string, DataType>();
    const casts: TensorCast[] = [];
    const constants: ConstantCopy[] = [];
    for (const [index, tensor] of tensors.entries()) {
      if (isStep(index)) yield;
      const written = this.writtenType(tensor);
      if (written !== tensor.original) writtenTypes.set(tensor.id, written);
      if (isStoredConstant(tensor)) constants.push(...this.copiesOf(tensor));
      else casts.push(...this.castsOf(tensor, written));
    }
    const readTypes: (readonly (DataType | undefined)[])[] = [];
    for (const [node, { inputs }] of this.nodes.entries()) {
      if (isStep(node)) yield;
      readTypes.push(this.changedReadTypes(inputs, node));
    }
    return {
      model: this.model,
      decisions: this.decisions,
      nodeTypes: this.given,
      writtenTypes,
      readTypes,
      outputTypes: this.scopes.scopes.map((scope) =>
        scope.kind === 'main' ? [] : this.changedReadTypes(scope.outputs, endOf(scope)),
      ),
      casts,
      constants,
      roundings: this.roundings,
      quantizations: new Map(),
    };
  }

  private decidedType(decision: LayerDecision): DataType | undefined {
    const { layer } = decision;
    const format = elementFormat(decision);
    if (format === 'original') return undefined;
    const type = typeOfFormat(format);
    const operators = this.nodes[layer.nodeIndex]?.scope.operators;
    return operators?.allows(layer.node, type) === true ? type : undefined;
  }

  /** What decided layers round beside the types that they have. */
  private *roundingSteps(): Steps<ReadonlyMap<number, NodeRounding>> {
    const roundings = new Map<number, NodeRounding>();
    const endOfId = (id: string): RoundedEnd => {
      const tensor = this.scopes.tensors.get(id);
      return roundedEnd(tensor, this.roles[tensor?.producer ?? -1] === 'constant');
    };
    for (const [at, decision] of this.decisionOfNode) {
      if (isStep(at)) yield;
      const by = this.nodes[at];
      const schema = by?.scope.operators.schema(by.node);
      if (by === undefined || schema === undefined || this.given[at] === undefined) continue;
      if (isQuantizer(by)) continue;
      const rounding = nodeRounding(decision, schema, by.inputs.map(endOfId), by.outputs.map(endOfId));
      if (rounding !== undefined) roundings.set(at, rounding);
    }
    const needed = new Map<number, NodeRounding>();
    for (const at of roundings.keys()) {
      const left = withoutHeld(this.scopes, roundings, at);
      if (left !== undefined) needed.set(at, left);
    }
    return needed;
  }

  /** Takes up the node among the movements if its type is free; its place there, or -1. */
  private findMovement(scoped: ScopedNode, at: number): number {
    const { node, scope, outputs } = scoped;
    const role = this.roles[at];
    const moves = role === 'movement' || role === 'constant' || role === 'shape';
    if (!moves || !isFreeMovement(node)) return -1;
    const schema = scope.operators.schema(node);
    if (schema === undefined || holdsOthers(this.scopes, scoped)) return -1;
    const output = outputs.findIndex(
      (id, index) => outputFollowsMainType(schema, index) && isFloating(this.elementType(id)),
    );
    const originalType = this.elementType(outputs[output]);
    if (originalType === undefined) return -1;
    if (isCast(scoped) && !this.castKeepsValues(scoped, originalType)) return -1;
    const isAllowed = (type: DataType): boolean => scope.operators.allows(node, type);
    this.movements.push({ originalType, ownTypes: this.ownTypes(scoped, originalType), isAllowed });
    this.movementNodes.push(at);
    return this.movements.length - 1;
  }

  /** A cast to a narrower type is a rounding that the model asks for. */
  private castKeepsValues({ inputs }: ScopedNode, to: DataType): boolean {
    const from = this.elementType(inputs[0]);
    return from !== undefined && (!isFloating(from) || holdsAllOf(to, from));
  }

  /** Types that values need which the node makes by itself: numbers cast from integers, the value of ConstantOfShape. */
  private ownTypes(scoped: ScopedNode, originalType: DataType): readonly DataType[] {
    if (isCast(scoped)) {
      const from = this.elementType(scoped.inputs[0]);
      return from === DataType.BOOL || isFloating(from) ? [] : [originalType];
    }
    const value = scoped.node.attributes.find((attribute) => attribute.name === 'value');
    return value?.kind === 'tensor' ? constantTypes(value.value, this.model) : [];
  }

  private findTies(): void {
    for (const { type, written, read, isAllowed } of this.scopes.ties) {
      if (type === undefined) continue;
      const place = this.movements.length;
      this.movements.push({ originalType: type, ownTypes: [], isAllowed });
      this.writtenByTie.set(place, written);
      for (const id of written) this.writingTies.set(id, place);
      for (const { node, input } of read) {
        const inputs = this.readingTies.get(node) ?? new Map<number, number>();
        this.readingTies.set(node, inputs.set(input, place));
      }
    }
  }

  /** All tensors of a known element type, in no order that types would depend on. */
  private typedTensors(): readonly TypedScopedTensor[] {
    for (const [id, tensor] of this.scopes.tensors) {
      const original = elementTypeOf(tensor.type);
      if (original !== undefined) this.typed.set(id, { ...tensor, original });
    }
    return [...this.typed.values()];
  }

  private problemOf(tensor: TypedScopedTensor): readonly TypedTensor[] {
    const { original: originalType } = tensor;
    if (!isFloating(originalType)) return [];
    const readers: TypedEnd[] = [];
    const castingReaders: TypedEnd[] = [];
    for (const reader of tensor.readers) {
      const by = this.nodes[reader.node];
      if (by !== undefined && tellsShape(by.node)) continue;
      if (by !== undefined && isCast(by)) castingReaders.push(this.castEnd(reader.node, originalType));
      else readers.push(this.readerEnd(reader, originalType));
    }
    if (tensor.isFixed) readers.push({ label: originalType });
    const constant = isStoredConstant(tensor);
    return [
      {
        originalType,
        depth: depthOf(tensor.scope),
        writer: constant ? undefined : this.writerEnd(tensor),
        constantTypes: constant ? constantTypes(constantOf(tensor), this.model) : [],
        readers,
        castingReaders,
      },
    ];
  }

  private writerEnd({ id, producer, original }: TypedScopedTensor): TypedEnd {
    const tie = this.writingTies.get(id);
    if (tie !== undefined) return { variable: tie };
    const by = this.nodes[producer ?? -1];
    if (producer === undefined || by === undefined) return { label: original };
    const schema = by.scope.operators.schema(by.node);
    const output = by.outputs.indexOf(id);
    if (schema === undefined || !outputFollowsMainType(schema, output)) return { label: original };
    return this.mainEnd(producer, original);
  }

  private readerEnd({ node, input }: NodeInput, original: DataType): TypedEnd {
    const tie = this.readingTies.get(node)?.get(input);
    if (tie !== undefined) return { variable: tie };
    const by = this.nodes[node];
    const schema = by?.scope.operators.schema(by.node);
    if (schema === undefined || !inputFollowsMainType(schema, input)) return { label: original };
    return this.mainEnd(node, original);
  }

  /** The type of a node's main tensors, which are floating-point. */
  private mainEnd(node: number, original: DataType): TypedEnd {
    const place = this.freePlace[node] ?? -1;
    return place >= 0 ? { variable: place } : { label: this.given[node] ?? original };
  }

  /** What a Cast makes of what it reads: a type of its own, or integers, for which no digit may be lost. */
  private castEnd(node: number, original: DataType): TypedEnd {
    const place = this.freePlace[node] ?? -1;
    if (place >= 0) return { variable: place };
    const to = this.elementType(this.nodes[node]?.outputs[0]);
    return { label: isFloating(to) ? to : original };
  }

  private typeAt(end: TypedEnd): DataType {
    if ('label' in end) return end.label;
    const type = this.chosen[end.variable];
    if (type === undefined) throw new RangeError(`no movement ${end.variable}`);
    return type;
  }

  private writtenType(tensor: TypedScopedTensor): DataType {
    if (!isFloating(tensor.original) || isStoredConstant(tensor)) return tensor.original;
    return this.typeAt(this.writerEnd(tensor));
  }

  private readType(tensor: TypedScopedTensor, reader: NodeInput): DataType {
    if (!isFloating(tensor.original)) return tensor.original;
    const by = this.nodes[reader.node];
    if (by !== undefined && (tellsShape(by.node) || isCast(by))) return this.writtenType(tensor);
    return this.typeAt(this.readerEnd(reader, tensor.original));
  }

  private changedReadTypes(ids: readonly string[], node: number): readonly (DataType | undefined)[] {
    return ids.map((id, input) => {
      const tensor = this.typed.get(id);
      if (tensor === undefined) return undefined;
      const type = this.readType(tensor, { node, input });
      return type === tensor.original ? undefined : type;
    });
  }

  private castsOf(tensor: TypedScopedTensor, written: DataType): readonly TensorCast[] {
    const { original, isFixed } = tensor;
    const byType = this.readersByType(tensor);
    byType.delete(written);
    const mustKeep = written !== original && isFixed;
    if (mustKeep && !byType.has(original)) byType.set(original, []);
    return [...byType]
      .sort(([a], [b]) => a - b)
      .map(([to, readers]) => ({
        tensor: tensor.id,
        from: written,
        to,
        readers,
        keepsName: mustKeep && to === original,
      }));
  }

  private copiesOf(tensor: TypedScopedTensor): readonly ConstantCopy[] {
    const value = constantOf(tensor);
    if (value === undefined) return [];
    const byType = this.readersByType(tensor, (reader) => !this.readsCodes(reader));
    const originalIsRead = byType.delete(tensor.original) || tensor.isFixed;
    return [...byType]
      .sort(([a], [b]) => a - b)
      .map(([to, readers], place) => ({
        tensor: tensor.id,
        name: tensor.name,
        value,
        to,
        readers,
        replacesOriginal: place === 0 && !originalIsRead,
        overflow: this.overflowOf(readers),
      }));
  }

  /** Whether a constant is read in a format of its own, whatever type it is in then. */
  private readsCodes({ node, input }: NodeInput): boolean {
    return this.roundings.get(node)?.inputs[input]?.isWeight === true;
  }

  private readersByType(
    tensor: TypedScopedTensor,
    counts: (reader: NodeInput) => boolean = () => true,
  ): Map<DataType, NodeInput[]> {
    const byType = new Map<DataType, NodeInput[]>();
    for (const reader of tensor.readers.filter(counts)) {
      const type = this.readType(tensor, reader);
      byType.set(type, [...(byType.get(type) ?? []), reader]);
    }
    return byType;
  }

  private elementType(id: string | undefined): DataType | undefined {
    return elementTypeOf(this.scopes.tensors.get(id ?? '')?.type);
  }

  /** What the layers that read the constant, also over movement, want of values beyond the range: the strictest. */
  private overflowOf(readers: readonly NodeInput[]): 'error' | 'saturate' | 'inf' {
    const wanted = new Set<string>();
    const seen = new Set<string>();
    const visit = ({ node, input }: NodeInput): void => {
      const tie = this.readingTies.get(node)?.get(input);
      const key = tie === undefined ? `node ${node}` : `tie ${tie}`;
      if (seen.has(key)) return;
      seen.add(key);
      const decision = this.decisionOfNode.get(node);
      if (decision !== undefined) {
        wanted.add(decision.overflow);
        return;
      }
      const outputs = tie === undefined ? this.nodes[node]?.outputs : this.writtenByTie.get(tie);
      for (const id of outputs ?? []) this.scopes.tensors.get(id)?.readers.forEach(visit);
    };
    readers.forEach(visit);
    if (wanted.has('error') || wanted.size === 0) return 'error';
    return wanted.has('saturate') ? 'saturate' : 'inf';
  }
}

/** Initializers and Constant nodes that we can store in another type. What a caller may feed is no constant. */
function isStoredConstant(tensor: ScopedTensor): boolean {
  if (tensor.scope.index.isGraphInput(tensor.name)) return false;
  const value = constantOf(tensor);
  return value !== undefined && isConvertible(value.dataType);
}

function depthOf(scope: Scope): number {
  return scope.outer === undefined ? 0 : 1 + depthOf(scope.outer);
}

function isCast({ node }: ScopedNode): boolean {
  return node.domain === '' && node.opType === 'Cast';
}
