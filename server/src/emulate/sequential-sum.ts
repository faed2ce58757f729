/**
 * A sum along an axis of tensors, added up one term after the other, each partial sum rounded to FP16, in one run or in chunks: the bits of
 * `formats/accumulation`. The graph computes in FP64, in which products of FP32 numbers are exact, in a Scan over the axis that is
 * summed. Knows operands; which operator they are of is for those to know who extend it.
 */
import { formatInformation, type Accumulation } from '../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Attribute,
  type Node,
  type Tensor,
} from '../onnx/index.js';
import type { TakeName } from '../plan/index.js';

/** Axes of Unsqueeze were an attribute before this opset. */
const FIRST_OPSET_WITH_AXES_INPUT = 13;
/** 1.5 x 2^52: adding and taking it away rounds FP64 to whole numbers, ties to even. */
const MAGIC = 1.5 * 2 ** 52;
const BINADE_FACTOR = 2 ** 52 + 1;
const JUST_BELOW_ONE = 1 - 2 ** -53;
/** Beyond FP16, and small enough for all that is done with it. */
const LARGEST_HANDLED = 2 ** 20;
/** What makes 2^16, which follows FP16's largest number, an infinity of FP64. */
const OVERFLOW_FACTOR = 2 ** 1008;

export interface SumPlace {
  readonly opset: number;
  readonly takeName: TakeName;
  readonly nodes: Node[];
  /** Initializers of the main graph, which every scope sees. */
  readonly initializers: Tensor[];
}

/** An operand of the sum: the tensor, the axis that is summed, and the axis that its slices are spread along. */
export interface Operand {
  readonly tensor: string;
  readonly axis: number;
  readonly spread: number | undefined;
}

/** Writes the nodes of sums; `to` is what their names begin with. */
export class SequentialSum {
  private list: Node[];

  constructor(
    private readonly accumulation: Accumulation,
    private readonly to: string,
    private readonly place: SumPlace,
  ) {
    this.list = place.nodes;
  }

  /** The sum of the slices of one operand, or of the products of those of two, in FP64, of the shape that is given. */
  protected sumOf(operands: readonly Operand[], shape: string, isFlat = false): string {
    const { accumulation } = this;
    const zero = makeTensor('', DataType.DOUBLE, [1], new Uint8Array(Float64Array.of(0).buffer));
    const zeros = this.add(
      'ConstantOfShape',
      [shape],
      [makeAttribute('value', { kind: 'tensor', value: zero })],
    );
    const scanned = operands.map(({ tensor }) => this.add('Cast', [tensor], [toType(DataType.DOUBLE)]));
    const isChunked = accumulation.kind === 'chunked';
    const start = isChunked ? [zeros, zeros, this.store(DataType.INT64, [], BigInt64Array.of(0n))] : [zeros];
    const names = start.map(() => this.name());
    const body = this.body(operands, isChunked ? accumulation.length : undefined, isFlat);
    this.list.push(
      makeNode({
        opType: 'Scan',
        inputs: [...start, ...scanned],
        outputs: names,
        attributes: [
          makeAttribute('body', { kind: 'graph', value: body }),
          makeAttribute('num_scan_inputs', { kind: 'int', value: operands.length }),
          makeAttribute('scan_input_axes', { kind: 'ints', value: operands.map(({ axis }) => axis) }),
        ],
      }),
    );
    const [sum = '', total = ''] = names;
    return isChunked ? this.rounded(this.add('Add', [total, sum])) : sum;
  }

  /** One step: the product of a slice of each operand, added to the sum and rounded; where a chunk begins, its total first. */
  private body(operands: readonly Operand[], chunk: number | undefined, isFlat: boolean) {
    const outer = this.list;
    const nodes: Node[] = [];
    this.list = nodes;
    const state = (chunk === undefined ? ['sum'] : ['sum', 'total', 'place']).map(() => this.name());
    const slices = operands.map(() => this.name());
    const [sum = '', total = '', place = ''] = state;
    const spread = operands.map((operand, at) => this.spread(slices[at] ?? '', operand.spread));
    const [only = ''] = spread;
    const whole = spread.length === 1 ? only : this.add('Mul', spread);
    const term = isFlat ? this.reshape(whole, [-1]) : whole;
    const results: string[] = [];
    if (chunk === undefined) {
      results.push(this.rounded(this.add('Add', [sum, term])));
    } else {
      const isBegin = this.add('Equal', [place, this.store(DataType.INT64, [], BigInt64Array.of(0n))]);
      const soFar = this.rounded(this.add('Add', [total, sum]));
      const base = this.add('Where', [isBegin, this.double(0), sum]);
      const next = this.add('Add', [place, this.store(DataType.INT64, [], BigInt64Array.of(1n))]);
      const end = this.store(DataType.INT64, [], BigInt64Array.of(BigInt(chunk)));
      results.push(
        this.rounded(this.add('Add', [base, term])),
        this.add('Where', [isBegin, soFar, total]),
        // Mod is younger than the rest.
        this.add('Where', [
          this.add('Equal', [next, end]),
          this.store(DataType.INT64, [], BigInt64Array.of(0n)),
          next,
        ]),
      );
    }
    this.list = outer;
    const typed = (name: string, at: number) =>
      makeValueInfo(name, makeTensorType(at === 2 ? DataType.INT64 : DataType.DOUBLE, undefined));
    return makeGraph({
      name: 'partial_sum',
      nodes,
      inputs: [...state.map(typed), ...slices.map((name) => typed(name, 0))],
      outputs: results.map(typed),
    });
  }

  /** FP64 to FP16, ties to even, once: as `float-rounding.ts` has it in FP32. */
  private rounded(value: string): string {
    const { significandBits, smallestSubnormal } = formatInformation('fp16');
    const bounded = this.add('Max', [
      this.add('Min', [value, this.double(LARGEST_HANDLED)]),
      this.double(-LARGEST_HANDLED),
    ]);
    const large = this.add('Mul', [this.add('Abs', [bounded]), this.double(BINADE_FACTOR)]);
    const binade = this.add('Sub', [large, this.add('Mul', [large, this.double(JUST_BELOW_ONE)])]);
    const wanted = this.add('Mul', [binade, this.double(MAGIC * 2 ** -significandBits)]);
    const magic = this.add('Max', [wanted, this.double(MAGIC * smallestSubnormal)]);
    const nearest = this.add('Sub', [this.add('Add', [bounded, magic]), magic]);
    const beyond = this.add('Mul', [nearest, this.double(OVERFLOW_FACTOR)]);
    const held = this.add('Mul', [beyond, this.double(1 / OVERFLOW_FACTOR)]);
    return this.add('Where', [this.add('IsNaN', [value]), value, held]);
  }

  private spread(slice: string, axis: number | undefined): string {
    if (axis === undefined) return slice;
    if (this.place.opset >= FIRST_OPSET_WITH_AXES_INPUT) {
      return this.add('Unsqueeze', [slice, this.store(DataType.INT64, [1], BigInt64Array.of(BigInt(axis)))]);
    }
    return this.add('Unsqueeze', [slice], [makeAttribute('axes', { kind: 'ints', value: [axis] })]);
  }

  protected reshape(tensor: string, shape: readonly number[]): string {
    const stored = this.store(DataType.INT64, [shape.length], BigInt64Array.from(shape, BigInt));
    return this.add('Reshape', [tensor, stored]);
  }

  protected shapeOf(tensor: string): string {
    return this.add('Shape', [tensor]);
  }

  private double(value: number): string {
    return this.store(DataType.DOUBLE, [], Float64Array.of(value));
  }

  protected float(value: number): string {
    return this.store(DataType.FLOAT, [], Float32Array.of(value));
  }

  protected store(
    type: DataType,
    dims: readonly number[],
    values: Float32Array | Float64Array | BigInt64Array,
  ): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const name = this.name();
    this.place.initializers.push(makeTensor(name, type, dims, bytes));
    return name;
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

  private name(): string {
    return this.place.takeName(`${this.to}_sum`);
  }
}

/** What a Cast casts to. */
export function toType(type: DataType): Attribute {
  return makeAttribute('to', { kind: 'int', value: type });
}
