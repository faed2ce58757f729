/**
 * In what a target adds up the products of an FP16 layer, found by a sum that tells: 1 and 4095 halves of the distance from 1 to the
 * next FP16 number. Added up in FP32 they are nearly 3; in FP16, one after the other, none of them ever moves the 1. Where partial sums
 * are added up only those are lost that share one with the 1, which tells how many that are. Knows a few operators; no model of the
 * user's.
 */
import { dot, roundTo, type Accumulation } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Node,
} from '../../onnx/index.js';
import { shortWindow, TURNED_GEMM } from '../../plan/index.js';
import {
  circumstanceOf,
  RuntimeFailure,
  type Provider,
  type ProviderOptions,
  type Runtime,
} from '../../runtime/index.js';
import { floats, runOnce, smallModel, type SmallRunTarget } from './small-run.js';

export interface FoundAccumulation {
  /** The operator, or a kind of its sums (`sumKind`) for which providers have kernels of their own. */
  readonly operator: string;
  /**
   * `fp32`: the sum is right. `fp16`: not a single term was added. `between`: some were lost, as where several partial sums in FP16
   * are added up at the end. `not run`: the target does not run the operator in FP16.
   */
  readonly accumulation: 'fp32' | 'fp16' | 'between' | 'not run';
  /** What became of the sum that is 3, or 1.03 for windows of few elements; NaN where nothing ran. */
  readonly sum: number;
  /** Of `between`: how many products a partial sum has, as near as powers of two come. */
  readonly chunk?: number;
}

/** As many as kernels like that take four at a time, which those of real models do. */
const TERMS = 4096;
/** Of sums that are too short for kernels that add up in parallel. */
const FEW_TERMS = 64;
/** Providers have other kernels for a single sum than for many. */
const SUMS_AT_ONCE = 4;
const SMALL = 2 ** -11;
/** Partial sums of a few of these do not move a 1 either: where nothing else was lost they tell FP32 from such sums in FP16. */
const SMALLER = 2 ** -14;

/** 1, and what none of which moves it in FP16. */
function tellingTerms(count: number, small = SMALL): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => (index === 0 ? 1 : small));
}

/** Roots of those terms in FP16, as near as it has them without exceeding any: the sum of their squares is that of the terms within 2^-11. */
function roots(terms: Float32Array): Float32Array {
  return terms.map((term) => (term === SMALL ? 1448 * 2 ** -16 : Math.sqrt(term)));
}

export interface AccumulationOptions {
  readonly signal?: AbortSignal | undefined;
  readonly providerOptions?: ProviderOptions | undefined;
}

/** How `provider` adds up, operator by operator. */
export async function findAccumulation(
  runtime: Runtime,
  provider: Provider,
  { signal, providerOptions }: AccumulationOptions = {},
): Promise<readonly FoundAccumulation[]> {
  const target = { provider, providerOptions, signal };
  const found: FoundAccumulation[] = [];
  for (const [operator, experiment] of EXPERIMENTS) {
    const sum = await sumOf(runtime, experiment, target);
    const chunk = await chunkFound(runtime, experiment, sum, target);
    const accumulation = chunk === undefined ? accumulationOf(sum, experiment.terms) : 'between';
    found.push({ operator, accumulation, sum, ...(chunk === undefined ? {} : { chunk }) });
  }
  return found;
}

/** How many products a partial sum in FP16 has, given what became of the sum; undefined where there are none. */
async function chunkFound(
  runtime: Runtime,
  experiment: Experiment,
  sum: number,
  target: SmallRunTarget,
): Promise<number | undefined> {
  const { terms } = experiment;
  const accumulation = accumulationOf(sum, terms);
  if (accumulation === 'between') return chunkOf(sum, terms);
  if (accumulation !== 'fp32' || terms < TERMS) return undefined;
  const smaller = await sumOf(runtime, experiment, target, SMALLER);
  return isShort(smaller, terms) ? chunkOf(sum, terms) : undefined;
}

/** Whether a sum of smaller terms, which no partial sum of a few of them moves in FP16, is not what it is in FP32. */
export function isShort(sum: number, terms = TERMS): boolean {
  return Math.abs(sum - exactSum(terms, SMALLER)) > 2 ** -8;
}

/** The sums of the experiments as emulation knows them, by operator; without those that did not run in FP16. */
export function foundSums(found: readonly FoundAccumulation[]): ReadonlyMap<string, Accumulation> {
  return new Map(
    found.flatMap(({ operator, accumulation, chunk }): [string, Accumulation][] => {
      if (accumulation === 'not run') return [];
      if (accumulation !== 'between') return [[operator, { kind: accumulation }]];
      return [[operator, chunk === undefined ? { kind: 'fp16' } : { kind: 'chunked', length: chunk }]];
    }),
  );
}

/** What the sum of `terms` terms tells. */
export function accumulationOf(sum: number, terms = TERMS): FoundAccumulation['accumulation'] {
  if (Number.isNaN(sum)) return 'not run';
  const exact = exactSum(terms);
  // The result, or the mean that it is told by, is written in FP16: of 3 in steps of 2^-9.
  if (Math.abs(sum - exact) <= (exact > 2 ? 2 ** -8 : 2 ** -9)) return 'fp32';
  return Math.abs(sum - 1) <= 2 ** -9 ? 'fp16' : 'between';
}

/** The power of two that is nearest to the number of products that a sum which is neither right nor 1 lost. */
export function chunkOf(sum: number, terms = TERMS): number {
  const lost = (exactSum(terms) - sum) / SMALL;
  return 2 ** Math.max(1, Math.round(Math.log2(Math.min(Math.max(lost, 2), terms))));
}

function exactSum(terms: number, small = SMALL): number {
  return 1 + (terms - 1) * small;
}

/** What becomes of the sum of `terms` terms, added up in this way and written in FP16; of smaller ones with `isSmaller`. */
export function tellingSum(accumulation: Accumulation, terms = TERMS, isSmaller = false): number {
  const ones = new Float32Array(terms).fill(1);
  return roundTo('fp16', dot(tellingTerms(terms, isSmaller ? SMALLER : SMALL), ones, { accumulation }));
}

/** How x, with the terms along one of its axes, becomes a sum. */
interface Experiment {
  readonly terms: number;
  /** One of them is that of the terms. */
  readonly dims: readonly number[];
  readonly node: Node;
  /** Of ones, by which the terms are multiplied; left out where there is no second operand. */
  readonly ones?: readonly number[];
  /** What is added up is squared first. */
  readonly squares?: true;
  /** What the operator makes of the sum. */
  readonly result?: 'mean' | 'root';
}

const ROWS = { terms: TERMS, dims: [SUMS_AT_ONCE, TERMS] } as const;

const EXPERIMENTS: ReadonlyMap<string, Experiment> = new Map<string, Experiment>([
  ['MatMul', { ...ROWS, node: sumNode('MatMul', 2), ones: [TERMS, SUMS_AT_ONCE] }],
  ['Gemm', { ...ROWS, node: sumNode('Gemm', 2), ones: [TERMS, SUMS_AT_ONCE] }],
  [TURNED_GEMM, { ...ROWS, node: sumNode('Gemm', 2, { transB: 1 }), ones: [SUMS_AT_ONCE, TERMS] }],
  [
    'Conv',
    { terms: TERMS, dims: [1, TERMS, 2, 2], node: sumNode('Conv', 2), ones: [SUMS_AT_ONCE, TERMS, 1, 1] },
  ],
  ['ReduceSum', { ...ROWS, node: reduction('ReduceSum') }],
  // A mean in FP16 tells the sum to half a term.
  ['ReduceMean', { ...ROWS, node: reduction('ReduceMean'), result: 'mean' }],
  ['ReduceSumSquare', { ...ROWS, node: reduction('ReduceSumSquare'), squares: true }],
  // A root in FP16 tells the sum to less than what the sum in FP32 may be off.
  ['ReduceL2', { ...ROWS, node: reduction('ReduceL2'), squares: true, result: 'root' }],
  ['AveragePool', pool('AveragePool', TERMS)],
  [shortWindow('AveragePool'), pool('AveragePool', FEW_TERMS)],
  ['GlobalAveragePool', pool('GlobalAveragePool', TERMS)],
  [shortWindow('GlobalAveragePool'), pool('GlobalAveragePool', FEW_TERMS)],
]);

function sumNode(
  opType: string,
  operands: 1 | 2,
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): Node {
  return makeNode({
    ...{ opType, name: 'sum', inputs: ['x16', 'ones16'].slice(0, operands), outputs: ['sum16'] },
    attributes: Object.entries(attributes).map(([name, value]) =>
      makeAttribute(name, typeof value === 'number' ? { kind: 'int', value } : { kind: 'ints', value }),
    ),
  });
}

/** Over the last axis: ReduceSum has its axes as an input. */
function reduction(opType: string): Node {
  if (opType !== 'ReduceSum') return sumNode(opType, 1, { axes: [-1] });
  return makeNode({ opType, name: 'sum', inputs: ['x16', 'axes'], outputs: ['sum16'] });
}

/** A window as large as what there is, or one place smaller. */
function pool(opType: 'AveragePool' | 'GlobalAveragePool', terms: number): Experiment {
  const isGlobal = opType === 'GlobalAveragePool';
  return {
    ...{ terms, dims: [1, SUMS_AT_ONCE, terms, isGlobal ? 1 : 2], result: 'mean' },
    node: sumNode(opType, 1, isGlobal ? {} : { kernel_shape: [terms, 1] }),
  };
}

/** What becomes of the first sum on the target; NaN where it does not run the operator. */
async function sumOf(
  runtime: Runtime,
  { terms, dims, node, ones, squares, result }: Experiment,
  target: SmallRunTarget,
  small = SMALL,
): Promise<number> {
  const telling = tellingTerms(terms, small);
  const values = [
    { name: 'x', dims, terms: along(squares === true ? roots(telling) : telling, dims) },
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
  const isAsked = node.inputs.includes('axes');
  const bytes = smallModel({
    nodes: [
      ...(isAsked ? [axesNode()] : []),
      ...values.map(({ name }) => castNode(name, `${name}16`, DataType.FLOAT16)),
      node,
      castNode('sum16', 'y', DataType.FLOAT),
    ],
    inputs: values.map(({ name, dims: shape }) => makeValueInfo(name, makeTensorType(DataType.FLOAT, shape))),
    outputs: [makeValueInfo('y', makeTensorType(DataType.FLOAT, undefined))],
  });
  const fed = values.map(({ name, dims: shape, terms: own }) => [name, floats(own, shape)] as const);
  try {
    const { scalars } = await runOnce(runtime, bytes, Object.fromEntries(fed), target);
    const [written = Number.NaN] = scalars;
    if (result === 'root') return written * written;
    return result === 'mean' ? written * terms : written;
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || circumstanceOf(error) === 'moment') throw error;
    if (error.kind === 'refused' || error.kind === 'failed') return Number.NaN;
    throw error;
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

function castNode(from: string, to: string, type: DataType): Node {
  const attributes = [makeAttribute('to', { kind: 'int', value: type })];
  return makeNode({ opType: 'Cast', name: `cast_${to}`, inputs: [from], outputs: [to], attributes });
}
