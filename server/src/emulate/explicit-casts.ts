/**
 * A mixed-precision graph as an FP32 graph: wherever a tensor is written or read in FP16 or BF16, a pair of casts rounds
 * it, and everything computes in FP32. Such roundings survive all optimisations of a runtime that has no FP16 kernels,
 * where those of the mixed model itself do not. Knows types and roundings; which tensor has which type was decided before.
 */
import { roundArray } from '../formats/index.js';
import {
  DataType,
  dataTypeName,
  inputFollowsMainType,
  makeTensor,
  outputFollowsMainType,
  withNode,
  type Attribute,
  type Model,
  type Node,
  type Tensor,
} from '../onnx/index.js';
import {
  attributesForType,
  floatsOf,
  formatOfType,
  freeNames,
  isFloating,
  isMovement,
  makeCast,
  maskStorage,
  modelFacts,
  type ConstantCopy,
  type ModelFacts,
  type PrecisionGraph,
  type TakeName,
} from '../plan/index.js';
import { makeVariant, referredTensor, type Variant } from './variant.js';

/** FP16 and BF16: what an FP32 graph represents by rounded FP32 values. */
export function isLow(type: DataType | undefined): type is DataType {
  return type === DataType.FLOAT16 || type === DataType.BFLOAT16;
}

/** Builds the FP32 graph node by node. Names of tensors are kept as far as their types are. */
export class ExplicitCasts {
  readonly facts: ModelFacts;
  readonly takeName: TakeName;
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly model: Model;
  /** By tensor and the type whose values it has: the FP32 (or wider) tensor of these values. */
  private readonly values = new Map<string, string>();
  /** By tensor and low type: the tensor that really has that type, for what cannot be computed in FP32. */
  private readonly natives = new Map<string, string>();
  private readonly copies: ReadonlyMap<string, ConstantCopy>;
  private readonly stored = new Set<string>();

  constructor(private readonly graph: PrecisionGraph) {
    this.model = graph.model;
    this.facts = modelFacts(graph.model);
    this.takeName = freeNames(graph.model);
    this.copies = new Map(graph.constants.map((copy) => [keyOf(copy.tensor, copy.to), copy]));
    for (const { name } of this.model.graph.inputs) this.declareInput(name);
    for (const at of this.facts.index.order) this.addNode(at);
    for (const { name } of this.model.graph.outputs) this.storeConstant(name);
  }

  /** The graph so far, with the model's own inputs and outputs. */
  variant(): Variant {
    const { inputs, outputs } = this.model.graph;
    const { nodes, initializers } = this;
    return makeVariant(this.model, { nodes, initializers, inputs, outputs });
  }

  /** The type in which a tensor is written; undefined for what is no tensor. */
  writtenType(name: string): DataType | undefined {
    return this.graph.writtenTypes.get(name) ?? this.facts.elementType(name);
  }

  /** The tensor that holds the values of `name` as a reader in `type` sees them, in FP32 where that type is lower. */
  valueIn(name: string, type: DataType): string {
    const written = this.writtenType(name) ?? type;
    const known = this.values.get(keyOf(name, type));
    if (known !== undefined) return known;
    const value = this.convert(name, written, type);
    this.values.set(keyOf(name, type), value);
    return value;
  }

  /** Rounds the tensor `from` to a low type: the name of the FP32 result. */
  addRounding(from: string, type: DataType, to: string): string {
    const low = this.addCast(from, type, this.takeName(`${to}_${dataTypeName(type)}`));
    return this.addCast(low, DataType.FLOAT, to);
  }

  addCast(from: string, type: DataType, to: string): string {
    const opset = this.model.opsets.get('') ?? 1;
    this.nodes.push(makeCast({ name: '', from, to, type, opset }));
    return to;
  }

  /** The tensor of a known written type, converted for a reader in another. */
  private convert(name: string, written: DataType, type: DataType): string {
    this.storeConstant(name);
    if (written === type) return this.values.get(keyOf(name, written)) ?? name;
    const copy = this.copies.get(keyOf(name, type));
    const stored = copy === undefined ? undefined : this.storeRounded(copy);
    if (stored !== undefined) return stored;
    const from = this.valueIn(name, written);
    if (isLow(type)) return this.addRounding(from, type, this.takeName(`${name}_as_${dataTypeName(type)}`));
    if (type === DataType.FLOAT && isLow(written)) return from;
    return this.addCast(from, type, this.takeName(`${name}_as_${dataTypeName(type)}`));
  }

  /** Puts a constant into the graph when it is first read. */
  private storeConstant(name: string): void {
    if (this.stored.has(name)) return;
    this.stored.add(name);
    const { index } = this.facts;
    const tensor = index.constantOf(name) ?? index.initializers.get(name);
    if (tensor === undefined) return;
    this.initializers.push(referredTensor(name, tensor, this.model));
    this.declareNative(name);
  }

  private declareInput(name: string): void {
    this.stored.add(name);
    const given = this.facts.index.initializers.get(name);
    if (given !== undefined) this.initializers.push(referredTensor(name, given, this.model));
    this.declareNative(name);
  }

  /** A name that stands for a tensor of the model's own type: FP32 values of a low one are cast from it. */
  private declareNative(name: string): void {
    const type = this.facts.elementType(name);
    if (!isLow(type)) return;
    this.natives.set(keyOf(name, type), name);
    this.values.set(keyOf(name, type), this.addCast(name, DataType.FLOAT, this.takeName(`${name}_float`)));
  }

  /** A constant that is saturated, which a cast would not do, is rounded here. */
  private storeRounded(copy: ConstantCopy): string | undefined {
    const { tensor, value, to, overflow } = copy;
    const format = formatOfType(to);
    if (format === undefined || value.dataType !== DataType.FLOAT) return undefined;
    const mask = maskStorage(copy, this.model, format);
    if (mask === undefined ? overflow !== 'saturate' : mask !== 'lowest') return undefined;
    const values = floatsOf(value, this.model);
    if (!(values instanceof Float32Array)) return undefined;
    const name = this.takeName(`${tensor}_as_${dataTypeName(to)}`);
    const rounded = roundArray(format, values, undefined, 'saturate');
    this.initializers.push(makeTensor(name, DataType.FLOAT, value.dims, new Uint8Array(rounded.buffer)));
    return name;
  }

  private addNode(at: number): void {
    const node = this.model.graph.nodes[at];
    if (node === undefined || this.isStoredConstantNode(node)) return;
    const schema = this.facts.schema(node);
    if (schema === undefined || this.facts.isContainer(node) || this.handlesContainers(node)) {
      this.addOpaque(node, at);
    } else if (this.isFloatCast(node)) {
      this.addFloatCast(node);
    } else {
      this.addComputing(node, at);
    }
  }

  private isStoredConstantNode(node: Node): boolean {
    return node.opType === 'Constant' && this.facts.index.constantOf(node.outputs[0] ?? '') !== undefined;
  }

  private handlesContainers(node: Node): boolean {
    return [...node.inputs, ...node.outputs].some(
      (name) => name !== '' && this.facts.isTyped(name) && this.facts.elementType(name) === undefined,
    );
  }

  private isFloatCast(node: Node): boolean {
    if (node.domain !== '' || node.opType !== 'Cast') return false;
    return (
      isFloating(this.facts.elementType(node.inputs[0] ?? '')) &&
      isFloating(this.facts.elementType(node.outputs[0] ?? ''))
    );
  }

  /** What cannot be computed in FP32 by itself (sub-graphs, functions, unknown operators) keeps its types. */
  private addOpaque(node: Node, at: number): void {
    for (const [name, readers] of this.facts.index.capturedBySubgraphs)
      if (readers.includes(at)) this.storeConstant(name);
    const inputs = node.inputs.map((name) => this.nativeValue(name));
    this.nodes.push(withNode(node, { inputs }));
    for (const output of node.outputs) if (output !== '') this.declareNative(output);
  }

  private nativeValue(name: string): string {
    const type = this.facts.elementType(name);
    if (name === '' || type === undefined) return name;
    const value = this.valueIn(name, type);
    if (!isLow(type)) return value;
    const known = this.natives.get(keyOf(name, type));
    if (known !== undefined) return known;
    const native = this.addCast(value, type, this.takeName(`${name}_${dataTypeName(type)}`));
    this.natives.set(keyOf(name, type), native);
    return native;
  }

  private addFloatCast(node: Node): void {
    const [input = '', output = ''] = [node.inputs[0], node.outputs[0]];
    const type = this.writtenType(output);
    if (type === undefined) return;
    const value = this.valueIn(input, type);
    if (this.keepsName(output)) {
      this.addCast(value, this.facts.elementType(output) ?? type, output);
    }
    this.values.set(keyOf(output, type), value);
  }

  private addComputing(node: Node, at: number): void {
    const inputs = node.inputs.map((name, input) => {
      const type = this.readType(node, at, input);
      return name === '' || type === undefined ? name : this.valueIn(name, type);
    });
    const after: (() => void)[] = [];
    const outputs = node.outputs.map((name, output) => {
      const type = this.writtenType(name);
      if (name === '' || type === undefined) return name;
      const value = this.outputName(name, type, after);
      if (!isLow(type) || this.isRoundedAlready(node, at, output, type)) return value;
      const raw = this.takeName(`${name}_unrounded`);
      after.unshift(() => this.addRounding(raw, type, value));
      return raw;
    });
    this.nodes.push(withNode(node, { inputs, outputs, attributes: this.widenedAttributes(node) }));
    for (const add of after) add();
  }

  /** The name of the tensor with the values of an output; `after` makes what must keep name and type. */
  private outputName(name: string, type: DataType, after: (() => void)[]): string {
    const original = this.facts.elementType(name) ?? type;
    const wide = isLow(type) ? DataType.FLOAT : type;
    if (!this.keepsName(name) || wide === original) {
      this.values.set(keyOf(name, type), name);
      return name;
    }
    const value = this.takeName(`${name}_float`);
    this.values.set(keyOf(name, type), value);
    after.push(() => this.addCast(value, original, name));
    if (isLow(original)) this.natives.set(keyOf(name, original), name);
    return value;
  }

  private keepsName(name: string): boolean {
    return this.facts.index.isGraphOutput(name) || this.facts.index.capturedBySubgraphs.has(name);
  }

  readType(node: Node, at: number, input: number): DataType | undefined {
    return this.graph.readTypes[at]?.[input] ?? this.facts.elementType(node.inputs[input] ?? '');
  }

  /** Movement of rounded values gives rounded values. */
  private isRoundedAlready(node: Node, at: number, output: number, type: DataType): boolean {
    const schema = this.facts.schema(node);
    if (schema === undefined || !isMovement(node) || !outputFollowsMainType(schema, output)) return false;
    const read = node.inputs.flatMap((name, input) =>
      name !== '' && inputFollowsMainType(schema, input) ? [this.readType(node, at, input)] : [],
    );
    return read.length > 0 && read.every((readType) => readType === type);
  }

  /** Attributes that ask for the type that is written ask for the one that stands for it. */
  widenedAttributes(node: Node): readonly Attribute[] {
    const [output = ''] = node.outputs;
    const written = this.writtenType(output);
    if (!isFloating(written)) return node.attributes;
    const wide = isLow(written) ? DataType.FLOAT : written;
    return attributesForType(node, wide, this.facts.elementType(output), this.model);
  }
}

function keyOf(name: string, type: DataType): string {
  return `${type} ${name}`;
}
