/**
 * Writes nodes of a backward graph so that they are valid at the model's own opset: where the standard moved axes from an
 * attribute to an input, or added an operator late, the difference is here. Knows versions of operators, and no derivative.
 */
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensor,
  type Attribute,
  type Node,
  type Tensor,
} from '../onnx/index.js';

/** A whole number is an int, a list of them ints; floats say so. */
export type AttributeValue =
  number | string | readonly number[] | { readonly float: number } | { readonly floats: readonly number[] };
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Where an emitter writes; one for a whole backward graph. */
export interface Emission {
  readonly nodes: Node[];
  readonly initializers: Tensor[];
  /** Constants that exist, by what they hold. */
  readonly constants: Map<string, string>;
  /** A name that nothing else has. */
  readonly newName: (hint: string) => string;
  readonly opset: number;
  readonly probes: number;
}

/** From these opsets on. */
const SINCE = {
  expand: 8,
  where: 9,
  sliceInputs: 10,
  padInputs: 11,
  reduceSumInputs: 13,
  reshapeWithZeros: 14,
  reduceInputs: 18,
};

export class Emitter {
  constructor(
    private readonly emission: Emission,
    /** Of the floating constants that are made. */
    readonly type: DataType,
  ) {}

  get opset(): number {
    return this.emission.opset;
  }

  get probes(): number {
    return this.emission.probes;
  }

  /** A node with one output, whose name is returned. `opType` may have a domain before it: `com.microsoft.FastGelu`. */
  op(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const [output = ''] = this.ops(opType, inputs, 1, attributes);
    return output;
  }

  /** A node with several outputs. */
  ops(
    opType: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Attributes = {},
  ): readonly string[] {
    const dot = opType.lastIndexOf('.');
    const name = opType.slice(dot + 1);
    const names = Array.from({ length: outputs }, () => this.emission.newName(name));
    this.emission.nodes.push(
      makeNode({
        opType: name,
        domain: dot < 0 ? '' : opType.slice(0, dot),
        inputs,
        outputs: names,
        attributes: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
      }),
    );
    return names;
  }

  /**
   * A node of the model again, with other inputs and outputs of its own, and under its own attributes except those given: a
   * value replaces, undefined leaves out.
   */
  copyOf(
    node: Node,
    inputs: readonly string[],
    outputs: number,
    changes: Readonly<Record<string, AttributeValue | undefined>> = {},
  ): readonly string[] {
    const names = Array.from({ length: outputs }, () => this.emission.newName(node.opType));
    const kept = node.attributes.filter(({ name }) => !(name in changes));
    const made = Object.entries(changes).flatMap(([key, value]) =>
      value === undefined ? [] : [attributeOf(key, value)],
    );
    const { opType, domain, overload } = node;
    this.emission.nodes.push(
      makeNode({ opType, domain, overload, inputs, outputs: names, attributes: [...kept, ...made] }),
    );
    return names;
  }

  // Constants

  /** A stored tensor in C order; the same content is stored once. */
  constant(values: readonly number[], shape: readonly number[], type: DataType = this.type): string {
    const key = `${type}:${shape.join()}:${values.map((value) => (Object.is(value, -0) ? '-0' : value)).join()}`;
    const known = this.emission.constants.get(key);
    if (known !== undefined) return known;
    const name = this.emission.newName('constant');
    this.emission.constants.set(key, name);
    this.emission.initializers.push(makeTensor(name, type, shape, bytesOf(values, type)));
    return name;
  }

  /** An INT64 vector: a shape, axes, indexes. */
  integers(values: readonly number[]): string {
    return this.constant(values, [values.length], DataType.INT64);
  }

  scalar(value: number): string {
    return this.constant([value], []);
  }

  /** A tensor filled with one value, made in the run: it takes no room in the model. */
  filled(value: number, shape: readonly number[]): string {
    return this.expand(this.scalar(value), [], shape);
  }

  // Arithmetic; operands broadcast as in the standard

  add(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  sub(a: string, b: string): string {
    return this.op('Sub', [a, b]);
  }

  mul(a: string, b: string): string {
    return this.op('Mul', [a, b]);
  }

  div(a: string, b: string): string {
    return this.op('Div', [a, b]);
  }

  neg(a: string): string {
    return this.op('Neg', [a]);
  }

  /** x times a number. */
  scale(x: string, factor: number): string {
    return factor === 1 ? x : this.mul(x, this.scalar(factor));
  }

  /** x plus a number. */
  plus(x: string, addend: number): string {
    return addend === 0 ? x : this.add(x, this.scalar(addend));
  }

  square(x: string): string {
    return this.mul(x, x);
  }

  /** The sum of tensors of one shape; undefined if there are none. */
  sum(terms: readonly string[]): string | undefined {
    return terms.length > 1 ? this.op('Sum', terms) : terms[0];
  }

  matMul(a: string, b: string): string {
    return this.op('MatMul', [a, b]);
  }

  cast(x: string, type: DataType): string {
    return this.op('Cast', [x], { to: type });
  }

  // Choices

  greater(a: string, b: string): string {
    return this.op('Greater', [a, b]);
  }

  less(a: string, b: string): string {
    return this.op('Less', [a, b]);
  }

  /** a >= b; true where either is NaN. */
  atLeast(a: string, b: string): string {
    return this.op('Not', [this.less(a, b)]);
  }

  /** Booleans as 0 and 1 of the emitter's type. */
  mask(condition: string): string {
    return this.cast(condition, this.type);
  }

  /** -1, 0 or 1. */
  sign(x: string): string {
    const zero = this.scalar(0);
    return this.sub(this.mask(this.greater(x, zero)), this.mask(this.less(x, zero)));
  }

  /** `a` where the condition holds, `b` elsewhere. Before opset 9 by products, which infinities do not survive. */
  select(condition: string, a: string, b: string): string {
    if (this.opset >= SINCE.where) return this.op('Where', [condition, a, b]);
    const mask = this.mask(condition);
    const other = this.mask(this.op('Not', [condition]));
    return this.add(this.mul(a, mask), this.mul(b, other));
  }

  /** Zero where the condition does not hold. */
  keepWhere(condition: string, x: string): string {
    return this.opset >= SINCE.where
      ? this.op('Where', [condition, x, this.scalar(0)])
      : this.mul(x, this.mask(condition));
  }

  // Layout

  reshape(x: string, shape: readonly number[]): string {
    const isEmpty = shape.includes(0) && this.opset >= SINCE.reshapeWithZeros;
    return this.op('Reshape', [x, this.integers(shape)], isEmpty ? { allowzero: 1 } : {});
  }

  transpose(x: string, perm: readonly number[]): string {
    return perm.every((axis, at) => axis === at) ? x : this.op('Transpose', [x], { perm });
  }

  concat(parts: readonly string[], axis: number): string {
    return parts.length === 1 ? (parts[0] ?? '') : this.op('Concat', parts, { axis });
  }

  /** Equal parts of these lengths along an axis. */
  split(x: string, axis: number, lengths: readonly number[]): readonly string[] {
    let start = 0;
    return lengths.map((length) => {
      const part = this.slice(x, [start], [start + length], [axis]);
      start += length;
      return part;
    });
  }

  /** Bounds as in the standard; `steps` other than 1 need opset 10. */
  slice(
    x: string,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps?: readonly number[],
  ): string {
    if (this.opset < SINCE.sliceInputs) return this.op('Slice', [x], { starts, ends, axes });
    const inputs = [x, this.integers(starts), this.integers(ends), this.integers(axes)];
    return this.op('Slice', steps === undefined ? inputs : [...inputs, this.integers(steps)]);
  }

  /** `pads`: what is put before each axis, then what is put behind each; negative to take away. */
  pad(x: string, pads: readonly number[], value = 0): string {
    if (pads.every((pad) => pad === 0)) return x;
    if (this.opset < SINCE.padInputs) return this.op('Pad', [x], { pads, value: { float: value } });
    return this.op('Pad', [x, this.integers(pads), this.scalar(value)]);
  }

  /** Broadcast from shape `from` to shape `to`, as the standard broadcasts. */
  expand(x: string, from: readonly number[], to: readonly number[]): string {
    if (sameShape(from, to)) return x;
    if (this.opset >= SINCE.expand) return this.op('Expand', [x, this.integers(to)]);
    const aligned = alignedShape(from, to.length);
    const repeats = to.map((size, axis) => (aligned[axis] === size ? 1 : size));
    const whole = sameShape(from, aligned) ? x : this.reshape(x, aligned);
    return to.length === 0 ? whole : this.op('Tile', [whole, this.integers(repeats)]);
  }

  /** A tensor of the forward graph, of this shape, once for each probe: [K, ...shape]. */
  forEachProbe(x: string, shape: readonly number[]): string {
    return this.expand(x, shape, [this.probes, ...shape]);
  }

  // Sums

  reduceSum(x: string, axes: readonly number[], keepDims: boolean): string {
    return this.reduce('ReduceSum', x, axes, keepDims);
  }

  /** ReduceSum, ReduceMean, ReduceMax ...; without axes nothing is reduced. */
  reduce(opType: string, x: string, axes: readonly number[], keepDims: boolean): string {
    if (axes.length === 0) return x;
    const since = opType === 'ReduceSum' ? SINCE.reduceSumInputs : SINCE.reduceInputs;
    const keepdims = keepDims ? 1 : 0;
    if (this.opset < since) return this.op(opType, [x], { axes, keepdims });
    return this.op(opType, [x, this.integers(axes)], { keepdims });
  }

  /**
   * The gradient of an operand that was broadcast: from [K, ...from], the shape of the result, to [K, ...to], that of the
   * operand, by summing over what was repeated.
   */
  unbroadcast(gradient: string, from: readonly number[], to: readonly number[]): string {
    if (sameShape(from, to)) return gradient;
    const aligned = alignedShape(to, from.length);
    const axes = from.flatMap((size, axis) => (aligned[axis] === size ? [] : [axis + 1]));
    const summed = this.reduceSum(gradient, axes, true);
    return sameShape(aligned, to) ? summed : this.reshape(summed, [this.probes, ...to]);
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The shape with ones before it, up to a rank. */
export function alignedShape(shape: readonly number[], rank: number): readonly number[] {
  return [...Array.from({ length: Math.max(0, rank - shape.length) }, () => 1), ...shape];
}

/** How many elements a shape has. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** 0, 1 ... up to but without `count`. */
export function range(count: number, from = 0): readonly number[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => from + index);
}

function attributeOf(name: string, value: AttributeValue): Attribute {
  if (typeof value === 'number') return makeAttribute(name, { kind: 'int', value });
  if (typeof value === 'string') return makeAttribute(name, { kind: 'string', value });
  if (!isRecord(value)) return makeAttribute(name, { kind: 'ints', value });
  if ('float' in value) return makeAttribute(name, { kind: 'float', value: value.float });
  return makeAttribute(name, { kind: 'floats', value: value.floats });
}

function isRecord<Value extends object>(
  value: Value | readonly number[],
): value is Exclude<Value, readonly number[]> {
  return !Array.isArray(value);
}

function bytesOf(values: readonly number[], type: DataType): Uint8Array {
  switch (type) {
    case DataType.INT64:
      return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
    case DataType.INT32:
      return new Uint8Array(Int32Array.from(values).buffer);
    case DataType.BOOL:
      return Uint8Array.from(values);
    case DataType.DOUBLE:
      return new Uint8Array(Float64Array.from(values).buffer);
    default:
      return new Uint8Array(Float32Array.from(values).buffer);
  }
}
