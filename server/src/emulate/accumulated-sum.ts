/**
 * MatMul, Gemm, Conv, AveragePool, and sums and means of elements and of squares, with their sums added up one term after the other, each partial sum rounded
 * to FP16, in one run or in chunks: the bits of `formats/accumulation`. The graph computes in FP64, in which products of FP32
 * numbers are exact, in a Scan over the axis that is summed. Slow; for analysis only. Knows these operators; not which layer adds
 * up how.
 */
import { formatInformation, type Accumulation } from '../formats/index.js';
import {
  DataType,
  floatAttribute,
  intAttribute,
  intsAttribute,
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
import type { SummedAxes, TakeName } from '../plan/index.js';

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

/** Where the windows of a convolution or a pool lie. */
const WINDOW_ATTRIBUTES: ReadonlySet<string> = new Set(['auto_pad', 'dilations', 'pads', 'strides']);

export interface SumParts {
  /** The node as it is, with the names of what it is given. */
  readonly node: Node;
  /** Ranks of its inputs, as far as they are known. */
  readonly ranks: readonly (number | undefined)[];
  /** Of Conv: the shape of the weights. */
  readonly weights: readonly number[] | undefined;
  /** Of AveragePool: how many channels it reads. */
  readonly channels: number | undefined;
  /** Of what adds up one input's elements or their squares. */
  readonly summed: SummedAxes | undefined;
  readonly accumulation: Accumulation;
  /** The name of the result. */
  readonly to: string;
}

export interface SumPlace {
  readonly opset: number;
  readonly takeName: TakeName;
  readonly nodes: Node[];
  /** Initializers of the main graph, which every scope sees. */
  readonly initializers: Tensor[];
}

/**
 * Adds the nodes that compute `to`. False where the shapes are not known well enough, and nothing is added then: a Conv whose
 * weights have no known shape, a pool of unknown channels or with windows beyond the edge, or a sum over axes that are not known
 * (`sumProblem` tells).
 */
export function addAccumulatedSum(parts: SumParts, place: SumPlace): boolean {
  if (!isKnown(parts)) return false;
  new SumWriter(parts, place).write();
  return true;
}

function isKnown({ node, weights, channels, summed }: SumParts): boolean {
  switch (node.opType) {
    case 'MatMul':
    case 'Gemm':
      return true;
    case 'Conv':
      return weights !== undefined;
    case 'AveragePool':
      return channels !== undefined && intAttribute(node, 'ceil_mode', 0) === 0;
    default:
      return summed !== undefined;
  }
}

/** An operand of the sum: the tensor, the axis that is summed, and the axis that its slices are spread along. */
interface Operand {
  readonly tensor: string;
  readonly axis: number;
  readonly spread: number | undefined;
}

class SumWriter {
  private list: Node[];

  constructor(
    private readonly parts: SumParts,
    private readonly place: SumPlace,
  ) {
    this.list = place.nodes;
  }

  write(): void {
    switch (this.parts.node.opType) {
      case 'MatMul':
        this.writeMatMul();
        return;
      case 'Gemm':
        this.writeGemm();
        return;
      case 'Conv':
        this.writeConv();
        return;
      case 'AveragePool':
        this.writeAveragePool();
        return;
      default:
        this.writeElements();
    }
  }

  private writeElements(): void {
    const { node, summed, to } = this.parts;
    const [input = ''] = node.inputs;
    if (summed === undefined) return;
    const { order, kept, squares, result } = summed;
    const turned =
      order === undefined
        ? input
        : this.add('Transpose', [input], [makeAttribute('perm', { kind: 'ints', value: order })]);
    const flat = this.add('Flatten', [turned], [makeAttribute('axis', { kind: 'int', value: kept })]);
    // The runtime wants to know that this is a matrix, where it does not know the rank of the input.
    const rows = this.reshape(flat, [0, -1]);
    const plain = this.plainResult();
    const operand = { tensor: rows, axis: 1, spread: undefined };
    const sum = this.sumOf(squares ? [operand, operand] : [operand], this.shapeOf(this.reshape(plain, [-1])));
    // Quotients and roots are rounded by whoever writes them.
    const made =
      result === 'mean'
        ? this.add('Div', [sum, this.count(rows)])
        : result === 'root'
          ? this.add('Sqrt', [sum])
          : sum;
    const values = this.add('Cast', [made], [toType(DataType.FLOAT)]);
    this.add('Reshape', [values, this.shapeOf(plain)], [], to);
  }

  /** How many columns a matrix has, in FP64. */
  private count(matrix: string): string {
    const last = this.add('Gather', [
      this.shapeOf(matrix),
      this.store(DataType.INT64, [], BigInt64Array.of(1n)),
    ]);
    return this.add('Cast', [last], [toType(DataType.DOUBLE)]);
  }

  private writeMatMul(): void {
    const [left = '', right = ''] = this.parts.node.inputs;
    const [leftRank = 2, rightRank = 2] = this.parts.ranks;
    const areMatrices = leftRank > 1 && rightRank > 1;
    const plain = this.plainResult();
    const sum = this.flatSumOf(
      [
        { tensor: left, axis: -1, spread: areMatrices ? -1 : undefined },
        { tensor: right, axis: rightRank > 1 ? -2 : -1, spread: areMatrices ? -2 : undefined },
      ],
      plain,
    );
    const values = this.add('Cast', [sum], [toType(DataType.FLOAT)]);
    this.add('Reshape', [values, this.shapeOf(plain)], [], this.parts.to);
  }

  private writeGemm(): void {
    const { node, to } = this.parts;
    const [left = '', right = '', addend = ''] = node.inputs;
    const plain = this.plainResult();
    const sum = this.flatSumOf(
      [
        { tensor: left, axis: intAttribute(node, 'transA', 0) === 1 ? 0 : 1, spread: 1 },
        { tensor: right, axis: intAttribute(node, 'transB', 0) === 1 ? 1 : 0, spread: 0 },
      ],
      plain,
    );
    const [alpha, beta] = ['alpha', 'beta'].map((name) => this.float(floatAttribute(node, name) ?? 1));
    const values = this.add('Cast', [sum], [toType(DataType.FLOAT)]);
    const product = this.add('Reshape', [values, this.shapeOf(plain)]);
    if (addend === '') {
      this.add('Mul', [product, alpha ?? ''], [], to);
      return;
    }
    const scaled = this.add('Mul', [product, alpha ?? '']);
    this.add('Add', [scaled, this.add('Mul', [addend, beta ?? ''])], [], to);
  }

  private writeConv(): void {
    const { node, weights = [], to } = this.parts;
    const [input = '', kernel = '', bias = ''] = node.inputs;
    const [outChannels = 1, groupChannels = 1, ...kernelShape] = weights;
    const group = intAttribute(node, 'group', 1);
    const places = product(kernelShape);
    const inner = groupChannels * places;
    const plain = this.plainResult();
    const patches = this.reshape(this.patches(input, groupChannels * group, kernelShape), [
      0,
      group,
      inner,
      -1,
    ]);
    const byGroup = this.reshape(kernel, [group, outChannels / group, inner]);
    const sum = this.sumOf(
      [
        { tensor: patches, axis: 2, spread: 2 },
        { tensor: byGroup, axis: 2, spread: 2 },
      ],
      this.shapeOf(this.reshape(plain, [0, group, outChannels / group, -1])),
    );
    const values = this.add('Cast', [sum], [toType(DataType.FLOAT)]);
    if (bias === '') {
      this.add('Reshape', [values, this.shapeOf(plain)], [], to);
      return;
    }
    const whole = this.add('Reshape', [values, this.shapeOf(plain)]);
    const perChannel = this.reshape(bias, [-1, ...kernelShape.map(() => 1)]);
    this.add('Add', [whole, perChannel], [], to);
  }

  private writeAveragePool(): void {
    const { node, channels = 1, to } = this.parts;
    const [input = ''] = node.inputs;
    const kernelShape = intsAttribute(node, 'kernel_shape') ?? [];
    const plain = this.plainResult();
    const windows = this.patches(input, channels, kernelShape);
    const places = this.reshape(windows, [0, channels, product(kernelShape), -1]);
    const flat = this.shapeOf(this.reshape(plain, [0, channels, -1]));
    const sum = this.sumOf([{ tensor: places, axis: 2, spread: undefined }], flat);
    const values = this.add('Cast', [sum], [toType(DataType.FLOAT)]);
    const whole = this.add('Reshape', [values, this.shapeOf(plain)]);
    this.add('Div', [whole, this.elementsIn(input, channels, kernelShape)], [], to);
  }

  /** Of how many elements a pool takes the mean: of those of its window that are there, or of all of its places. */
  private elementsIn(input: string, channels: number, kernelShape: readonly number[]): string {
    const { node } = this.parts;
    if (intAttribute(node, 'count_include_pad', 0) === 1) return this.float(product(kernelShape));
    const one = makeTensor('', DataType.FLOAT, [1], new Uint8Array(Float32Array.of(1).buffer));
    const value = makeAttribute('value', { kind: 'tensor', value: one });
    const ones = this.add('ConstantOfShape', [this.shapeOf(input)], [value]);
    const weights = new Float32Array(channels * product(kernelShape)).fill(1);
    const kernel = this.store(DataType.FLOAT, [channels, 1, ...kernelShape], weights);
    return this.add('Conv', [ones, kernel], this.windowsOf(channels));
  }

  /** The node's windows, for a convolution of each channel by itself. */
  private windowsOf(channels: number): readonly Attribute[] {
    const group = makeAttribute('group', { kind: 'int', value: channels });
    return [...this.parts.node.attributes.filter(({ name }) => WINDOW_ATTRIBUTES.has(name)), group];
  }

  /** For every channel of the input and place of the kernel what the kernel sees there: a convolution with ones in one place each. */
  private patches(input: string, channels: number, kernelShape: readonly number[]): string {
    const places = product(kernelShape);
    const ones = new Float32Array(channels * places * places);
    for (let at = 0; at < channels * places; at++) ones[at * places + (at % places)] = 1;
    const kernel = this.store(DataType.FLOAT, [channels * places, 1, ...kernelShape], ones);
    return this.add('Conv', [input, kernel], this.windowsOf(channels));
  }

  /** What the operator itself gives, for its shape. */
  private plainResult(): string {
    const { node } = this.parts;
    return this.add(node.opType, node.inputs, node.attributes);
  }

  /**
   * The sum as one row of as many numbers as `plain` has: the runtime runs no Scan of whose results it does not know the rank, as
   * it is where operands come out of a computed shape.
   */
  private flatSumOf(operands: readonly Operand[], plain: string): string {
    return this.sumOf(operands, this.shapeOf(this.reshape(plain, [-1])), true);
  }

  /** The sum of the slices of one operand, or of the products of those of two, in FP64, of the shape that is given. */
  private sumOf(operands: readonly Operand[], shape: string, isFlat = false): string {
    const { accumulation } = this.parts;
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

  private reshape(tensor: string, shape: readonly number[]): string {
    const stored = this.store(DataType.INT64, [shape.length], BigInt64Array.from(shape, BigInt));
    return this.add('Reshape', [tensor, stored]);
  }

  private shapeOf(tensor: string): string {
    return this.add('Shape', [tensor]);
  }

  private double(value: number): string {
    return this.store(DataType.DOUBLE, [], Float64Array.of(value));
  }

  private float(value: number): string {
    return this.store(DataType.FLOAT, [], Float32Array.of(value));
  }

  private store(
    type: DataType,
    dims: readonly number[],
    values: Float32Array | Float64Array | BigInt64Array,
  ): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const name = this.name();
    this.place.initializers.push(makeTensor(name, type, dims, bytes));
    return name;
  }

  private add(
    opType: string,
    inputs: readonly string[],
    attributes: readonly Attribute[] = [],
    to = this.name(),
  ): string {
    this.list.push(makeNode({ opType, inputs, outputs: [to], attributes }));
    return to;
  }

  private name(): string {
    return this.place.takeName(`${this.parts.to}_sum`);
  }
}

function toType(type: DataType): Attribute {
  return makeAttribute('to', { kind: 'int', value: type });
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}
