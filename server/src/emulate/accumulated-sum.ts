/**
 * MatMul, Gemm, Conv, AveragePool, and sums and means of elements and of squares, with their sums added up one term after the other, as
 * sequential-sum.ts does. Slow; for analysis only. Knows these operators; not which layer adds up how.
 */
import type { Accumulation } from '../formats/index.js';
import {
  DataType,
  floatAttribute,
  intAttribute,
  intsAttribute,
  makeAttribute,
  makeTensor,
  type Attribute,
  type Node,
} from '../onnx/index.js';
import type { SummedAxes } from '../plan/index.js';
import { SequentialSum, toType, type Operand, type SumPlace } from './sequential-sum.js';

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

class SumWriter extends SequentialSum {
  constructor(
    private readonly parts: SumParts,
    place: SumPlace,
  ) {
    super(parts.accumulation, parts.to, place);
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
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}
