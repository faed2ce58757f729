/**
 * Which FP32 tensor of an emulated graph holds the values of each tensor of the model, as each of its readers sees them: rounded to
 * the type in which it is read, and as its decision says. Makes these tensors when they are first asked for. Knows values and
 * roundings; how nodes are written is in explicit-casts.ts.
 */
import { DataType, dataTypeName, referredTensor, type Model } from '../onnx/index.js';
import {
  constantOf,
  elementTypeOf,
  isQuantizing,
  makeCast,
  roundingKey,
  scaledInputs,
  type ConstantCopy,
  type HeldPlaces,
  type ModelScopes,
  type PrecisionGraph,
  type ScopedTensor,
  type TakeName,
  type TensorRounding,
} from '../plan/index.js';
import type { Frame, Frames } from './frames.js';
import { isLow, wideType } from './low-types.js';
import { RoundingWriter } from './rounding/writer.js';
import { saturatedCopy } from './saturated-copy.js';

export class WideValues {
  private readonly model: Model;
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

  constructor(
    private readonly graph: PrecisionGraph,
    private readonly scopes: ModelScopes,
    private readonly frames: Frames,
    private readonly takeName: TakeName,
  ) {
    this.model = graph.model;
    this.roundings = new RoundingWriter(graph, takeName, frames.main.initializers);
    this.copies = new Map(graph.constants.map((copy) => [keyOf(copy.tensor, copy.to), copy]));
    for (const { type, written, read } of scopes.ties) {
      if (type === undefined) continue;
      for (const id of written) this.passing.add(id);
      for (const { node, input } of read) this.passing.add(placeOf(node, input));
    }
  }

  /** Takes the tensor up as one that is there already. */
  isGiven(id: string): void {
    this.stored.add(id);
  }

  /** Whether the tensor passes a border in FP32 when it is low. */
  isPassing(id: string): boolean {
    return this.passing.has(id);
  }

  /** The same of a place where one is read. */
  isPassingAt(reader: number, input: number): boolean {
    return this.passing.has(placeOf(reader, input));
  }

  /** The name has the type of the model, whatever holds the values: `id` given out as what it was. */
  keepOutput(id: string, type: DataType, value: string): void {
    const original = this.elementType(id) ?? type;
    // A cast to the type that it has: the name has to be that of a tensor of its own.
    this.addCast(value, original, this.ownName(id), this.frames.of(id));
    if (isLow(original)) this.natives.set(keyOf(id, original), this.ownName(id));
  }

  /** Says that the tensor `value` holds the values of `id` in a type. */
  setValue(id: string, type: DataType, value: string): void {
    this.values.set(keyOf(id, type), value);
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

  elementType(id: string | undefined): DataType | undefined {
    return elementTypeOf(this.scopes.tensors.get(id ?? '')?.type);
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

  /** What a node is given: the values in the type in which it reads, rounded as its decision says. */
  givenValue(at: number, input: number, id: string, type: DataType): string {
    const { inputs, scale, held } = this.graph.roundings.get(at) ?? {};
    if (held?.inputs.includes(input) === true) return this.heldValue(id, type, held.format);
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

  /** The values of a tensor in a type of 16 bits, those beyond its range made its largest number. */
  private heldValue(id: string, type: DataType, format: HeldPlaces['format']): string {
    const key = `${keyOf(id, type)} held`;
    const known = this.rounded.get(key);
    if (known !== undefined) return known;
    const to = this.takeName(`${this.frames.nameOf(id)}_held`);
    this.rounded.set(key, to);
    this.addHolding(this.valueIn(id, type), to, format, this.frames.of(id));
    return to;
  }

  /** Makes `to` of the FP32 tensor `from`, in the range of a format. */
  addHolding(from: string, to: string, format: HeldPlaces['format'], frame: Frame): void {
    this.roundings.held(frame.nodes, from, format, to);
  }

  /**
   * The FP32 tensor `value`, which has the values of `id`, times a factor, and rounded. Integers have a scale of their own,
   * which is found for what is not multiplied: they are rounded first.
   */
  roundedValue(value: string, id: string, rounding: TensorRounding | undefined, factor = 1): string {
    const frame = this.frames.of(id);
    const stem = this.frames.nameOf(id);
    const scaled = (from: string): string => {
      if (factor === 1) return from;
      const to = this.takeName(`${stem}_scaled`);
      this.roundings.scaled(frame.nodes, from, factor, to);
      return to;
    };
    if (rounding === undefined) return scaled(value);
    const isInteger = isQuantizing(rounding);
    const from = isInteger ? value : scaled(value);
    const to = this.takeName(`${stem}_as_${rounding.format}`);
    const dims = constantDims(this.scopes.tensors.get(id));
    this.roundings.round(frame.nodes, from, id, rounding, to, dims);
    return isInteger ? scaled(to) : to;
  }

  /** Rounds the tensor `from` to a low type: the name of the FP32 result. */
  addRounding(from: string, type: DataType, to: string, frame: Frame = this.frames.main): string {
    const low = this.addCast(from, type, this.takeName(`${to}_${dataTypeName(type)}`), frame);
    return this.addCast(low, DataType.FLOAT, to, frame);
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

  addCast(from: string, type: DataType, to: string, frame: Frame = this.frames.main): string {
    const opset = this.model.opsets.get('') ?? 1;
    frame.nodes.push(makeCast({ name: '', from, to, type, opset }));
    return to;
  }

  /** The name of the tensor with the values of an output; `after` makes what must keep name and type. */
  outputName(id: string, type: DataType, after: (() => void)[]): string {
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

  nativeValue(id: string): string {
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

  /** What is handed over a border: in FP32 where it is low and tied to what is on the other side. */
  passed(id: string, reader: number, input: number): string {
    const type = this.readType(reader, input);
    if (id === '' || type === undefined) return this.frames.nameOf(id);
    return !isLow(type) || this.passing.has(placeOf(reader, input))
      ? this.valueIn(id, type)
      : this.nativeValue(id);
  }

  /** Puts a constant into the graph when it is first read. */
  storeConstant(id: string): void {
    if (this.stored.has(id)) return;
    this.stored.add(id);
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined) return;
    const value = constantOf(tensor) ?? tensor.scope.index.initializers.get(tensor.name);
    if (value === undefined) return;
    this.frames.of(id).initializers.push(referredTensor(this.frames.nameOf(id), value, this.model));
    this.declareNative(id);
  }

  declareInput(name: string): void {
    this.stored.add(name);
    const given = this.scopes.tensors.get(name)?.scope.index.initializers.get(name);
    if (given !== undefined) this.frames.main.initializers.push(referredTensor(name, given, this.model));
    this.declareNative(name);
  }

  /** A name that stands for a tensor of the model's own type: FP32 values of a low one are cast from it. */
  declareNative(id: string): void {
    const type = this.elementType(id);
    if (!isLow(type)) return;
    const name = this.frames.nameOf(id);
    this.natives.set(keyOf(id, type), name);
    const value = this.addCast(name, DataType.FLOAT, this.takeName(`${name}_float`), this.frames.of(id));
    this.values.set(keyOf(id, type), value);
  }

  /** Makes `id` another name of `from`, whose values in `type` are in `value`. */
  alias(id: string, from: string, type: DataType | undefined, value: string): void {
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

  keepsName(id: string): boolean {
    return this.scopes.tensors.get(id)?.isFixed === true;
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
