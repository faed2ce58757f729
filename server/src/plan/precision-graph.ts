/**
 * From decisions to types: which type every tensor of the main graph is written and read in, what has to be cast,
 * and which constants are stored in another type. The one source of both the converted and the emulated model;
 * knows nothing of how either is written.
 */
import {
  DataType,
  inputFollowsMainType,
  outputFollowsMainType,
  type Model,
  type Node,
} from '../onnx/index.js';
import { constantTypes, isConvertible } from './constant-types.js';
import { holdsAllOf, typeOfFormat } from './format-types.js';
import { isFloating, modelFacts, type ModelFacts } from './model-facts.js';
import { isFreeMovement, tellsShape } from './movement.js';
import { movementTypes, type FreeMovement, type TypedEnd, type TypedTensor } from './movement-types.js';
import type { ConstantCopy, Layer, LayerDecision, NodeRole, PrecisionGraph, TensorCast } from './types.js';

interface NodeInput {
  readonly node: number;
  readonly input: number;
}

/**
 * The types that a model's tensors take under the decisions. Pure: the same model and decisions give the same
 * graph. Layers without a decision, and everything that no changed type touches, stay as in the model.
 *
 * @param roles of the nodes of the main graph, by node index.
 * @param layers of the model; a decision on anything else is ignored.
 */
export function precisionGraph(
  model: Model,
  roles: readonly NodeRole[],
  layers: readonly Layer[],
  decisions: readonly LayerDecision[],
): PrecisionGraph {
  return new GraphTyping(model, roles, layers, decisions).result();
}

class GraphTyping {
  private readonly facts: ModelFacts;
  private readonly nodes: readonly Node[];
  /** By node index: the type that a decision gives, or that movement was found to take. */
  private readonly given: (DataType | undefined)[];
  /** By node index: the place among the movements whose type is free, or -1. */
  private readonly freePlace: number[];
  private readonly movements: FreeMovement[] = [];
  private readonly movementNodes: number[] = [];
  private readonly decisionOfNode = new Map<number, LayerDecision>();

  constructor(
    private readonly model: Model,
    private readonly roles: readonly NodeRole[],
    layers: readonly Layer[],
    private readonly decisions: readonly LayerDecision[],
  ) {
    this.facts = modelFacts(model);
    this.nodes = model.graph.nodes;
    this.given = this.nodes.map(() => undefined);
    const layerNodes = new Set(layers.map((layer) => layer.nodeIndex));
    for (const decision of decisions) {
      const { nodeIndex } = decision.layer;
      if (!layerNodes.has(nodeIndex)) continue;
      this.decisionOfNode.set(nodeIndex, decision);
      this.given[nodeIndex] = this.decidedType(decision);
    }
    this.freePlace = this.nodes.map((node, at) => this.findMovement(node, at));
  }

  result(): PrecisionGraph {
    const tensors = this.tensorNames();
    const ends = tensors.flatMap((name) => this.typedTensor(name));
    movementTypes(this.movements, ends).forEach((type, place) => {
      const node = this.movementNodes[place];
      if (node !== undefined && type !== this.movements[place]?.originalType) this.given[node] = type;
    });
    const writtenTypes = new Map<string, DataType>();
    const casts: TensorCast[] = [];
    const constants: ConstantCopy[] = [];
    for (const name of tensors) {
      const original = this.facts.elementType(name);
      if (original === undefined) continue;
      const written = this.writtenType(name, original);
      if (written !== original) writtenTypes.set(name, written);
      if (this.isStoredConstant(name)) constants.push(...this.copiesOf(name, original));
      else casts.push(...this.castsOf(name, original, written));
    }
    return {
      model: this.model,
      decisions: this.decisions,
      nodeTypes: this.given,
      writtenTypes,
      readTypes: this.nodes.map((node, at) =>
        node.inputs.map((name, input) => this.changedReadType(name, { node: at, input })),
      ),
      casts,
      constants,
    };
  }

  private decidedType({ format, layer }: LayerDecision): DataType | undefined {
    if (format === 'original') return undefined;
    const type = typeOfFormat(format);
    return this.facts.allows(layer.node, type) ? type : undefined;
  }

  /** Takes up the node among the movements if its type is free; its place there, or -1. */
  private findMovement(node: Node, at: number): number {
    const role = this.roles[at];
    const moves = role === 'movement' || role === 'constant' || role === 'shape';
    if (!moves || !isFreeMovement(node)) return -1;
    const schema = this.facts.schema(node);
    if (schema === undefined || this.facts.isContainer(node)) return -1;
    const output = node.outputs.findIndex(
      (name, index) => outputFollowsMainType(schema, index) && isFloating(this.facts.elementType(name)),
    );
    const originalType = this.facts.elementType(node.outputs[output] ?? '');
    if (originalType === undefined) return -1;
    if (node.opType === 'Cast' && !this.castKeepsValues(node, originalType)) return -1;
    const isAllowed = (type: DataType): boolean => this.facts.allows(node, type);
    this.movements.push({ originalType, ownTypes: this.ownTypes(node, originalType), isAllowed });
    this.movementNodes.push(at);
    return this.movements.length - 1;
  }

  /** A cast to a narrower type is a rounding that the model asks for. */
  private castKeepsValues(node: Node, to: DataType): boolean {
    const from = this.facts.elementType(node.inputs[0] ?? '');
    return from !== undefined && (!isFloating(from) || holdsAllOf(to, from));
  }

  /** Types that values need which the node makes by itself: numbers cast from integers, the value of ConstantOfShape. */
  private ownTypes(node: Node, originalType: DataType): readonly DataType[] {
    if (isCast(node)) {
      const from = this.facts.elementType(node.inputs[0] ?? '');
      return from === DataType.BOOL || isFloating(from) ? [] : [originalType];
    }
    const value = node.attributes.find((attribute) => attribute.name === 'value');
    return value?.kind === 'tensor' ? constantTypes(value.value, this.model) : [];
  }

  /** Names of all tensors that something writes, each after those that its writer reads. */
  private tensorNames(): readonly string[] {
    const { inputs, initializers, sparseInitializers } = this.model.graph;
    const names = new Set<string>(inputs.map((input) => input.name));
    for (const tensor of initializers) names.add(tensor.name);
    for (const name of sparseInitializers) names.add(name);
    for (const at of this.facts.index.order)
      for (const name of this.nodes[at]?.outputs ?? []) names.add(name);
    names.delete('');
    return [...names];
  }

  private typedTensor(name: string): readonly TypedTensor[] {
    const originalType = this.facts.elementType(name);
    if (originalType === undefined || !isFloating(originalType)) return [];
    const readers: TypedEnd[] = [];
    const castingReaders: TypedEnd[] = [];
    for (const reader of this.consumers(name)) {
      const node = this.nodes[reader.node];
      if (node === undefined || tellsShape(node)) continue;
      if (isCast(node)) castingReaders.push(this.castEnd(reader.node, originalType));
      else readers.push(this.readerEnd(reader, originalType));
    }
    if (this.keepsType(name)) readers.push({ label: originalType });
    const constant = this.isStoredConstant(name);
    return [
      {
        originalType,
        writer: constant ? undefined : this.writerEnd(name, originalType),
        constantTypes: constant ? constantTypes(this.facts.index.constantOf(name), this.model) : [],
        readers,
        castingReaders,
      },
    ];
  }

  private writerEnd(name: string, original: DataType): TypedEnd {
    const producer = this.facts.index.producers.get(name);
    const node = this.nodes[producer ?? -1];
    if (producer === undefined || node === undefined) return { label: original };
    const schema = this.facts.schema(node);
    const output = node.outputs.indexOf(name);
    if (schema === undefined || !outputFollowsMainType(schema, output)) return { label: original };
    return this.mainEnd(producer, original);
  }

  private readerEnd({ node: at, input }: NodeInput, original: DataType): TypedEnd {
    const node = this.nodes[at];
    const schema = node === undefined ? undefined : this.facts.schema(node);
    if (schema === undefined || !inputFollowsMainType(schema, input)) return { label: original };
    return this.mainEnd(at, original);
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
    const to = this.facts.elementType(this.nodes[node]?.outputs[0] ?? '');
    return { label: to !== undefined && isFloating(to) ? to : original };
  }

  private typeAt(end: TypedEnd): DataType {
    if ('label' in end) return end.label;
    const node = this.movementNodes[end.variable] ?? -1;
    const movement = this.movements[end.variable];
    const type = this.given[node] ?? movement?.originalType;
    if (type === undefined) throw new RangeError(`no movement ${end.variable}`);
    return type;
  }

  private writtenType(name: string, original: DataType): DataType {
    if (!isFloating(original) || this.isStoredConstant(name)) return original;
    return this.typeAt(this.writerEnd(name, original));
  }

  private readType(name: string, reader: NodeInput, original: DataType): DataType {
    if (!isFloating(original)) return original;
    const node = this.nodes[reader.node];
    if (node !== undefined && (tellsShape(node) || isCast(node))) return this.writtenType(name, original);
    return this.typeAt(this.readerEnd(reader, original));
  }

  private changedReadType(name: string, reader: NodeInput): DataType | undefined {
    const original = this.facts.elementType(name);
    if (original === undefined) return undefined;
    const type = this.readType(name, reader, original);
    return type === original ? undefined : type;
  }

  private castsOf(name: string, original: DataType, written: DataType): readonly TensorCast[] {
    const byType = this.readersByType(name, original);
    byType.delete(written);
    const mustKeep = written !== original && this.keepsType(name);
    if (mustKeep && !byType.has(original)) byType.set(original, []);
    return [...byType]
      .sort(([a], [b]) => a - b)
      .map(([to, readers]) => ({
        tensor: name,
        from: written,
        to,
        readers,
        keepsName: mustKeep && to === original,
      }));
  }

  private copiesOf(name: string, original: DataType): readonly ConstantCopy[] {
    const value = this.facts.index.constantOf(name);
    if (value === undefined) return [];
    const byType = this.readersByType(name, original);
    const originalIsRead = byType.delete(original) || this.keepsType(name);
    return [...byType]
      .sort(([a], [b]) => a - b)
      .map(([to, readers], place) => ({
        tensor: name,
        value,
        to,
        readers,
        replacesOriginal: place === 0 && !originalIsRead,
        overflow: this.overflowOf(readers),
      }));
  }

  private readersByType(name: string, original: DataType): Map<DataType, NodeInput[]> {
    const byType = new Map<DataType, NodeInput[]>();
    for (const reader of this.consumers(name)) {
      const type = this.readType(name, reader, original);
      byType.set(type, [...(byType.get(type) ?? []), reader]);
    }
    return byType;
  }

  private consumers(name: string): readonly NodeInput[] {
    return this.facts.index.consumers.get(name) ?? [];
  }

  /** Graph outputs, and what sub-graphs read by name, keep name and type. */
  private keepsType(name: string): boolean {
    const { index } = this.facts;
    return index.isGraphOutput(name) || index.capturedBySubgraphs.has(name);
  }

  /** Initializers and Constant nodes that we can store in another type. What a caller may feed is no constant. */
  private isStoredConstant(name: string): boolean {
    const { index } = this.facts;
    const tensor = index.isGraphInput(name) ? undefined : index.constantOf(name);
    return tensor !== undefined && isConvertible(tensor.dataType);
  }

  /** What the layers that read the constant, also over movement, want of values beyond the range: the strictest. */
  private overflowOf(readers: readonly NodeInput[]): 'error' | 'saturate' | 'inf' {
    const wanted = new Set<string>();
    const seen = new Set<number>();
    const visit = (at: number): void => {
      if (seen.has(at)) return;
      seen.add(at);
      const decision = this.decisionOfNode.get(at);
      if (decision !== undefined) {
        wanted.add(decision.overflow);
        return;
      }
      for (const output of this.nodes[at]?.outputs ?? []) {
        for (const reader of this.consumers(output)) visit(reader.node);
      }
    };
    for (const reader of readers) visit(reader.node);
    if (wanted.has('error') || wanted.size === 0) return 'error';
    return wanted.has('saturate') ? 'saturate' : 'inf';
  }
}

function isCast(node: Node): boolean {
  return node.domain === '' && node.opType === 'Cast';
}
