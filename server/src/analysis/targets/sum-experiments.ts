/**
 * Models of one operator that adds up 1 and many terms that are too small to move it in FP16, and what becomes of their sum on a
 * target. Knows a few operators, and how the sum is read out of what each writes; no model of the user's, and not what a sum tells.
 */
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Attribute,
  type Node,
} from '../../onnx/index.js';
import { shortWindow, TURNED_GEMM } from '../../plan/index.js';
import { circumstanceOf, RuntimeFailure, type Runtime } from '../../runtime/index.js';
import { floats, runOnce, smallModel, type SmallRunTarget } from './small-run.js';

/** As many as kernels like that take four at a time, which those of real models do. */
export const TERMS = 4096;
/** Of sums that are too short for kernels that add up in parallel. */
export const FEW_TERMS = 64;
/** Providers have other kernels for a single sum than for many. */
const SUMS_AT_ONCE = 4;
export const SMALL = 2 ** -11;
/** Partial sums of a few of these do not move a 1 either: where nothing else was lost they tell FP32 from such sums in FP16. */
export const SMALLER = 2 ** -14;

/** Of an odd number kernels add up one at a time; of others two or four first, and the rest in the same way. */
const ODD_TERMS = TERMS - 1;

/** 1, and what none of which moves it in FP16. */
export function tellingTerms(count: number, small: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => (index === 0 ? 1 : small));
}

/**
 * Of what the terms are made: their roots in FP16, as near as it has them without exceeding any (the sum of their squares is that of
 * the terms within 2^-11), or their logarithms, of which those of the small terms are below what they stand for as well.
 */
function sourcesOf(terms: Float32Array, made: Experiment['terms']): Float32Array {
  if (made === 'squares') return terms.map((term) => (term === SMALL ? 1448 * 2 ** -16 : Math.sqrt(term)));
  return made === 'exponentials' ? terms.map((term) => Math.log(term)) : terms;
}

/** How x, with the terms along one of its axes, becomes a sum. */
interface Experiment {
  /** One of them is that of the terms. */
  readonly dims: readonly number[];
  readonly node: Node;
  /** Of ones, by which the terms are multiplied; left out where there is no second operand. */
  readonly ones?: readonly number[];
  /** What of x is added up; its elements where it is left out. */
  readonly terms?: 'squares' | 'exponentials';
  /** What the operator makes of the sum, in its first element; the last is the sum of a running one. */
  readonly result?: 'mean' | 'root' | 'log' | 'share' | 'log share' | 'last';
}

/** An experiment for a number of terms, and how many these are as a rule. */
export interface SumExperiment {
  readonly terms: number;
  readonly of: (terms: number) => Experiment;
}

function usual(of: SumExperiment['of'], terms = TERMS): SumExperiment {
  return { terms, of };
}

/** By operator, or kind of its sums for which providers have kernels of their own. */
export const SUM_EXPERIMENTS: ReadonlyMap<string, SumExperiment> = new Map<string, SumExperiment>([
  ['MatMul', usual((terms) => ({ ...rows(terms), node: sumNode('MatMul', 2), ones: [terms, SUMS_AT_ONCE] }))],
  ['Gemm', usual((terms) => ({ ...rows(terms), node: sumNode('Gemm', 2), ones: [terms, SUMS_AT_ONCE] }))],
  [
    TURNED_GEMM,
    usual((terms) => ({
      ...{ ...rows(terms), node: sumNode('Gemm', 2, { transB: 1 }), ones: [SUMS_AT_ONCE, terms] },
    })),
  ],
  [
    'Einsum',
    usual((terms) => ({
      ...{
        ...rows(terms),
        node: sumNode('Einsum', 2, { equation: 'ik,kj->ij' }),
        ones: [terms, SUMS_AT_ONCE],
      },
    })),
  ],
  [
    'Conv',
    usual((terms) => ({
      dims: [1, terms, 2, 2],
      node: sumNode('Conv', 2),
      ones: [SUMS_AT_ONCE, terms, 1, 1],
    })),
  ],
  ['ReduceSum', reduction('ReduceSum')],
  // A mean in FP16 tells the sum to half a term.
  ['ReduceMean', reduction('ReduceMean', { result: 'mean' })],
  ['ReduceL1', reduction('ReduceL1')],
  ['ReduceSumSquare', reduction('ReduceSumSquare', { terms: 'squares' })],
  // A root in FP16 tells the sum to less than what the sum in FP32 may be off; a logarithm to some three terms.
  ['ReduceL2', reduction('ReduceL2', { terms: 'squares', result: 'root' })],
  ['ReduceLogSum', reduction('ReduceLogSum', { result: 'log' })],
  ['ReduceLogSumExp', reduction('ReduceLogSumExp', { terms: 'exponentials', result: 'log' })],
  ['AveragePool', pool('AveragePool', TERMS)],
  [shortWindow('AveragePool'), pool('AveragePool', FEW_TERMS)],
  ['GlobalAveragePool', pool('GlobalAveragePool', TERMS)],
  [shortWindow('GlobalAveragePool'), pool('GlobalAveragePool', FEW_TERMS)],
  ['Softmax', usual(softmax('Softmax', 'share'), ODD_TERMS)],
  ['LogSoftmax', usual(softmax('LogSoftmax', 'log share'))],
  ['CumSum', usual((terms) => ({ ...rows(terms), node: axisNode('CumSum'), result: 'last' }))],
]);

function rows(terms: number): Pick<Experiment, 'dims'> {
  return { dims: [SUMS_AT_ONCE, terms] };
}

function sumNode(
  opType: string,
  operands: 1 | 2,
  attributes: Readonly<Record<string, number | string | readonly number[]>> = {},
): Node {
  return makeNode({
    ...{ opType, name: 'sum', inputs: ['x16', 'ones16'].slice(0, operands), outputs: ['sum16'] },
    attributes: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
  });
}

function attributeOf(name: string, value: number | string | readonly number[]): Attribute {
  if (typeof value === 'number') return makeAttribute(name, { kind: 'int', value });
  if (typeof value === 'string') return makeAttribute(name, { kind: 'string', value });
  return makeAttribute(name, { kind: 'ints', value });
}

/** With the last axis as an input. */
function axisNode(opType: string): Node {
  return makeNode({ opType, name: 'sum', inputs: ['x16', 'axes'], outputs: ['sum16'] });
}

/** Over the last axis: ReduceSum has its axes as an input. */
function reduction(opType: string, parts: Pick<Experiment, 'terms' | 'result'> = {}): SumExperiment {
  const node = opType === 'ReduceSum' ? axisNode(opType) : sumNode(opType, 1, { axes: [-1] });
  return usual((terms) => ({ ...rows(terms), node, ...parts }));
}

function softmax(opType: string, result: 'share' | 'log share'): SumExperiment['of'] {
  return (terms) => ({
    ...rows(terms),
    node: sumNode(opType, 1, { axis: -1 }),
    terms: 'exponentials',
    result,
  });
}

/** A window as large as what there is, or one place smaller. */
function pool(opType: 'AveragePool' | 'GlobalAveragePool', most: number): SumExperiment {
  const isGlobal = opType === 'GlobalAveragePool';
  return usual(
    (terms) => ({
      ...{ dims: [1, SUMS_AT_ONCE, terms, isGlobal ? 1 : 2], result: 'mean' },
      node: sumNode(opType, 1, isGlobal ? {} : { kernel_shape: [terms, 1] }),
    }),
    most,
  );
}

/** What becomes of the first sum of 1 and `count - 1` terms that are `small` on the target; NaN where it does not run the operator. */
export async function sumOf(
  runtime: Runtime,
  experiment: SumExperiment,
  target: SmallRunTarget,
  count = experiment.terms,
  small = SMALL,
): Promise<number> {
  const { dims, node, ones, terms, result } = experiment.of(count);
  const telling = tellingTerms(count, small);
  const values = [
    { name: 'x', dims, terms: along(sourcesOf(telling, terms), dims) },
    ...(ones === undefined
      ? []
      : [
          {
            name: 'ones',
            dims: ones,
            terms: along(
              telling.map(() => 1),
              ones,
            ),
          },
        ]),
  ];
  const isLast = result === 'last';
  const isAsked = isLast || node.inputs.includes('axes');
  const bytes = smallModel({
    nodes: [
      ...(isAsked ? [axesNode()] : []),
      ...values.map(({ name }) => castNode(name, `${name}16`, DataType.FLOAT16)),
      node,
      ...(isLast ? [lastNode()] : []),
      castNode(isLast ? 'last16' : 'sum16', 'y', DataType.FLOAT),
    ],
    inputs: values.map(({ name, dims: shape }) => makeValueInfo(name, makeTensorType(DataType.FLOAT, shape))),
    outputs: [makeValueInfo('y', makeTensorType(DataType.FLOAT, undefined))],
  });
  const fed = values.map(({ name, dims: shape, terms: own }) => [name, floats(own, shape)] as const);
  try {
    const { scalars } = await runOnce(runtime, bytes, Object.fromEntries(fed), target);
    const [written = Number.NaN] = scalars;
    return sumTold(written, count, result);
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || circumstanceOf(error) === 'moment') throw error;
    if (error.kind === 'refused' || error.kind === 'failed') return Number.NaN;
    throw error;
  }
}

/** The sum that an operator made this of. */
function sumTold(written: number, count: number, result: Experiment['result']): number {
  switch (result) {
    case 'mean':
      return written * count;
    case 'root':
      return written * written;
    case 'log':
      return Math.exp(written);
    case 'share':
      return 1 / written;
    case 'log share':
      return Math.exp(-written);
    default:
      return written;
  }
}

/** The elements of a tensor whose axis of as many places as there are terms has these. */
function along(terms: Float32Array, dims: readonly number[]): Float32Array {
  const axis = dims.lastIndexOf(terms.length);
  const step = dims.slice(axis + 1).reduce((total, length) => total * length, 1);
  const count = dims.reduce((total, length) => total * length, 1);
  return Float32Array.from({ length: count }, (_, at) => terms[Math.floor(at / step) % terms.length] ?? 0);
}

function axesNode(): Node {
  const value = makeTensor('', DataType.INT64, [1], new Uint8Array(BigInt64Array.of(-1n).buffer));
  const attributes = [makeAttribute('value', { kind: 'tensor', value })];
  return makeNode({ opType: 'Constant', name: 'last', inputs: [], outputs: ['axes'], attributes });
}

/** The last of a running sum. */
function lastNode(): Node {
  const attributes = [makeAttribute('axis', { kind: 'int', value: -1 })];
  return makeNode({
    opType: 'Gather',
    name: 'end',
    inputs: ['sum16', 'axes'],
    outputs: ['last16'],
    attributes,
  });
}

function castNode(from: string, to: string, type: DataType): Node {
  const attributes = [makeAttribute('to', { kind: 'int', value: type })];
  return makeNode({ opType: 'Cast', name: `cast_${to}`, inputs: [from], outputs: [to], attributes });
}
