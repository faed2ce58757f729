/**
 * In what a target adds up the products of an FP16 layer, found by a sum that tells: 1 and 4096 halves of the distance from 1 to the
 * next FP16 number. Added up in FP32 they are 3; in FP16, one after the other, none of them ever moves the 1. Where partial sums
 * are added up only those are lost that share one with the 1, which tells how many that are. Knows a few operators; no model of the
 * user's.
 */
import { dot, roundTo, type Accumulation } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Node,
} from '../../onnx/index.js';
import {
  circumstanceOf,
  RuntimeFailure,
  type Provider,
  type ProviderOptions,
  type Runtime,
} from '../../runtime/index.js';
import { floats, runOnce, smallModel, type SmallRunTarget } from './small-run.js';

/** Operators whose sums are looked at; others that add up are built like one of them. */
export const ADDING_OPERATORS = [
  'MatMul',
  'Gemm',
  'Conv',
  'ReduceSum',
  'ReduceMean',
  'ReduceSumSquare',
  'ReduceL2',
  'GlobalAveragePool',
] as const;
export type AddingOperator = (typeof ADDING_OPERATORS)[number];

export interface FoundAccumulation {
  readonly operator: AddingOperator;
  /**
   * `fp32`: the sum is right. `fp16`: not a single term was added. `between`: some were lost, as where several partial sums in FP16
   * are added up at the end. `not run`: the target does not run the operator in FP16.
   */
  readonly accumulation: 'fp32' | 'fp16' | 'between' | 'not run';
  /** What became of the sum that is 3; NaN where nothing ran. */
  readonly sum: number;
  /** Of `between`: how many products a partial sum has, as near as powers of two come. */
  readonly chunk?: number;
}

const TERMS = 4097;
const SMALL = 2 ** -11;
const EXACT = 1 + (TERMS - 1) * SMALL;

/** 1, and what none of which moves it in FP16. */
const TELLING = Float32Array.from({ length: TERMS }, (_, index) => (index === 0 ? 1 : SMALL));
/** Roots of those terms in FP16, as near as it has them without exceeding any: the sum of their squares is 3 within 2^-11. */
const ROOTS = TELLING.map((term) => (term === 1 ? 1 : 1448 * 2 ** -16));
const ONES = new Float32Array(TERMS).fill(1);

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
  for (const operator of ADDING_OPERATORS) {
    const sum = await sumOf(runtime, operator, target);
    const accumulation = accumulationOf(sum);
    found.push({
      operator,
      accumulation,
      sum,
      ...(accumulation === 'between' ? { chunk: chunkOf(sum) } : {}),
    });
  }
  return found;
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

/** What the sum that is 3 tells. */
export function accumulationOf(sum: number): FoundAccumulation['accumulation'] {
  if (Number.isNaN(sum)) return 'not run';
  // The result is written in FP16, near 3 in steps of 2^-9.
  if (Math.abs(sum - EXACT) <= 2 ** -8) return 'fp32';
  return Math.abs(sum - 1) <= 2 ** -9 ? 'fp16' : 'between';
}

/** The power of two that is nearest to the number of products that a sum which is neither 3 nor 1 lost. */
export function chunkOf(sum: number): number {
  const lost = (EXACT - sum) / SMALL;
  return 2 ** Math.max(1, Math.round(Math.log2(Math.min(Math.max(lost, 2), TERMS))));
}

/** What becomes of the sum that is 3, added up in this way and written in FP16. */
export function tellingSum(accumulation: Accumulation): number {
  return roundTo('fp16', dot(TELLING, ONES, { accumulation }));
}

/** How x and ones become one sum, and which shape x has for that. */
const SUMS: Readonly<
  Record<
    AddingOperator,
    {
      readonly dims: readonly number[];
      readonly node: Node;
      /** What is added up is squared first. */
      readonly squares?: true;
      /** What the operator makes of the sum. */
      readonly result?: 'mean' | 'root';
    }
  >
> = {
  MatMul: { dims: [1, TERMS], node: sumNode('MatMul', ['x16', 'ones16']) },
  Gemm: { dims: [1, TERMS], node: sumNode('Gemm', ['x16', 'ones16']) },
  Conv: { dims: [1, TERMS, 1, 1], node: sumNode('Conv', ['x16', 'ones16']) },
  ReduceSum: { dims: [1, TERMS], node: sumNode('ReduceSum', ['x16']) },
  // A mean in FP16 tells the sum to half a term.
  ReduceMean: { dims: [1, TERMS], node: sumNode('ReduceMean', ['x16']), result: 'mean' },
  ReduceSumSquare: { dims: [1, TERMS], node: sumNode('ReduceSumSquare', ['x16']), squares: true },
  // A root in FP16 tells the sum to less than what the sum in FP32 may be off.
  ReduceL2: { dims: [1, TERMS], node: sumNode('ReduceL2', ['x16']), squares: true, result: 'root' },
  GlobalAveragePool: {
    dims: [1, 1, TERMS, 1],
    node: sumNode('GlobalAveragePool', ['x16']),
    result: 'mean',
  },
};

function sumNode(opType: AddingOperator, inputs: readonly string[]): Node {
  return makeNode({ opType, name: 'sum', inputs, outputs: ['sum16'] });
}

/** What becomes of the sum on the target; NaN where it does not run the operator. */
async function sumOf(runtime: Runtime, operator: AddingOperator, target: SmallRunTarget): Promise<number> {
  const { dims, node, squares, result } = SUMS[operator];
  const onesDims = operator === 'Conv' ? dims : [TERMS, 1];
  const given = new Set(node.inputs);
  const values = {
    x: { dims, terms: squares === true ? ROOTS : TELLING },
    ones: { dims: onesDims, terms: ONES },
  };
  const inputs = Object.entries(values).filter(([name]) => given.has(`${name}16`));
  const bytes = smallModel({
    nodes: [
      ...inputs.map(([name]) => castNode(name, `${name}16`, DataType.FLOAT16)),
      node,
      castNode('sum16', 'y', DataType.FLOAT),
    ],
    inputs: inputs.map(([name, { dims: shape }]) =>
      makeValueInfo(name, makeTensorType(DataType.FLOAT, shape)),
    ),
    outputs: [makeValueInfo('y', makeTensorType(DataType.FLOAT, undefined))],
  });
  const fed = inputs.map(([name, { dims: shape, terms: own }]) => [name, floats(own, shape)] as const);
  try {
    const { scalars } = await runOnce(runtime, bytes, Object.fromEntries(fed), target);
    const [written = Number.NaN] = scalars;
    if (result === 'root') return written * written;
    return result === 'mean' ? written * TERMS : written;
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || circumstanceOf(error) === 'moment') throw error;
    if (error.kind === 'refused' || error.kind === 'failed') return Number.NaN;
    throw error;
  }
}

function castNode(from: string, to: string, type: DataType): Node {
  const attributes = [makeAttribute('to', { kind: 'int', value: type })];
  return makeNode({ opType: 'Cast', name: `cast_${to}`, inputs: [from], outputs: [to], attributes });
}
