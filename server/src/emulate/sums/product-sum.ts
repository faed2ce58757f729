/**
 * MatMul, Gemm and Einsum with their sums of products added up one after the other. Knows these three; not which layer adds up how.
 */
import { DataType, floatAttribute, intAttribute } from '../../onnx/index.js';
import type { SummedLabels } from '../../plan/index.js';
import { OperatorSum } from './operator-sum.js';

export class ProductSum extends OperatorSum {
  writeMatMul(): void {
    const [left = '', right = ''] = this.parts.node.inputs;
    const [leftRank = 2, rightRank = 2] = this.parts.shapes.map((shape) => shape?.length);
    const areMatrices = leftRank > 1 && rightRank > 1;
    const plain = this.plainResult();
    const sum = this.flatSumOf(
      [
        { tensor: left, axis: -1, spread: areMatrices ? -1 : undefined },
        { tensor: right, axis: rightRank > 1 ? -2 : -1, spread: areMatrices ? -2 : undefined },
      ],
      plain,
      this.lengthOf(0, -1) ?? this.lengthOf(1, rightRank > 1 ? -2 : -1),
    );
    this.asFloats(sum, plain, this.parts.to);
  }

  writeGemm(): void {
    const { node, to } = this.parts;
    const [left = '', right = '', addend = ''] = node.inputs;
    const plain = this.plainResult();
    const [ofLeft, ofRight] = [
      intAttribute(node, 'transA', 0) === 1 ? 0 : 1,
      intAttribute(node, 'transB', 0) === 1 ? 1 : 0,
    ];
    const sum = this.flatSumOf(
      [
        { tensor: left, axis: ofLeft, spread: 1 },
        { tensor: right, axis: ofRight, spread: 0 },
      ],
      plain,
      this.lengthOf(0, ofLeft) ?? this.lengthOf(1, ofRight),
    );
    const [alpha, beta] = ['alpha', 'beta'].map((name) => this.float(floatAttribute(node, name) ?? 1));
    const product = this.asFloats(sum, plain);
    if (addend === '') {
      this.add('Mul', [product, alpha ?? ''], [], to);
      return;
    }
    const scaled = this.add('Mul', [product, alpha ?? '']);
    this.add('Add', [scaled, this.add('Mul', [addend, beta ?? ''])], [], to);
  }

  /** All labels that are summed become one last axis of each operand, in which the first label is the outermost. */
  writeEinsum(labels: SummedLabels): void {
    const { node, to } = this.parts;
    const plain = this.plainResult();
    const sizes = new Map<string, string>();
    labels.operands.forEach((own, operand) => {
      const shape = this.shapeOf(node.inputs[operand] ?? '');
      own.forEach((label, axis) => {
        const size = this.at(shape, axis);
        const before = sizes.get(label);
        // What is 1 here may be more elsewhere.
        sizes.set(label, before === undefined ? size : this.add('Max', [before, size]));
      });
    });
    const kept = labels.output.length;
    const operands = labels.operands.map((own, operand) => {
      const tensor = this.aligned(node.inputs[operand] ?? '', own, labels, sizes);
      return { tensor, axis: kept, spread: undefined };
    });
    this.asFloats(this.flatSumOf(operands, plain, this.termsOf(labels)), plain, to);
  }

  /** How many products an element of the result has; undefined where a length is not known. */
  private termsOf({ operands, summed }: SummedLabels): number | undefined {
    const lengths = summed.map((label) =>
      operands.flatMap((own, at) => (own.includes(label) ? [this.lengthOf(at, own.indexOf(label))] : [])),
    );
    // What is 1 in one operand may be more in another.
    const known = lengths.map((own) => (own.includes(undefined) ? Number.NaN : Math.max(...own.map(Number))));
    const terms = known.reduce((product, length) => product * length, 1);
    return Number.isNaN(terms) ? undefined : terms;
  }

  /** An operand with an axis for each label of the output, 1 where it has none of it, and one for all that is summed. */
  private aligned(
    tensor: string,
    own: readonly string[],
    { output, summed }: SummedLabels,
    sizes: ReadonlyMap<string, string>,
  ): string {
    const order = [...output, ...summed].flatMap((label) =>
      own.includes(label) ? [own.indexOf(label)] : [],
    );
    const turned = order.every((axis, at) => axis === at) ? tensor : this.transposed(tensor, order);
    const shape = this.shapeOf(tensor);
    const one = this.store(DataType.INT64, [1], BigInt64Array.of(1n));
    const ownSize = (label: string): string =>
      own.includes(label) ? this.at(shape, own.indexOf(label)) : one;
    const apart = this.add('Reshape', [turned, this.joined(...[...output, ...summed].map(ownSize))]);
    const wanted = [...output.map(() => one), ...summed.map((label) => sizes.get(label) ?? one)];
    const whole = this.add('Expand', [apart, this.joined(...wanted)]);
    const rest = this.store(DataType.INT64, [1], BigInt64Array.of(-1n));
    return this.add('Reshape', [whole, this.joined(...output.map(ownSize), rest)]);
  }

  /** One length of a shape, as a shape of one axis. */
  private at(shape: string, axis: number): string {
    return this.add('Gather', [shape, this.store(DataType.INT64, [1], BigInt64Array.of(BigInt(axis)))]);
  }
}
