/**
 * A mixed-precision graph as an FP32 graph: wherever a tensor is written or read in FP16 or BF16, a pair of casts rounds
 * it, and everything computes in FP32. Such roundings survive all optimisations of a runtime that has no FP16 kernels,
 * where those of the mixed model itself do not. Knows types and roundings; which tensor has which type was decided before.
 *
 * Sub-graphs stay sub-graphs, and what passes their borders in a low type passes in FP32, rounded. Functions are written out
 * where they are called.
 */
import type { Accumulation } from '../formats/index.js';
import {
  capturedNames,
  DataType,
  dataTypeName,
  inputFollowsMainType,
  isStep,
  makeAttribute,
  makeTensorType,
  makeValueInfo,
  outputFollowsMainType,
  withNode,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type Steps,
  type Tensor,
  referredTensor,
  variantSteps,
  type Variant,
} from '../onnx/index.js';
import {
  attributesForType,
  constantOf,
  elementTypeOf,
  endOf,
  freeNames,
  idIn,
  isFloating,
  isMovement,
  makeCast,
  modelScopes,
  roundingKey,
  scaledInputs,
  tensorNamed,
  type ConstantCopy,
  type ModelScopes,
  type PrecisionGraph,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
  type TakeName,
  type TensorRounding,
} from '../plan/index.js';
import { isLow, wideType } from './low-types.js';
import { Frames, makeSubgraph, type Frame, type PassedValue } from './frames.js';
import { addAccumulatedSum } from './accumulated-sum.js';
import { RoundingWriter } from './rounding/writer.js';
import { saturatedCopy } from './saturated-copy.js';
import { treatmentOf } from './treatment.js';

/** Builds the FP32 graph node by node. Names of tensors are kept as far as their types are. Tensors go by id. */
export class ExplicitCasts {
  readonly takeName: TakeName;
  /** Of the main graph. */
  readonly nodes: Node[];
  readonly initializers: Tensor[];
  private readonly model: Model;
  private readonly scopes: ModelScopes;
  private readonly frames: Frames;
  /** By tensor and the type whose values it has: the FP32 (or wider) tensor of these values. */
  private readonly values = new Map<string, string>();
  /** By tensor and low type: the tensor that really has that type, for what cannot be computed in FP32. */
  private readonly natives = new Map<string, string>();
  private readonly copies: ReadonlyMap<string, ConstantCopy>;
  private readonly stored = new Set<string>();
  private readonly roundings: RoundingWriter;
  /** By tensor, type and rounding: the FP32 tensor of the rounded values. */
  private readonly rounded = new Map<string, string>();
  /** What passes a border in FP32 when it is low: tensors, and places where they are read. */
  private readonly passing = new Set<string>();

  /** The whole graph with its roundings, a few nodes at a time. */
  static *of(graph: PrecisionGraph): Steps<ExplicitCasts> {
    const casts = new ExplicitCasts(graph);
    yield;
    yield* casts.addAll();
    return casts;
  }

  private constructor(private readonly graph: PrecisionGraph) {
    this.model = graph.model;
    this.scopes = modelScopes(graph.model);
    this.takeName = freeNames(graph.model);
    this.frames = new Frames(this.scopes, this.takeName);
    ({ nodes: this.nodes, initializers: this.initializers } = this.frames.main);
    this.roundings = new RoundingWriter(graph, this.takeName, this.initializers);
    this.copies = new Map(graph.constants.map((copy) => [keyOf(copy.tensor, copy.to), copy]));
    for (const { type, written, read } of this.scopes.ties) {
      if (type === undefined) continue;
      for (const id of written) this.passing.add(id);
      for (const { node, input } of read) this.passing.add(placeOf(node, input));
    }
  }

  private *addAll(): Steps<void> {
    const [main] = this.scopes.scopes;
    if (main === undefined) return;
    for (const { name } of main.graph.inputs) this.declareInput(name);
    for (const [index, at] of main.index.order.entries()) {
      if (isStep(index)) yield;
      this.addNode(main.firstNode + at);
    }
    for (const { name } of main.graph.outputs) this.storeConstant(name);
  }

  /** The graph so far, with the model's own inputs, and its outputs or other FP32 tensors of its main graph. */
  *variant(tensors?: readonly string[]): Steps<Variant> {
    const { inputs } = this.model.graph;
    const type = makeTensorType(DataType.FLOAT, undefined);
    const outputs = tensors?.map((name) => makeValueInfo(name, type)) ?? this.model.graph.outputs;
    const { nodes, initializers } = this;
    return yield* variantSteps(this.model, { nodes, initializers, inputs, outputs });
  }

  /** The type in which a tensor is written; undefined for what is no tensor. */
  writtenType(id: string): DataType | undefined {
    return this.graph.writtenTypes.get(id) ?? this.elementType(id);
  }

  /** The type in which a node, or the end of a scope, reads; undefined for what is no tensor. */
  readType(reader: number, input: number): DataType | undefined {
    const { readTypes, outputTypes } = this.graph;
    if (reader >= 0) {
      return readTypes[reader]?.[input] ?? this.elementType(this.scopes.nodes[reader]?.inputs[input]);
    }
    const scope = this.scopes.scopes[-1 - reader];
    return outputTypes[-1 - reader]?.[input] ?? this.elementType(scope?.outputs[input]);
  }

  /** The tensor that holds the values of `id` as a reader in `type` sees them, in FP32 where that type is lower. */
  valueIn(id: string, type: DataType): string {
    const written = this.writtenType(id) ?? type;
    const known = this.values.get(keyOf(id, type));
    if (known !== undefined) return known;
    const value = this.convert(id, written, type);
    this.values.set(keyOf(id, type), value);
    return value;
  }

  /** Rounds the tensor `from` to a low type: the name of the FP32 result. */
  addRounding(from: string, type: DataType, to: string, frame: Frame = this.frames.main): string {
    const low = this.addCast(from, type, this.takeName(`${to}_${dataTypeName(type)}`), frame);
    return this.addCast(low, DataType.FLOAT, to, frame);
  }

  addCast(from: string, type: DataType, to: string, frame: Frame = this.frames.main): string {
    const opset = this.model.opsets.get('') ?? 1;
    frame.nodes.push(makeCast({ name: '', from, to, type, opset }));
    return to;
  }

  /** Attributes that ask for the type that is written ask for the one that stands for it. */
  widenedAttributes(at: number): readonly Attribute[] {
    const scoped = this.scopes.nodes[at];
    if (scoped === undefined) return [];
    const { node, outputs } = scoped;
    const written = this.writtenType(outputs[0] ?? '');
    if (!isFloating(written)) return node.attributes;
    return attributesForType(node, wideType(written), this.elementType(outputs[0]), this.model);
  }

  private elementType(id: string | undefined): DataType | undefined {
    return elementTypeOf(this.scopes.tensors.get(id ?? '')?.type);
  }

  /** The tensor of a known written type, converted for a reader in another. */
  private convert(id: string, written: DataType, type: DataType): string {
    this.storeConstant(id);
    const name = this.frames.nameOf(id);
    if (written === type) return this.values.get(keyOf(id, written)) ?? name;
    const copy = this.copies.get(keyOf(id, type));
    const saturated = copy === undefined ? undefined : saturatedCopy(copy, this.model);
    if (saturated !== undefined) {
      const stored = this.takeName(`${name}_as_${dataTypeName(type)}`);
      this.frames.of(id).initializers.push({ ...saturated, name: stored });
      return stored;
    }
    const from = this.valueIn(id, written);
    const frame = this.frames.of(id);
    const to = `${name}_as_${dataTypeName(type)}`;
    if (isLow(type)) return this.addRounding(from, type, this.takeName(to), frame);
    if (type === DataType.FLOAT && isLow(written)) return from;
    return this.addCast(from, type, this.takeName(to), frame);
  }

  /** Puts a constant into the graph when it is first read. */
  private storeConstant(id: string): void {
    if (this.stored.has(id)) return;
    this.stored.add(id);
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined) return;
    const value = constantOf(tensor) ?? tensor.scope.index.initializers.get(tensor.name);
    if (value === undefined) return;
    this.frames.of(id).initializers.push(referredTensor(this.frames.nameOf(id), value, this.model));
    this.declareNative(id);
  }

  private declareInput(name: string): void {
    this.stored.add(name);
    const given = this.scopes.tensors.get(name)?.scope.index.initializers.get(name);
    if (given !== undefined) this.initializers.push(referredTensor(name, given, this.model));
    this.declareNative(name);
  }

  /** A name that stands for a tensor of the model's own type: FP32 values of a low one are cast from it. */
  private declareNative(id: string): void {
    const type = this.elementType(id);
    if (!isLow(type)) return;
    const name = this.frames.nameOf(id);
    this.natives.set(keyOf(id, type), name);
    const value = this.addCast(name, DataType.FLOAT, this.takeName(`${name}_float`), this.frames.of(id));
    this.values.set(keyOf(id, type), value);
  }

  private addNodes(scope: Scope): void {
    for (const index of scope.index.order) this.addNode(scope.firstNode + index);
  }

  private addNode(at: number): void {
    const scoped = this.scopes.nodes[at];
    if (scoped === undefined) return;
    switch (treatmentOf(scoped, this.scopes)) {
      case 'stored':
        return;
      case 'call':
        for (const body of scoped.inner) this.addCall(scoped, at, body);
        return;
      case 'container':
        this.addContainer(scoped, at);
        return;
      case 'opaque':
        this.addOpaque(scoped);
        return;
      case 'float cast':
        this.addFloatCast(scoped);
        return;
      case 'computing':
        this.addComputing(scoped, at);
    }
  }

  /** What cannot be computed in FP32 by itself (unknown operators, and graphs that are not looked into) keeps its types. */
  private addOpaque({ node, scope, inputs, outputs }: ScopedNode): void {
    for (const name of capturedNames(node)) {
      this.storeConstant(tensorNamed(this.scopes.tensors, scope, name)?.id ?? name);
    }
    const given = inputs.map((id) => this.nativeValue(id));
    const named = outputs.map((id) => this.frames.nameOf(id));
    this.frames.in(scope).nodes.push(withNode(node, { inputs: given, outputs: named }));
    for (const id of outputs) if (id !== '') this.declareNative(id);
  }

  private nativeValue(id: string): string {
    const type = this.elementType(id);
    if (id === '' || type === undefined) return this.frames.nameOf(id);
    const value = this.valueIn(id, type);
    if (!isLow(type)) return value;
    const known = this.natives.get(keyOf(id, type));
    if (known !== undefined) return known;
    const to = this.takeName(`${this.frames.nameOf(id)}_${dataTypeName(type)}`);
    const native = this.addCast(value, type, to, this.frames.of(id));
    this.natives.set(keyOf(id, type), native);
    return native;
  }

  private addFloatCast({ inputs, outputs }: ScopedNode): void {
    const [input = '', output = ''] = [inputs[0], outputs[0]];
    const type = this.writtenType(output);
    if (type === undefined) return;
    const value = this.valueIn(input, type);
    if (this.keepsName(output)) {
      const { frames } = this;
      this.addCast(value, this.elementType(output) ?? type, frames.nameOf(output), frames.of(output));
    }
    this.values.set(keyOf(output, type), value);
  }

  private addComputing(scoped: ScopedNode, at: number): void {
    const { node, scope } = scoped;
    const frame = this.frames.in(scope);
    const inputs = scoped.inputs.map((id, input) => {
      const type = this.readType(at, input);
      return id === '' || type === undefined ? this.frames.nameOf(id) : this.givenValue(at, input, id, type);
    });
    const rounding = this.graph.roundings.get(at);
    const after: (() => void)[] = [];
    const outputs = scoped.outputs.map((id, output) => {
      const type = this.writtenType(id);
      if (id === '' || type === undefined) return this.frames.nameOf(id);
      const value = this.outputName(id, type, after);
      const own = rounding?.outputs[output];
      if (own !== undefined) {
        const raw = this.takeName(`${this.frames.nameOf(id)}_unrounded`);
        after.unshift(() => {
          this.addOwnRounding(raw, id, own, value, { frame, scale: rounding?.scale });
        });
        return raw;
      }
      if (!isLow(type) || this.isRoundedAlready(scoped, at, output, type)) return value;
      const raw = this.takeName(`${this.frames.nameOf(id)}_unrounded`);
      after.unshift(() => this.addRounding(raw, type, value, frame));
      return raw;
    });
    const name = this.frames.isWrittenOut(scope) ? '' : node.name;
    const written = withNode(node, { name, inputs, outputs, attributes: this.widenedAttributes(at) });
    if (!this.addOwnSum(scoped, written, frame, rounding?.accumulate)) frame.nodes.push(written);
    for (const add of after) add();
  }

  /** What a node is given: the values in the type in which it reads, rounded as its decision says. */
  private givenValue(at: number, input: number, id: string, type: DataType): string {
    const { inputs, scale } = this.graph.roundings.get(at) ?? {};
    const rounding = inputs?.[input];
    const node = this.scopes.nodes[at]?.node;
    const isScaled =
      scale !== undefined && node !== undefined && scaledInputs(node)?.includes(input) === true;
    if (rounding === undefined && !isScaled) return this.valueIn(id, type);
    // A weight of a format of its own is rounded to that first, and then to the type in which it is read.
    const own = isLow(type) ? DataType.FLOAT : type;
    const factor = isScaled ? scale : 1;
    const key = [keyOf(id, type), factor, rounding === undefined ? '' : roundingKey(rounding)].join(' ');
    const known = this.rounded.get(key);
    if (known !== undefined) return known;
    const value = this.roundedValue(this.valueIn(id, own), id, rounding, factor);
    const given = isLow(type)
      ? this.addRounding(value, type, this.takeName(`${value}_as_${dataTypeName(type)}`), this.frames.of(id))
      : value;
    this.rounded.set(key, given);
    return given;
  }

  /** The FP32 tensor `value`, which has the values of `id`, times a factor, and rounded. */
  roundedValue(value: string, id: string, rounding: TensorRounding | undefined, factor = 1): string {
    const frame = this.frames.of(id);
    const stem = this.frames.nameOf(id);
    let result = value;
    if (factor !== 1) {
      result = this.takeName(`${stem}_scaled`);
      this.roundings.scaled(frame.nodes, value, factor, result);
    }
    if (rounding === undefined) return result;
    const to = this.takeName(`${stem}_as_${rounding.format}`);
    const dims = constantDims(this.scopes.tensors.get(id));
    this.roundings.round(frame.nodes, result, id, rounding, to, dims);
    return to;
  }

  /** A node whose sums are rounded as they grow; false where it has none, or they cannot be told. */
  private addOwnSum(
    { scope, inputs }: ScopedNode,
    node: Node,
    frame: Frame,
    accumulation: Accumulation | undefined,
  ): boolean {
    if (accumulation === undefined) return false;
    const shapes = inputs.map((id) => {
      const tensor = this.scopes.tensors.get(id);
      const constant = tensor === undefined ? undefined : constantOf(tensor);
      const type = tensor?.type;
      return constant?.dims ?? (type?.kind === 'tensor' ? type.shape : undefined);
    });
    const weights = shapes[1]?.flatMap((dim) => (typeof dim === 'number' ? [dim] : []));
    const { takeName, initializers } = this;
    return addAccumulatedSum(
      {
        node,
        ranks: shapes.map((shape) => shape?.length),
        weights: weights?.length === shapes[1]?.length ? weights : undefined,
        accumulation,
        to: node.outputs[0] ?? '',
      },
      { opset: scope.opsets.get('') ?? 1, takeName, nodes: frame.nodes, initializers },
    );
  }

  /** Rounds what a node has written, and takes back what its inputs were scaled by. */
  addOwnRounding(
    raw: string,
    id: string,
    rounding: TensorRounding,
    to: string,
    { frame = this.frames.main, scale }: { frame?: Frame; scale?: number | undefined } = {},
  ): void {
    const rounded = scale === undefined ? to : this.takeName(`${to}_scaled`);
    this.roundings.round(frame.nodes, raw, id, rounding, rounded);
    if (scale !== undefined) this.roundings.scaled(frame.nodes, rounded, 1 / scale, to);
  }

  /** The name of the tensor with the values of an output; `after` makes what must keep name and type. */
  private outputName(id: string, type: DataType, after: (() => void)[]): string {
    const name = this.frames.nameOf(id);
    const original = this.elementType(id) ?? type;
    if (!this.keepsName(id) || wideType(type) === original) {
      this.values.set(keyOf(id, type), name);
      return name;
    }
    const value = this.takeName(`${name}_float`);
    this.values.set(keyOf(id, type), value);
    const frame = this.frames.of(id);
    after.push(() => this.addCast(value, original, name, frame));
    if (isLow(original)) this.natives.set(keyOf(id, original), name);
    return value;
  }

  private keepsName(id: string): boolean {
    return this.scopes.tensors.get(id)?.isFixed === true;
  }

  /** Movement of rounded values gives rounded values. */
  private isRoundedAlready(
    { node, scope, inputs }: ScopedNode,
    at: number,
    output: number,
    type: DataType,
  ): boolean {
    const schema = scope.operators.schema(node);
    if (schema === undefined || !isMovement(node) || !outputFollowsMainType(schema, output)) return false;
    const read = inputs.flatMap((id, input) =>
      id !== '' && inputFollowsMainType(schema, input) ? [this.readType(at, input)] : [],
    );
    return read.length > 0 && read.every((readType) => readType === type);
  }

  /** If, Loop and Scan: their graphs are built before they are, and cast what they read in the scope that it is from. */
  private addContainer({ node, scope, inner, inputs, outputs }: ScopedNode, at: number): void {
    const given = inputs.map((id, input) => this.passed(id, at, input));
    const attributes = node.attributes.map((attribute): Attribute => {
      const held = inner.find((one) => one.attribute === attribute.name);
      return held === undefined
        ? attribute
        : makeAttribute(attribute.name, { kind: 'graph', value: this.subgraph(held) });
    });
    const after: (() => void)[] = [];
    const received = outputs.map((id) => {
      const type = this.writtenType(id);
      if (id === '' || type === undefined) return this.frames.nameOf(id);
      if (!isLow(type) || this.passing.has(id)) return this.outputName(id, type, after);
      after.push(() => {
        this.declareNative(id);
      });
      return this.frames.nameOf(id);
    });
    const name = this.frames.isWrittenOut(scope) ? '' : node.name;
    this.frames.in(scope).nodes.push(withNode(node, { name, inputs: given, outputs: received, attributes }));
    for (const add of after) add();
  }

  /** What is handed over a border: in FP32 where it is low and tied to what is on the other side. */
  private passed(id: string, reader: number, input: number): string {
    const type = this.readType(reader, input);
    if (id === '' || type === undefined) return this.frames.nameOf(id);
    return !isLow(type) || this.passing.has(placeOf(reader, input))
      ? this.valueIn(id, type)
      : this.nativeValue(id);
  }

  private subgraph(scope: Scope): Graph {
    const { graph } = scope;
    const frame = this.frames.open(scope);
    const after: (() => void)[] = [];
    const inputs = graph.inputs.map((value): PassedValue => {
      const id = idIn(scope, value.name);
      const type = this.writtenType(id);
      this.stored.add(id);
      if (type === undefined) return { value, name: this.frames.nameOf(id), type };
      if (!isLow(type) || this.passing.has(id)) {
        return { value, name: this.outputName(id, type, after), type: wideType(type) };
      }
      this.declareNative(id);
      return { value, name: this.frames.nameOf(id), type };
    });
    for (const add of after) add();
    this.addNodes(scope);
    const outputs = graph.outputs.map((value, output) => {
      const type = this.readType(endOf(scope), output);
      const isWide = this.passing.has(placeOf(endOf(scope), output));
      const name = this.passed(scope.outputs[output] ?? '', endOf(scope), output);
      return { value, name, type: type !== undefined && isWide ? wideType(type) : type };
    });
    return makeSubgraph(graph, frame, inputs, outputs, this.takeName);
  }

  /** A call: the function's nodes take its place, and its inputs and outputs are the caller's tensors. */
  private addCall({ scope, inputs, outputs }: ScopedNode, at: number, body: Scope): void {
    this.frames.openInto(body, scope);
    body.graph.inputs.forEach(({ name }, input) => {
      const id = idIn(body, name);
      const from = inputs[input] ?? '';
      const type = this.readType(at, input);
      this.alias(id, from, from === '' ? undefined : type, this.passed(from, at, input));
    });
    this.addNodes(body);
    outputs.forEach((id, output) => {
      const type = this.readType(endOf(body), output);
      if (id === '' || type === undefined) return;
      const from = body.outputs[output] ?? '';
      const value = this.passed(from, endOf(body), output);
      this.alias(id, from, type, value);
      if (!this.keepsName(id)) return;
      const original = this.elementType(id) ?? type;
      // A cast to the type that it has: the name has to be that of a tensor of its own.
      this.addCast(value, original, this.ownName(id), this.frames.of(id));
      if (isLow(original)) this.natives.set(keyOf(id, original), this.ownName(id));
    });
  }

  /** Makes `id` another name of `from`, whose values in `type` are in `value`. */
  private alias(id: string, from: string, type: DataType | undefined, value: string): void {
    this.stored.add(id);
    this.frames.rename(id, value);
    if (type === undefined) return;
    if (isLow(type) && !this.passing.has(id)) {
      this.natives.set(keyOf(id, type), value);
      this.values.set(keyOf(id, type), this.valueIn(from, type));
    } else {
      this.values.set(keyOf(id, type), value);
    }
  }

  private ownName(id: string): string {
    return this.scopes.tensors.get(id)?.name ?? id;
  }
}

function constantDims(tensor: ScopedTensor | undefined): readonly number[] {
  return (tensor === undefined ? undefined : constantOf(tensor))?.dims ?? [];
}

function keyOf(id: string, type: DataType): string {
  return `${type} ${id}`;
}

function placeOf(reader: number, input: number): string {
  return `\0${reader} ${input}`;
}
