/**
 * Multiply-adds of one run of a node, from its tensors' shapes. What counts: the products of convolutions, matrix
 * products, attention and recurrent layers, each with its addition as one. What does not: biases, activations, peepholes,
 * normalization, element-wise work. Products with padding count, as kernels do them; a sparse weight counts whole.
 */
import { intAttribute, stringAttribute } from './attributes.js';
import type { Dimension, Node, Shape } from './model.js';
import { headsOf, keyHeads, queryHeads } from './shape-inference/attention.js';
import { addDimensions, elementCount, product } from './shape-inference/dimension.js';
import { parseEinsum } from './shape-inference/layout.js';
import { matmulShape, transposeLast } from './shape-inference/matmul.js';

/**
 * @param shapes of the node's inputs and outputs by tensor name, as `inferShapes` gives them.
 * @returns 0 for operators that do no such work; undefined where a shape is not known.
 */
export function multiplyAdds(node: Node, shapes: ReadonlyMap<string, Shape>): number | undefined {
  const count = countFor(node);
  if (count === undefined) return 0;
  const result = count({
    node,
    input: (index) => shapes.get(node.inputs[index] ?? ''),
    output: (index) => shapes.get(node.outputs[index] ?? ''),
  });
  return typeof result === 'number' ? result : undefined;
}

interface Shapes {
  readonly node: Node;
  readonly input: (index: number) => Shape | undefined;
  readonly output: (index: number) => Shape | undefined;
}

type Count = (shapes: Shapes) => Dimension;

/** Each output element takes a window of all channels of its group: W is [outputs, inputs / group, ...kernel]. */
const convolution: Count = ({ input, output }) =>
  of(elementCount(output(0)), elementCount(input(1)?.slice(1)));

/** Each input element adds to a window of all channels of its group: W is [inputs, outputs / group, ...kernel]. */
const transposedConvolution: Count = ({ input }) =>
  of(elementCount(input(0)), elementCount(input(1)?.slice(1)));

const gemm: Count = ({ node, input }) => {
  const a = transposeLast(input(0), intAttribute(node, 'transA', 0) !== 0);
  const b = transposeLast(input(1), intAttribute(node, 'transB', 0) !== 0);
  return of(elementCount(matmulShape(a, b)), inner(a, b));
};

const matmul: Count = ({ input }) =>
  of(elementCount(matmulShape(input(0), input(1))), inner(input(0), input(1)));

/** Where `transBatch` moves the batch axes in between, nothing is counted. */
const fusedMatMul: Count = (shapes) => {
  const { node } = shapes;
  const movesBatch = intAttribute(node, 'transBatchA', 0) !== 0 || intAttribute(node, 'transBatchB', 0) !== 0;
  return movesBatch ? undefined : gemm(shapes);
};

/** A of [..., K] times N columns. */
const matMulNBits: Count = ({ node, input }) => of(elementCount(input(0)), intAttribute(node, 'N'));

/** Every combination of the labels of two operands; one operand alone is summed or moved, not multiplied. */
const einsum: Count = ({ node, input }) => {
  if (node.inputs.length === 1) return 0;
  const parsed = parseEinsum(stringAttribute(node, 'equation', ''), [input(0), input(1)]);
  return node.inputs.length > 2 || parsed === undefined ? undefined : product([...parsed.sizes.values()]);
};

/** Steps * batch * directions * gates * hidden * (input + hidden). */
function recurrent(gates: number): Count {
  return ({ node, input }) => {
    const hidden = intAttribute(node, 'hidden_size') ?? input(2)?.[2];
    const inputSize = input(0)?.[2] ?? input(1)?.[2];
    const directions = stringAttribute(node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
    if (typeof hidden !== 'number' || typeof inputSize !== 'number') return undefined;
    return of(elementCount(input(0)?.slice(0, 2)), directions * gates * hidden * (inputSize + hidden));
  };
}

/** Each query with each key, and the weights so found with each value; masks save nothing. Keys of before count. */
function attention(past: number): Count {
  return ({ node, input }) => {
    const query = headsOf(input(0), queryHeads(node));
    const key = headsOf(input(1), keyHeads(node));
    const value = headsOf(input(2), keyHeads(node));
    if (query === undefined || key === undefined || value === undefined) return undefined;
    const before = (node.inputs[past] ?? '') === '' ? 0 : input(past)?.[2];
    const keys = addDimensions(key.length, before);
    const size = addDimensions(query.size, value.size);
    return product([query.batch, query.heads, query.length, keys, size]);
  };
}

const STANDARD: ReadonlyMap<string, Count> = new Map([
  ['Conv', convolution],
  ['ConvTranspose', transposedConvolution],
  ['Gemm', gemm],
  ['MatMul', matmul],
  ['Einsum', einsum],
  ['RNN', recurrent(1)],
  ['GRU', recurrent(3)],
  ['LSTM', recurrent(4)],
  ['Attention', attention(4)],
]);

const CONTRIBUTED: ReadonlyMap<string, Count> = new Map([
  ['FusedConv', convolution],
  ['FusedGemm', gemm],
  ['FusedMatMul', fusedMatMul],
  ['TransposeMatMul', gemm],
  ['MatMulNBits', matMulNBits],
  ['MultiHeadAttention', attention(6)],
  ['GroupQueryAttention', attention(3)],
]);

function countFor(node: Node): Count | undefined {
  if (node.domain === '') return STANDARD.get(node.opType);
  return node.domain === 'com.microsoft' ? CONTRIBUTED.get(node.opType) : undefined;
}

/** The length that both operands sum over. */
function inner(a: Shape | undefined, b: Shape | undefined): Dimension {
  const length = a?.at(-1);
  return typeof length === 'number' ? length : b?.length === 1 ? b[0] : b?.at(-2);
}

function of(count: number | undefined, length: Dimension): Dimension {
  if (count === undefined || length === undefined || typeof length === 'string') return undefined;
  return count * length;
}
