/**
 * Operators whose output grows by a factor when inputs do, so that a scale before them is undone after them. Facts of the
 * operators' definitions; knows one node at a time.
 */
import type { Node } from '../../onnx/index.js';

const FIRST = [0];
/** What is added to a product grows with it. */
const FIRST_AND_ADDEND = [0, 2];

const BY_OPERATOR: ReadonlyMap<string, readonly number[] | 'all'> = new Map<
  string,
  readonly number[] | 'all'
>([
  ['Abs', FIRST],
  ['Add', 'all'],
  ['AveragePool', FIRST],
  ['Conv', FIRST_AND_ADDEND],
  ['ConvTranspose', FIRST_AND_ADDEND],
  ['Div', FIRST],
  ['Gemm', FIRST_AND_ADDEND],
  ['GlobalAveragePool', FIRST],
  ['GlobalMaxPool', FIRST],
  ['LeakyRelu', FIRST],
  ['MatMul', FIRST],
  ['Max', 'all'],
  ['MaxPool', FIRST],
  ['Mean', 'all'],
  ['Min', 'all'],
  ['Mul', FIRST],
  ['Neg', FIRST],
  ['PRelu', FIRST],
  ['ReduceL1', FIRST],
  ['ReduceL2', FIRST],
  ['ReduceMax', FIRST],
  ['ReduceMean', FIRST],
  ['ReduceMin', FIRST],
  ['ReduceSum', FIRST],
  ['Relu', FIRST],
  ['Sub', 'all'],
  ['Sum', 'all'],
]);

/** The inputs that are scaled together, by place; undefined where a scale of the inputs is none of the output. */
export function scaledInputs({ domain, opType, inputs }: Node): readonly number[] | undefined {
  const places = domain === '' ? BY_OPERATOR.get(opType) : undefined;
  if (places === undefined) return undefined;
  return places === 'all' ? [...inputs.keys()] : places.filter((place) => (inputs[place] ?? '') !== '');
}
