/**
 * In what a target adds up the products of an FP16 layer, found by a sum that tells: 1 and 4096 halves of the distance from 1 to the
 * next FP16 number. Added up in FP32 they are 3; in FP16, one after the other, none of them ever moves the 1. Knows a few
 * operators; no model of the user's.
 */
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Node,
} from '../../onnx/index.js';
import { RuntimeFailure, type Provider, type Runtime } from '../../runtime/index.js';
import { floats, runOnce, smallModel } from './small-run.js';

/** Operators whose sums are looked at; others that add up are built like one of them. */
export const ADDING_OPERATORS = ['MatMul', 'Gemm', 'Conv', 'ReduceSum'] as const;
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
}

const TERMS = 4097;
const SMALL = 2 ** -11;
const EXACT = 1 + (TERMS - 1) * SMALL;

/** How `provider` adds up, operator by operator. */
export async function findAccumulation(
  runtime: Runtime,
  provider: Provider,
  signal?: AbortSignal,
): Promise<readonly FoundAccumulation[]> {
  const found: FoundAccumulation[] = [];
  for (const operator of ADDING_OPERATORS) {
    const sum = await sumOf(runtime, operator, provider, signal);
    found.push({ operator, accumulation: accumulationOf(sum), sum });
  }
  return found;
}

function accumulationOf(sum: number): FoundAccumulation['accumulation'] {
  if (Number.isNaN(sum)) return 'not run';
  // The result is written in FP16, near 3 in steps of 2^-9.
  if (Math.abs(sum - EXACT) <= 2 ** -8) return 'fp32';
  return Math.abs(sum - 1) <= 2 ** -9 ? 'fp16' : 'between';
}

/** How x and ones become one sum, and which shape x has for that. */
const SUMS: Readonly<Record<AddingOperator, { readonly dims: readonly number[]; readonly node: Node }>> = {
  MatMul: { dims: [1, TERMS], node: sumNode('MatMul', ['x16', 'ones16']) },
  Gemm: { dims: [1, TERMS], node: sumNode('Gemm', ['x16', 'ones16']) },
  Conv: { dims: [1, TERMS, 1, 1], node: sumNode('Conv', ['x16', 'ones16']) },
  ReduceSum: { dims: [1, TERMS], node: sumNode('ReduceSum', ['x16']) },
};

function sumNode(opType: AddingOperator, inputs: readonly string[]): Node {
  return makeNode({ opType, name: 'sum', inputs, outputs: ['sum16'] });
}

async function sumOf(
  runtime: Runtime,
  operator: AddingOperator,
  provider: Provider,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { dims, node } = SUMS[operator];
  const onesDims = operator === 'Conv' ? dims : [TERMS, 1];
  const given = new Set(node.inputs);
  const values = { x: { dims, first: 1, rest: SMALL }, ones: { dims: onesDims, first: 1, rest: 1 } };
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
  const fed = inputs.map(([name, { dims: shape, first, rest }]) => {
    const terms = new Array<number>(TERMS).fill(rest);
    terms[0] = first;
    return [name, floats(terms, shape)] as const;
  });
  try {
    const { scalars } = await runOnce(runtime, bytes, Object.fromEntries(fed), provider, signal);
    return scalars[0] ?? Number.NaN;
  } catch (error) {
    if (error instanceof RuntimeFailure && (error.kind === 'refused' || error.kind === 'failed'))
      return Number.NaN;
    throw error;
  }
}

function castNode(from: string, to: string, type: DataType): Node {
  const attributes = [makeAttribute('to', { kind: 'int', value: type })];
  return makeNode({ opType: 'Cast', name: `cast_${to}`, inputs: [from], outputs: [to], attributes });
}
