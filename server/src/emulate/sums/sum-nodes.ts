/**
 * Nodes that graphs of sums are written from: constants, shapes, and rounding to FP16 in FP64. Knows operators of ONNX and which opset
 * has them in which form; not what is added up.
 */
import { formatInformation } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensor,
  type Attribute,
  type Node,
  type Tensor,
} from '../../onnx/index.js';
import type { TakeName } from '../../plan/index.js';

/** Axes of Unsqueeze were an attribute before this opset. */
const FIRST_OPSET_WITH_AXES_INPUT = 13;
/** Axes of ReduceMax were an attribute before this opset. */
const FIRST_OPSET_WITH_REDUCED_AXES_INPUT = 18;
/** Places of Slice were attributes before this opset. */
const FIRST_OPSET_WITH_SLICE_INPUTS = 10;
/** 1.5 x 2^52: adding and taking it away rounds FP64 to whole numbers, ties to even. */
const MAGIC = 1.5 * 2 ** 52;
const BINADE_FACTOR = 2 ** 52 + 1;
const JUST_BELOW_ONE = 1 - 2 ** -53;
/** Beyond FP16, and small enough for all that is done with it. */
const LARGEST_HANDLED = 2 ** 20;
/** What makes 2^16, which follows FP16's largest number, an infinity of FP64. */
const OVERFLOW_FACTOR = 2 ** 1008;
/** Draws are below 1, in the FP32 numbers that attributes are. */
const LARGEST_DRAW = 1 - 2 ** -22;

export interface SumPlace {
  readonly opset: number;
  readonly takeName: TakeName;
  readonly nodes: Node[];
  /** Initializers of the main graph, which every scope sees. */
  readonly initializers: Tensor[];
  /** Where partial sums are rounded by chance: a seed for each place that draws. Left out, they are rounded to the nearest. */
  readonly nextSeed?: (() => number) | undefined;
}

/** Writes nodes to a list; `to` is what the names of their results begin with. */
export class SumNodes {
  /** Where nodes go: to the place's, or into a graph within the graph while that is written. */
  protected list: Node[];

  constructor(
    private readonly to: string,
    protected readonly place: SumPlace,
  ) {
    this.list = place.nodes;
  }

  protected zeros(shape: string, type: DataType.DOUBLE | DataType.BOOL = DataType.DOUBLE): string {
    const zero = makeTensor('', type, [1], new Uint8Array(type === DataType.BOOL ? 1 : 8));
    return this.add('ConstantOfShape', [shape], [makeAttribute('value', { kind: 'tensor', value: zero })]);
  }

  protected joined(...tensors: readonly string[]): string {
    return this.add('Concat', tensors, [makeAttribute('axis', { kind: 'int', value: 0 })]);
  }

  /** What stands at these places of the first axis. */
  protected slice(tensor: string, from: number, to: number): string {
    if (this.place.opset >= FIRST_OPSET_WITH_SLICE_INPUTS) {
      const [start, end] = [from, to].map((at) =>
        this.store(DataType.INT64, [1], BigInt64Array.of(BigInt(at))),
      );
      const axes = this.store(DataType.INT64, [1], BigInt64Array.of(0n));
      return this.add('Slice', [tensor, start ?? '', end ?? '', axes]);
    }
    const ints = (name: string, at: number) => makeAttribute(name, { kind: 'ints', value: [at] });
    return this.add('Slice', [tensor], [ints('starts', from), ints('ends', to), ints('axes', 0)]);
  }

  /**
   * FP64 to FP16 once, as `float-rounding.ts` has it in FP32: to the nearest, ties to even, or to one of the two neighbours, as often
   * as the value is near to it.
   */
  protected rounded(value: string): string {
    const { significandBits, smallestSubnormal } = formatInformation('fp16');
    const bounded = this.add('Max', [
      this.add('Min', [value, this.double(LARGEST_HANDLED)]),
      this.double(-LARGEST_HANDLED),
    ]);
    const large = this.add('Mul', [this.add('Abs', [bounded]), this.double(BINADE_FACTOR)]);
    const binade = this.add('Sub', [large, this.add('Mul', [large, this.double(JUST_BELOW_ONE)])]);
    const wanted = this.add('Mul', [binade, this.double(2 ** -significandBits)]);
    const spacing = this.add('Max', [wanted, this.double(smallestSubnormal)]);
    const { nextSeed } = this.place;
    const whole =
      nextSeed === undefined ? this.nearest(bounded, spacing) : this.drawn(bounded, spacing, nextSeed());
    const beyond = this.add('Mul', [whole, this.double(OVERFLOW_FACTOR)]);
    const held = this.add('Mul', [beyond, this.double(1 / OVERFLOW_FACTOR)]);
    return this.add('Where', [this.add('IsNaN', [value]), value, held]);
  }

  /** The multiple of a spacing that is nearest, ties to even. */
  private nearest(value: string, spacing: string): string {
    const magic = this.add('Mul', [spacing, this.double(MAGIC)]);
    return this.add('Sub', [this.add('Add', [value, magic]), magic]);
  }

  /** The multiple of a spacing below, or the one above as often as what is left over is near to it. */
  private drawn(value: string, spacing: string, seed: number): string {
    const float = (name: string, of: number) => makeAttribute(name, { kind: 'float', value: of });
    const draw = this.add(
      'RandomUniformLike',
      [value],
      [
        float('low', 0),
        float('high', LARGEST_DRAW),
        float('seed', seed),
        typeAttribute('dtype', DataType.DOUBLE),
      ],
    );
    const steps = this.add('Div', [value, spacing]);
    const below = this.add('Floor', [steps]);
    const rest = this.add('Sub', [steps, below]);
    const more = this.add('Floor', [this.add('Add', [rest, draw])]);
    return this.add('Mul', [this.add('Add', [below, more]), spacing]);
  }

  protected spread(slice: string, axis: number | undefined): string {
    if (axis === undefined) return slice;
    if (this.place.opset >= FIRST_OPSET_WITH_AXES_INPUT) {
      return this.add('Unsqueeze', [slice, this.store(DataType.INT64, [1], BigInt64Array.of(BigInt(axis)))]);
    }
    return this.add('Unsqueeze', [slice], [makeAttribute('axes', { kind: 'ints', value: [axis] })]);
  }

  /** The largest of each row of a matrix, as a column. */
  protected largestOf(rows: string): string {
    if (this.place.opset >= FIRST_OPSET_WITH_REDUCED_AXES_INPUT) {
      return this.add('ReduceMax', [rows, this.store(DataType.INT64, [1], BigInt64Array.of(1n))]);
    }
    return this.add('ReduceMax', [rows], [makeAttribute('axes', { kind: 'ints', value: [1] })]);
  }

  protected reshape(tensor: string, shape: readonly number[]): string {
    const stored = this.store(DataType.INT64, [shape.length], BigInt64Array.from(shape, BigInt));
    return this.add('Reshape', [tensor, stored]);
  }

  protected shapeOf(tensor: string): string {
    return this.add('Shape', [tensor]);
  }

  protected double(value: number): string {
    return this.store(DataType.DOUBLE, [], Float64Array.of(value));
  }

  protected int(value: number): string {
    return this.store(DataType.INT64, [], BigInt64Array.of(BigInt(value)));
  }

  protected float(value: number): string {
    return this.store(DataType.FLOAT, [], Float32Array.of(value));
  }

  protected store(
    type: DataType,
    dims: readonly number[],
    values: Float32Array | Float64Array | BigInt64Array,
  ): string {
    return storeIn(this.place, this.name(), type, dims, values);
  }

  protected add(
    opType: string,
    inputs: readonly string[],
    attributes: readonly Attribute[] = [],
    to = this.name(),
  ): string {
    this.list.push(makeNode({ opType, inputs, outputs: [to], attributes }));
    return to;
  }

  protected name(): string {
    return this.place.takeName(`${this.to}_sum`);
  }
}

/** A constant of the main graph; gives its name back. */
export function storeIn(
  { initializers }: Pick<SumPlace, 'initializers'>,
  name: string,
  type: DataType,
  dims: readonly number[],
  values: Float32Array | Float64Array | BigInt64Array,
): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  initializers.push(makeTensor(name, type, dims, bytes));
  return name;
}

/** What a Cast casts to. */
export function toType(type: DataType): Attribute {
  return typeAttribute('to', type);
}

function typeAttribute(name: string, type: DataType): Attribute {
  return makeAttribute(name, { kind: 'int', value: type });
}
