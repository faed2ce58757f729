/**
 * Which tensors are certainly not zero, nor close to it, whatever the model reads: a mean of squares plus an epsilon, its root.
 * Quotients by them, and roots of them, have finite derivatives. Knows no gradient.
 */
import type { GraphIndex, Model, Node } from '../onnx/index.js';

/** Epsilons lie some operators behind what they protect. */
const DEEPEST_CHAIN = 16;

/** Never below zero. */
const NOT_NEGATIVE: ReadonlySet<string> = new Set([
  'Abs',
  'Exp',
  'HardSigmoid',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'Relu',
  'Sigmoid',
  'Softmax',
  'Softplus',
  'Sqrt',
]);

/** Of what is not negative, or away from zero, they make what is so too. */
const KEEPS_SIGN: ReadonlySet<string> = new Set([
  'Cast',
  'Expand',
  'Flatten',
  'Identity',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'Reshape',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/** @param constantValues the elements of a tensor that is known beforehand. */
export function awayFromZero(
  { graph }: Model,
  { producers }: GraphIndex,
  constantValues: (name: string) => readonly number[] | undefined,
): (name: string) => boolean {
  const producerOf = (name: string): Node | undefined => {
    const node = graph.nodes[producers.get(name) ?? -1];
    return node?.domain === '' ? node : undefined;
  };

  const isNotNegative = rememberedByName((name, depth) => {
    const known = constantValues(name);
    if (known !== undefined) return known.every((value) => value >= 0);
    const node = producerOf(name);
    if (node === undefined || depth > DEEPEST_CHAIN) return false;
    const [a = '', b = ''] = node.inputs;
    switch (node.opType) {
      case 'Add':
      case 'Div':
        return isNotNegative(a, depth + 1) && isNotNegative(b, depth + 1);
      case 'Mul':
        return a === b || (isNotNegative(a, depth + 1) && isNotNegative(b, depth + 1));
      case 'Pow':
        return constantValues(b)?.every((exponent) => exponent % 2 === 0) === true;
      case 'ReduceSum':
        return isNotNegative(a, depth + 1);
      default:
        return NOT_NEGATIVE.has(node.opType) || (KEEPS_SIGN.has(node.opType) && isNotNegative(a, depth + 1));
    }
  });

  const isPositive = rememberedByName((name, depth) => {
    const known = constantValues(name);
    if (known !== undefined) return known.every((value) => value > 0 && isDivisor(value));
    const node = producerOf(name);
    if (node === undefined || depth > DEEPEST_CHAIN) return false;
    const [a = '', b = ''] = node.inputs;
    switch (node.opType) {
      case 'Add':
        return (
          (isPositive(a, depth + 1) && isNotNegative(b, depth + 1)) ||
          (isNotNegative(a, depth + 1) && isPositive(b, depth + 1))
        );
      case 'Max':
        return node.inputs.some((input) => isPositive(input, depth + 1));
      case 'Sqrt':
        return isPositive(a, depth + 1);
      default:
        return KEEPS_SIGN.has(node.opType) && isPositive(a, depth + 1);
    }
  });

  return (name) => constantValues(name)?.every(isDivisor) ?? isPositive(name, 0);
}

type Question = (name: string, depth: number) => boolean;

/** Tensors that are read several times, each by what is read several times, would be asked about without end. */
function rememberedByName(ask: Question): Question {
  const known = new Map<string, boolean>();
  return (name, depth) => {
    const answer = known.get(name) ?? ask(name, depth);
    known.set(name, answer);
    return answer;
  };
}

/** Whether its reciprocal and the square of that are finite in FP32: the derivatives of a quotient are both. */
function isDivisor(value: number): boolean {
  return Number.isFinite(Math.fround(1 / value ** 2));
}
