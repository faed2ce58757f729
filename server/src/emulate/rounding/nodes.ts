/**
 * Nodes of FP32 arithmetic that are added to a graph, by operator, in the form that each opset has. Knows operators' forms;
 * not what is computed.
 */
import { makeAttribute, makeNode, type Attribute, type Node } from '../../onnx/index.js';
import type { TakeName } from '../../plan/index.js';

/** Broadcasting of a scalar had to be asked for before this opset. */
const FIRST_OPSET_THAT_BROADCASTS = 7;
/** Bounds of Clip were attributes before this opset. */
const FIRST_OPSET_WITH_CLIP_INPUTS = 11;

export interface NodesOptions {
  readonly takeName: TakeName;
  /** Of the ONNX domain. */
  readonly opset: number;
  /** What all tensors that are made are called after. */
  readonly stem: string;
  /** The name of a stored scalar of that value. */
  readonly scalar: (value: number) => string;
}

/** One after the other, into a list of the caller's. */
export class ArithmeticNodes {
  constructor(
    private readonly list: Node[],
    private readonly options: NodesOptions,
  ) {}

  get opset(): number {
    return this.options.opset;
  }

  /** The result of an operator, under the name `to` or a new one. */
  add(
    opType: string,
    inputs: readonly string[],
    { attributes = [], to = this.newName() }: { attributes?: readonly Attribute[]; to?: string } = {},
  ): string {
    this.list.push(makeNode({ opType, inputs, outputs: [to], attributes }));
    return to;
  }

  /** Add, Sub, Mul or Div with a number, or with a tensor that is broadcast to the first. */
  calculate(opType: 'Add' | 'Sub' | 'Mul' | 'Div', left: string, right: string | number): string {
    const operand = typeof right === 'number' ? this.options.scalar(right) : right;
    const isScalar = typeof right === 'number' && this.opset < FIRST_OPSET_THAT_BROADCASTS;
    const attributes = isScalar ? [makeAttribute('broadcast', { kind: 'int', value: 1 })] : [];
    return this.add(opType, [left, operand], { attributes });
  }

  /** Nothing outside of two numbers. */
  clip(from: string, least: number, most: number): string {
    if (this.opset >= FIRST_OPSET_WITH_CLIP_INPUTS) {
      return this.add('Clip', [from, this.options.scalar(least), this.options.scalar(most)]);
    }
    const attributes = [
      makeAttribute('min', { kind: 'float', value: least }),
      makeAttribute('max', { kind: 'float', value: most }),
    ];
    return this.add('Clip', [from], { attributes });
  }

  /** Uniform from 0 to less than 1, of the shape of another tensor; the same in each session, anew in each of its runs. */
  random(like: string, seed: number): string {
    const attributes = [
      makeAttribute('low', { kind: 'float', value: 0 }),
      makeAttribute('high', { kind: 'float', value: LARGEST_DRAW }),
      makeAttribute('seed', { kind: 'float', value: seed }),
      makeAttribute('dtype', { kind: 'int', value: 1 }),
    ];
    return this.add('RandomUniformLike', [like], { attributes });
  }

  private newName(): string {
    return this.options.takeName(this.options.stem);
  }
}

/** Less than 1 by so much that 1 more than it is no 2 in FP32. */
const LARGEST_DRAW = 1 - 2 ** -22;
