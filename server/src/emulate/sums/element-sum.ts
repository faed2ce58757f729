/**
 * Reductions, global pools, Softmax, LogSoftmax and CumSum with what they make of elements added up one after the other. Exponentials,
 * and what they are powers of, are rounded to FP16 like the sum: where a sum of them is in FP16, so are they. Knows these
 * operators; not which layer adds up how.
 */
import { DataType, intAttribute, makeAttribute } from '../../onnx/index.js';
import type { SummedAxes } from '../../plan/index.js';
import { OperatorSum } from './operator-sum.js';
import { toType } from './sum-nodes.js';

export class ElementSum extends OperatorSum {
  writeElements(summed: SummedAxes): void {
    const { node, to } = this.parts;
    const { order, kept } = summed;
    const [input = ''] = node.inputs;
    const turned = order === undefined ? input : this.transposed(input, order);
    const flat = this.add('Flatten', [turned], [makeAttribute('axis', { kind: 'int', value: kept })]);
    // The runtime wants to know that this is a matrix, where it does not know the rank of the input.
    const rows = this.reshape(flat, [0, -1]);
    if (summed.result === 'shares' || summed.result === 'log shares') {
      const shares = this.asFloats(this.shares(rows, summed), turned, order === undefined ? to : undefined);
      if (order === undefined) return;
      const back = order.map((_, place) => order.indexOf(place));
      this.add('Transpose', [shares], [makeAttribute('perm', { kind: 'ints', value: back })], to);
      return;
    }
    const plain = this.plainResult();
    const shape = this.shapeOf(this.reshape(plain, [-1]));
    this.asFloats(this.resultOf(summed, rows, shape), plain, to);
  }

  /** What a reduction gives for each row. Quotients, roots and logarithms are rounded by whoever writes them. */
  private resultOf(summed: SummedAxes, rows: string, shape: string): string {
    const sum = this.sumOfTerms(summed, rows, shape);
    switch (summed.result) {
      case 'mean':
        return this.add('Div', [sum, this.count(rows)]);
      case 'root':
        return this.add('Sqrt', [sum]);
      case 'log':
        return this.add('Log', [sum]);
      default:
        return sum;
    }
  }

  private sumOfTerms({ terms, ...axes }: SummedAxes, rows: string, shape: string): string {
    const counted = { terms: this.termsOf(axes) };
    const operand = (tensor: string) => ({ tensor, axis: 1, spread: undefined });
    switch (terms) {
      case 'squares':
        return this.sumOf([operand(rows), operand(rows)], shape, counted);
      case 'magnitudes':
        return this.sumOf([operand(this.add('Abs', [rows]))], shape, counted);
      case 'exponentials': {
        const powers = this.add('Cast', [rows], [toType(DataType.DOUBLE)]);
        return this.sumOf([operand(this.rounded(this.add('Exp', [powers])))], shape, counted);
      }
      default:
        return this.sumOf([operand(rows)], shape, counted);
    }
  }

  /** Softmax or LogSoftmax of each row: its largest element is taken off first, so that the largest exponential is 1. */
  private shares(rows: string, summed: SummedAxes): string {
    const isLog = summed.result === 'log shares';
    const largest = this.largestOf(rows);
    const powers = this.rounded(
      this.add('Cast', [this.add('Sub', [rows, largest])], [toType(DataType.DOUBLE)]),
    );
    const terms = this.rounded(this.add('Exp', [powers]));
    const lengths = this.shapeOf(this.reshape(largest, [-1]));
    const operand = { tensor: terms, axis: 1, spread: undefined };
    const sum = this.reshape(this.sumOf([operand], lengths, { terms: this.termsOf(summed) }), [-1, 1]);
    return isLog
      ? this.add('Sub', [powers, this.rounded(this.add('Log', [sum]))])
      : this.add('Div', [terms, sum]);
  }

  /** How many elements are added up to one; undefined where a length is not known. */
  private termsOf({ order, kept }: Pick<SummedAxes, 'order' | 'kept'>): number | undefined {
    const rank = this.parts.shapes[0]?.length ?? 0;
    const axes = (order ?? Array.from({ length: rank }, (_, axis) => axis)).slice(kept);
    const terms = axes.reduce((product, axis) => product * (this.lengthOf(0, axis) ?? Number.NaN), 1);
    return rank === 0 || Number.isNaN(terms) ? undefined : terms;
  }

  /** How many columns a matrix has, in FP64. */
  private count(matrix: string): string {
    const last = this.add('Gather', [this.shapeOf(matrix), this.int(1)]);
    return this.add('Cast', [last], [toType(DataType.DOUBLE)]);
  }

  /** Each place has a sum of its own, of all elements up to it, from the first on: so do the kernels that add up in FP16. */
  writeRunning({ axis, rank }: { readonly axis: number; readonly rank: number }): void {
    const { node, to } = this.parts;
    const [input = ''] = node.inputs;
    const isReverse = intAttribute(node, 'reverse', 0) === 1;
    const isExclusive = intAttribute(node, 'exclusive', 0) === 1;
    const plain = this.plainResult();
    const length = this.add('Gather', [this.shapeOf(input), this.int(axis)]);
    const places = this.add('Range', [this.int(0), length, this.int(1)]);
    const [element, sum] = [this.reshape(places, [-1, 1]), this.reshape(places, [1, -1])];
    const [first, last] = isReverse ? [sum, element] : [element, sum];
    const counts = isExclusive
      ? this.add('Less', [first, last])
      : this.add('Not', [this.add('Less', [last, first])]);
    const mask = this.reshape(counts, [0, -1, ...Array.from({ length: rank - 1 - axis }, () => 1)]);
    const sums = this.flatSumOf(
      [
        { tensor: input, axis, spread: axis },
        { tensor: mask, axis: 0, spread: undefined, isMask: true },
      ],
      plain,
      this.lengthOf(0, axis),
    );
    this.asFloats(sums, plain, to);
  }
}
