/**
 * A sum along an axis of tensors, added up one term after the other, each partial sum rounded to FP16, in one run, in chunks or
 * side by side: the bits of `formats/accumulation`. The graph computes in FP64, in which products of FP32 numbers are exact, in a Scan over the axis that is
 * summed. Knows operands; which operator they are of is for those to know who extend it.
 */
import { formatInformation, type Accumulation } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Attribute,
  type Graph,
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

/** What a sum in chunks carries third. */
const PLACE_IN_CHUNK = 2;
/** The end of a slice of a shape that goes up to its last axis. */
const BEYOND_LAST_AXIS = 2 ** 31 - 1;

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
  /** Of booleans: which slices of the other operand count. No product would do: an infinite value times 0 is not 0. */
  readonly isMask?: true;
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

  /** The sum of the slices of one operand, or of the products of those of two or more, in FP64, of the shape that is given. */
  protected sumOf(operands: readonly Operand[], shape: string, isFlat = false): string {
    const { accumulation } = this;
    const zeros = this.zeros(shape);
    const scanned = operands.map((operand) =>
      operand.isMask === true
        ? operand
        : { ...operand, tensor: this.add('Cast', [operand.tensor], [toType(DataType.DOUBLE)]) },
    );
    if (accumulation.kind === 'lanes') {
      // The runtime wants to know the rank of what is scanned, and does not know it of what is laid out in lanes.
      const sums = this.lanes(scanned, this.reshape(zeros, [-1]), accumulation.count);
      const sum = this.ofLanes(sums, accumulation.count);
      return isFlat ? sum : this.add('Reshape', [sum, shape]);
    }
    const [sum = '', total = ''] = this.scan(scanned, zeros, isFlat);
    return accumulation.kind === 'chunked' ? this.rounded(this.add('Add', [total, sum])) : sum;
  }

  private zeros(shape: string, type: DataType.DOUBLE | DataType.BOOL = DataType.DOUBLE): string {
    const zero = makeTensor('', type, [1], new Uint8Array(type === DataType.BOOL ? 1 : 8));
    return this.add('ConstantOfShape', [shape], [makeAttribute('value', { kind: 'tensor', value: zero })]);
  }

  /** One term after the other; what the last step leaves. */
  private scan(operands: readonly Operand[], zeros: string, isFlat: boolean): readonly string[] {
    const start = this.accumulation.kind === 'chunked' ? [zeros, zeros, this.int(0)] : [zeros];
    const names = start.map(() => this.name());
    this.addScan(start, operands, names, this.body(start.length, operands, isFlat));
    return names;
  }

  private addScan(
    start: readonly string[],
    operands: readonly Pick<Operand, 'tensor' | 'axis'>[],
    names: readonly string[],
    body: Graph,
  ): void {
    this.list.push(
      makeNode({
        opType: 'Scan',
        inputs: [...start, ...operands.map(({ tensor }) => tensor)],
        outputs: names,
        attributes: [
          makeAttribute('body', { kind: 'graph', value: body }),
          makeAttribute('num_scan_inputs', { kind: 'int', value: operands.length }),
          makeAttribute('scan_input_axes', { kind: 'ints', value: operands.map(({ axis }) => axis) }),
        ],
      }),
    );
  }

  /**
   * The sum of each lane in a row of its own: one lane after the other, so that no more than one sum is carried from term to term.
   * Terms of 0 fill up the last of each lane, and change no sum.
   */
  private lanes(operands: readonly Operand[], zeros: string, count: number): string {
    const scanned = operands.map((operand) => ({
      tensor: this.inLanes(operand, count),
      axis: operand.axis < 0 ? operand.axis : operand.axis + 1,
    }));
    const slices = operands.map(() => this.name());
    const outer = this.list;
    const nodes: Node[] = [];
    this.list = nodes;
    const own = operands.map((operand, at) => ({ ...operand, tensor: slices[at] ?? '' }));
    const results = this.scan(own, zeros, true);
    this.list = outer;
    const sums = this.name();
    this.addScan(
      [],
      scanned,
      [sums],
      makeGraph({
        name: 'lane',
        nodes,
        inputs: slices.map((name, at) => typed(name, typeOf(operands[at]))),
        outputs: results.map((name) => typed(name, DataType.DOUBLE)),
      }),
    );
    return sums;
  }

  /** An operand with an axis of lanes after the one that is summed, and as many zeros at its end as that takes: one step at least. */
  private inLanes({ tensor, axis, isMask }: Operand, count: number): string {
    const one = (value: number) => this.store(DataType.INT64, [1], BigInt64Array.of(BigInt(value)));
    const shape = this.shapeOf(tensor);
    const length = this.add('Gather', [shape, one(axis)]);
    const lanes = one(count);
    const needed = this.add('Div', [this.add('Add', [length, one(count - 1)]), lanes]);
    const steps = this.add('Where', [this.add('Equal', [length, one(0)]), one(1), needed]);
    const missing = this.add('Sub', [this.add('Mul', [steps, lanes]), length]);
    const before = axis === 0 ? [] : [this.slice(shape, 0, axis)];
    const after = axis === -1 ? [] : [this.slice(shape, axis + 1, BEYOND_LAST_AXIS)];
    const filling = this.zeros(
      this.joined(...before, missing, ...after),
      isMask === true ? DataType.BOOL : DataType.DOUBLE,
    );
    const filled = this.add(
      'Concat',
      [tensor, filling],
      [makeAttribute('axis', { kind: 'int', value: axis })],
    );
    return this.add('Reshape', [filled, this.joined(...before, steps, lanes, ...after)]);
  }

  /** One step: the product of a slice of each operand, added to the sum and rounded. */
  private body(stateLength: number, operands: readonly Operand[], isFlat: boolean): Graph {
    const outer = this.list;
    const nodes: Node[] = [];
    this.list = nodes;
    const state = Array.from({ length: stateLength }, () => this.name());
    const slices = operands.map(() => this.name());
    const term = this.term(operands, slices, isFlat);
    const results = this.step(state, term);
    this.list = outer;
    const stateType = (at: number) => (at === PLACE_IN_CHUNK ? DataType.INT64 : DataType.DOUBLE);
    return makeGraph({
      name: 'partial_sum',
      nodes,
      inputs: [
        ...state.map((name, at) => typed(name, stateType(at))),
        ...slices.map((name, at) => typed(name, typeOf(operands[at]))),
      ],
      outputs: results.map((name, at) => typed(name, stateType(at))),
    });
  }

  private term(operands: readonly Operand[], slices: readonly string[], isFlat: boolean): string {
    let whole: string | undefined;
    for (const [at, operand] of operands.entries()) {
      const slice = this.spread(slices[at] ?? '', operand.spread);
      if (whole === undefined) whole = slice;
      else if (operand.isMask === true) whole = this.add('Where', [slice, whole, this.double(0)]);
      else whole = this.add('Mul', [whole, slice]);
    }
    return isFlat ? this.reshape(whole ?? '', [-1]) : (whole ?? '');
  }

  /** The state with one more term: a sum; of chunks also their total, and the place in the chunk. */
  private step(state: readonly string[], term: string): readonly string[] {
    const { accumulation } = this;
    const [sum = '', total = '', place = ''] = state;
    if (accumulation.kind !== 'chunked') return [this.rounded(this.add('Add', [sum, term]))];
    // Where a chunk begins, its predecessor's sum goes to the total first.
    const isBegin = this.add('Equal', [place, this.int(0)]);
    const soFar = this.rounded(this.add('Add', [total, sum]));
    const base = this.add('Where', [isBegin, this.double(0), sum]);
    return [
      this.rounded(this.add('Add', [base, term])),
      this.add('Where', [isBegin, soFar, total]),
      this.next(place, accumulation.length),
    ];
  }

  /** The number that follows, and 0 after the last. Mod is younger than the rest. */
  private next(place: string, count: number): string {
    const after = this.add('Add', [place, this.int(1)]);
    return this.add('Where', [this.add('Equal', [after, this.int(count)]), this.int(0), after]);
  }

  protected joined(...tensors: readonly string[]): string {
    return this.add('Concat', tensors, [makeAttribute('axis', { kind: 'int', value: 0 })]);
  }

  /** The sum of sums side by side: the second half to the first, until one is left. */
  private ofLanes(lanes: string, count: number): string {
    let left = lanes;
    for (let many = count; many > 1; many = Math.ceil(many / 2)) {
      const half = Math.ceil(many / 2);
      const pairs = Math.floor(many / 2);
      const sums = this.rounded(this.add('Add', [this.slice(left, 0, pairs), this.slice(left, half, many)]));
      left = pairs === half ? sums : this.joined(sums, this.slice(left, pairs, half));
    }
    return this.add('Gather', [left, this.int(0)]);
  }

  /** What stands at these places of the first axis. */
  private slice(tensor: string, from: number, to: number): string {
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

  /** FP64 to FP16, ties to even, once: as `float-rounding.ts` has it in FP32. */
  protected rounded(value: string): string {
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

  private double(value: number): string {
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

function typeOf(operand: Operand | undefined): DataType {
  return operand?.isMask === true ? DataType.BOOL : DataType.DOUBLE;
}

/** What a graph within the graph is given or gives, of any shape. */
function typed(name: string, type: DataType) {
  return makeValueInfo(name, makeTensorType(type, undefined));
}

/** What a Cast casts to. */
export function toType(type: DataType): Attribute {
  return makeAttribute('to', { kind: 'int', value: type });
}
