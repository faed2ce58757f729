/**
 * What writing any operator's sums one after the other takes: what is known of its node, its own result for the shape, and sums whose
 * rank the runtime knows. Knows no operator.
 */
import type { Accumulation } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeTensorType,
  makeValueInfo,
  type Node,
  type Shape,
  type ValueInfo,
} from '../../onnx/index.js';
import type { SummedAxes, SummedLabels } from '../../plan/index.js';
import { SequentialSum, type Operand } from './sequential-sum.js';
import { toType, type SumPlace } from './sum-nodes.js';

export interface SumParts {
  /** The node as it is, with the names of what it is given. */
  readonly node: Node;
  /** Of its inputs, as far as they are known. */
  readonly shapes: readonly (Shape | undefined)[];
  /** Of Conv: the shape of the weights. */
  readonly weights: readonly number[] | undefined;
  /** Of AveragePool: how many channels it reads. */
  readonly channels: number | undefined;
  /** Of what adds up one input's elements or what it makes of them. */
  readonly summed: SummedAxes | undefined;
  /** Of CumSum: the axis that it runs along, and the rank of what it reads. */
  readonly running: { readonly axis: number; readonly rank: number } | undefined;
  /** Of Einsum. */
  readonly labels: SummedLabels | undefined;
  readonly accumulation: Accumulation;
  /** A length is known only when it runs, and may turn out to be 0. */
  readonly mayBeEmpty: boolean;
  /** Of the result, as far as it is known. */
  readonly rank: number | undefined;
  /** What the operator itself gives, where that is computed already. */
  readonly plain?: string;
  /** The name of the result. */
  readonly to: string;
}

/** A result in FP32 of a graph within the graph. */
export function floatResult(name: string, rank: number | undefined): ValueInfo {
  const shape = rank === undefined ? undefined : Array.from({ length: rank }, () => undefined);
  return makeValueInfo(name, makeTensorType(DataType.FLOAT, shape));
}

/** Writes the sums of one node. */
export class OperatorSum extends SequentialSum {
  constructor(
    protected readonly parts: SumParts,
    place: SumPlace,
  ) {
    super(parts.accumulation, parts.to, place);
  }

  /** What the operator itself gives, for its shape. */
  protected plainResult(): string {
    const { node, plain } = this.parts;
    return plain ?? this.add(node.opType, node.inputs, node.attributes);
  }

  /**
   * The sum as one row of as many numbers as `plain` has: the runtime runs no Scan of whose results it does not know the rank, as
   * it is where operands come out of a computed shape.
   */
  protected flatSumOf(operands: readonly Operand[], plain: string, terms?: number): string {
    return this.sumOf(operands, this.shapeOf(this.reshape(plain, [-1])), { isFlat: true, terms });
  }

  /** How long an axis of an input is, counted from the end where it is negative; undefined where that is not known. */
  protected lengthOf(input: number, axis: number): number | undefined {
    const length = this.parts.shapes[input]?.at(axis);
    return typeof length === 'number' ? length : undefined;
  }

  /** Values in FP64 as FP32, in the shape of `like`. */
  protected asFloats(values: string, like: string, to?: string): string {
    const floats = this.add('Cast', [values], [toType(DataType.FLOAT)]);
    const shape = this.shapeOf(like);
    return to === undefined
      ? this.add('Reshape', [floats, shape])
      : this.add('Reshape', [floats, shape], [], to);
  }

  protected transposed(tensor: string, order: readonly number[]): string {
    return this.add('Transpose', [tensor], [makeAttribute('perm', { kind: 'ints', value: order })]);
  }
}
