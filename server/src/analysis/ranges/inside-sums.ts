/**
 * What operators compute on their way to an output and never write: sums of squares, of exponentials, of products. From the
 * ranges of what they read and write: measured where these tell it, otherwise bounded. Facts of the operators' definitions;
 * knows no format and runs nothing.
 */
import { intAttribute, intsAttribute, type Node } from '../../onnx/index.js';
import type { SquareGroups } from '../../runtime/index.js';
import type { MeasuredRange } from './tensor-range.js';

export type InsideQuantity = 'sum' | 'sum of squares' | 'sum of exponentials' | 'sum of products' | 'power';

/** The largest value of something that an operator computes inside. */
export interface InsideSum {
  readonly quantity: InsideQuantity;
  /** How many terms are added; 1 for a power. */
  readonly terms: number;
  readonly value: number;
  /** Whether `value` was reached on the samples, or is only known not to be exceeded on them. */
  readonly evidence: 'measured' | 'bounded';
  /** The operator's definition asks for FP32 here, whatever its tensors are in (`stash_type`). */
  readonly inFp32: boolean;
}

/** What is known round a node. */
export interface AroundNode {
  readonly node: Node;
  /** The opset of the node's domain. */
  readonly opset: number;
  /** By number of the input, as far as they were measured: those that are not are undefined. */
  readonly inputs: readonly (MeasuredRange | undefined)[];
  /** Of the first output. */
  readonly output: MeasuredRange | undefined;
  /** Sizes of the first input in the last sample. */
  readonly dims: readonly number[] | undefined;
  /** The largest sum of squares over the groups that `insideGroups` names. */
  readonly largestSquares: number | undefined;
  /** The value of the second input where it is a constant of one element. */
  readonly exponent: number | undefined;
  /** Of the weights of a product: the terms of each sum, and the largest sum of squares of those of one output. */
  readonly weights: { readonly terms: number; readonly largestSquares: number } | undefined;
}

const FP32 = 1;

/** Operators whose squares are summed over groups of the first input's elements, by domain and type. */
const SQUARES: ReadonlyMap<string, (node: Node, dims: readonly number[]) => SquareGroups | undefined> =
  new Map([
    ['LayerNormalization', (node, dims) => trailing(node, dims, true)],
    ['RMSNormalization', (node, dims) => trailing(node, dims, false)],
    ['SimplifiedLayerNormalization', (node, dims) => trailing(node, dims, false)],
    ['com.microsoft.SimplifiedLayerNormalization', (node, dims) => trailing(node, dims, false)],
    ['InstanceNormalization', (_, dims) => ({ length: sizeFrom(dims, 2), step: 1, centred: true })],
    [
      'GroupNormalization',
      (node, dims) => ({
        length: sizeFrom(dims, 1) / intAttribute(node, 'num_groups', 1),
        step: 1,
        centred: true,
      }),
    ],
    ['LpNormalization', lpNormalized],
  ]);

/** Their definitions have an attribute `stash_type`, FP32 unless it says otherwise. */
const STASHES: ReadonlySet<string> = new Set([
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'GroupNormalization',
]);

/** Operators that square a sum of inputs of the same size, over the last axis. */
const SKIPPED: ReadonlyMap<string, readonly number[]> = new Map([
  ['com.microsoft.SkipLayerNormalization', [0, 1, 4]],
  ['com.microsoft.SkipSimplifiedLayerNormalization', [0, 1, 3]],
]);

const EXPONENTIALS: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax']);
const PRODUCTS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Operators whose sums are over as many elements as they read for each that they write. */
const REDUCTIONS: ReadonlySet<string> = new Set([
  'ReduceMean',
  'ReduceSum',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'GlobalAveragePool',
  'GlobalLpPool',
]);

/** Whether something is summed inside for which the first input itself must be looked at. */
export function looksAtInput(node: Node): boolean {
  const operator = operatorOf(node);
  return (
    SQUARES.has(operator) || SKIPPED.has(operator) || EXPONENTIALS.has(operator) || REDUCTIONS.has(operator)
  );
}

/** The groups of the first input's elements whose squares the node sums; undefined where it sums none by groups. */
export function insideGroups(node: Node, dims: readonly number[]): SquareGroups | undefined {
  return SQUARES.get(operatorOf(node))?.(node, dims);
}

/** What the node computes inside; undefined where that is nothing beyond what it writes, or nothing is known of it. */
export function insideSum(around: AroundNode): InsideSum | undefined {
  const { node, dims, inputs, largestSquares } = around;
  const operator = operatorOf(node);
  const groups = dims === undefined ? undefined : insideGroups(node, dims);
  if (groups !== undefined && largestSquares !== undefined) {
    const inFp32 = STASHES.has(node.opType) && intAttribute(node, 'stash_type', FP32) === FP32;
    return { ...measured('sum of squares', groups.length, largestSquares), inFp32 };
  }
  if (operator === 'Pow') return negativePower(around);
  if (EXPONENTIALS.has(operator)) return exponentials(around);
  if (PRODUCTS.has(operator)) return products(around);
  const skipped = SKIPPED.get(operator);
  if (skipped !== undefined && dims !== undefined) {
    const terms = dims.at(-1) ?? 0;
    const largest = skipped.reduce((sum, input) => sum + (inputs[input]?.maxAbs ?? 0), 0);
    return bounded('sum of squares', terms, terms * largest ** 2);
  }
  return reduced(around);
}

/** What a reduction or a pool adds up before it divides or takes a root: its result tells it. */
function reduced(around: AroundNode): InsideSum | undefined {
  const { node, output, inputs } = around;
  const terms = termsOf(around);
  if (output === undefined || terms === undefined) return undefined;
  switch (operatorOf(node)) {
    case 'ReduceMean':
    case 'GlobalAveragePool':
    case 'AveragePool':
      return measured('sum', terms, output.maxAbs * terms);
    case 'ReduceL2':
      return measured('sum of squares', terms, output.maxAbs ** 2);
    case 'GlobalLpPool':
    case 'LpPool': {
      const p = intAttribute(node, 'p', 2);
      return measured(p === 2 ? 'sum of squares' : 'sum', terms, output.maxAbs ** p);
    }
    case 'ReduceLogSum':
      return bounded('sum', terms, terms * (inputs[0]?.maxAbs ?? 0));
    case 'ReduceLogSumExp':
      return bounded('sum of exponentials', terms, terms);
    default:
      return undefined;
  }
}

/** How many terms the node adds up for one element of its output; undefined where it adds none, or the sizes are not known. */
export function termsOf({ node, dims, inputs, output, weights }: AroundNode): number | undefined {
  const operator = operatorOf(node);
  if (weights !== undefined) return weights.terms;
  if (operator === 'AveragePool' || operator === 'LpPool') {
    return intsAttribute(node, 'kernel_shape')?.reduce((product, size) => product * size, 1);
  }
  if (dims !== undefined) {
    const groups = insideGroups(node, dims);
    if (groups !== undefined) return groups.length;
    if (SKIPPED.has(operator)) return dims.at(-1);
  }
  const [input] = inputs;
  if (!REDUCTIONS.has(operator) || input === undefined || output === undefined) return undefined;
  return output.elements === 0 ? undefined : input.elements / output.elements;
}

/** x^-n is computed as 1 / x^n, or is the worse for it: x^n is largest where x is. */
function negativePower({ inputs, exponent }: AroundNode): InsideSum | undefined {
  const [input] = inputs;
  if (input === undefined || exponent === undefined || exponent >= 0) return undefined;
  return measured('power', 1, input.maxAbs ** -exponent);
}

/** After the largest of them is taken away, as every implementation does, an exponential is at most 1. */
function exponentials({ node, dims, opset }: AroundNode): InsideSum | undefined {
  if (dims === undefined) return undefined;
  const axis = axisOf(node, dims, opset < 13 ? 1 : -1);
  const terms = opset < 13 ? sizeFrom(dims, axis) : (dims[axis] ?? 0);
  return bounded('sum of exponentials', terms, terms);
}

/** Cauchy and Schwarz: a sum of products is at most the product of the norms of its factors. */
function products({ inputs, weights }: AroundNode): InsideSum | undefined {
  const [input] = inputs;
  if (input === undefined || weights === undefined) return undefined;
  const { terms, largestSquares } = weights;
  return bounded('sum of products', terms, Math.sqrt(terms * largestSquares) * input.maxAbs);
}

/**
 * How the weights of a product belong together: `length` terms to each sum, `step` elements apart. Undefined for what is no
 * product with such weights. Zeros of a Gemm's or MatMul's weights count as terms, as they do for hardware.
 */
export function weightGroups(node: Node, dims: readonly number[]): SquareGroups | undefined {
  const last = dims.at(-1);
  switch (operatorOf(node)) {
    case 'Conv':
      return { length: sizeFrom(dims, 1), step: 1, centred: false };
    case 'Gemm':
      if (dims.length !== 2 || last === undefined) return undefined;
      return intAttribute(node, 'transB', 0) === 0
        ? { length: dims[0] ?? 0, step: last, centred: false }
        : { length: last, step: 1, centred: false };
    case 'MatMul':
      if (dims.length < 2 || last === undefined) return undefined;
      return { length: dims.at(-2) ?? 0, step: last, centred: false };
    default:
      return undefined;
  }
}

function measured(quantity: InsideQuantity, terms: number, value: number): InsideSum {
  return { quantity, terms, value, evidence: 'measured', inFp32: false };
}

function bounded(quantity: InsideQuantity, terms: number, value: number): InsideSum {
  return { quantity, terms, value, evidence: 'bounded', inFp32: false };
}

function operatorOf({ domain, opType }: Node): string {
  return domain === '' ? opType : `${domain}.${opType}`;
}

function sizeFrom(dims: readonly number[], axis: number): number {
  return dims.slice(axis).reduce((product, size) => product * size, 1);
}

function axisOf(node: Node, dims: readonly number[], usual: number): number {
  const axis = intAttribute(node, 'axis', usual);
  return axis < 0 ? axis + dims.length : axis;
}

function trailing(node: Node, dims: readonly number[], centred: boolean): SquareGroups {
  return { length: sizeFrom(dims, axisOf(node, dims, -1)), step: 1, centred };
}

function lpNormalized(node: Node, dims: readonly number[]): SquareGroups | undefined {
  if (intAttribute(node, 'p', 2) !== 2) return undefined;
  const axis = axisOf(node, dims, -1);
  return { length: dims[axis] ?? 0, step: sizeFrom(dims, axis + 1), centred: false };
}
