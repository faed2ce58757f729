/**
 * One layer by itself, with one of the tensors that it reads fed as whoever runs it likes, and what that does to its output: the
 * squared error against the exact output, which is fed too. Knows one layer at a time, and no rounding.
 */
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  referredTensor,
  variantSteps,
  withNode,
  type Model,
  type Node,
  type Steps,
  type Tensor,
} from '../onnx/index.js';
import { constantOf, freeNames, isInMainGraph, modelFacts, modelScopes } from '../plan/index.js';

/** Axes of ReduceSumSquare were an attribute before this opset. */
const FIRST_OPSET_WITH_AXES_INPUT = 18;

export interface OutputErrorVariant {
  readonly bytes: Uint8Array;
  /** The input that stands for the tensor. */
  readonly given: string;
  /** Tensors of the model that are fed as they are. */
  readonly read: readonly string[];
  /** The input for the exact output. */
  readonly exact: string;
  /** The output: a scalar, or as many numbers as the axis is long. */
  readonly squares: string;
}

/** The output of a node that its error is told of; undefined where that, or what it reads, is not in FP32 and in the main graph. */
export function judgedOutput(model: Model, at: number): string | undefined {
  const node = modelScopes(model).nodes[at]?.node;
  if (node === undefined || !isInMainGraph(model, at)) return undefined;
  const facts = modelFacts(model);
  const isOther = (name: string): boolean => {
    const type = facts.elementType(name);
    return type === undefined || type === DataType.FLOAT16 || type === DataType.BFLOAT16;
  };
  if (
    facts.isContainer(node) ||
    [...node.inputs, ...node.outputs].some((name) => name !== '' && isOther(name))
  )
    return undefined;
  const output = node.outputs.find((name) => name !== '');
  return output !== undefined && facts.elementType(output) === DataType.FLOAT ? output : undefined;
}

/**
 * The variant for the node and a tensor that it reads.
 *
 * @param rank of its output.
 * @param axis of the output, whose indexes have an error each; left out, one for all.
 */
export function* outputErrorSteps(
  model: Model,
  at: number,
  tensor: string,
  rank: number,
  axis?: number,
): Steps<OutputErrorVariant> {
  const scopes = modelScopes(model);
  const { nodes } = scopes;
  const scoped = nodes[at];
  const output = judgedOutput(model, at);
  if (scoped === undefined || output === undefined) throw new RangeError(`no output of node ${at} is judged`);
  const { node } = scoped;
  const facts = modelFacts(model);
  const takeName = freeNames(model);
  const [given, exact] = [takeName(`${tensor}_given`), takeName(`${output}_exact`)];
  const [raw, difference, squares] = [
    takeName(`${output}_given`),
    takeName(`${output}_difference`),
    takeName(`${output}_squares`),
  ];
  const initializers: Tensor[] = [];
  const read: string[] = [];
  for (const name of new Set(node.inputs)) {
    if (name === '' || name === tensor) continue;
    const scopedTensor = scopes.tensors.get(name);
    const constant = scopedTensor === undefined ? undefined : constantOf(scopedTensor);
    if (constant === undefined) read.push(name);
    else initializers.push(referredTensor(name, constant, model));
  }
  const inputs = node.inputs.map((name) => (name === tensor ? given : name));
  const outputs = node.outputs.map((name) => (name === output ? raw : name === '' ? '' : takeName(name)));
  const written: Node[] = [
    withNode(node, { inputs, outputs }),
    makeNode({ opType: 'Sub', inputs: [raw, exact], outputs: [difference] }),
    sumOfSquares(difference, squares, axesBut(rank, axis), {
      opset: model.opsets.get('') ?? 1,
      store: (values) => {
        const name = takeName(`${output}_axes`);
        const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
        initializers.push(makeTensor(name, DataType.INT64, [values.length], bytes));
        return name;
      },
    }),
  ];
  const float = makeTensorType(DataType.FLOAT, undefined);
  const typed = (name: string) =>
    makeValueInfo(name, makeTensorType(facts.elementType(name) ?? DataType.FLOAT, undefined));
  const variant = yield* variantSteps(model, {
    nodes: written,
    initializers,
    inputs: [makeValueInfo(given, float), makeValueInfo(exact, float), ...read.map(typed)],
    outputs: [makeValueInfo(squares, float)],
  });
  return { bytes: variant.bytes, given, read, exact, squares };
}

function axesBut(rank: number, axis: number | undefined): readonly number[] | undefined {
  if (axis === undefined) return undefined;
  return Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
}

/** Without axes the operator reduces all of them, at every opset. */
function sumOfSquares(
  from: string,
  to: string,
  axes: readonly number[] | undefined,
  { opset, store }: { readonly opset: number; readonly store: (values: readonly number[]) => string },
): Node {
  const keep = makeAttribute('keepdims', { kind: 'int', value: 0 });
  const [inputs, attributes] =
    axes === undefined
      ? [[from], [keep]]
      : opset >= FIRST_OPSET_WITH_AXES_INPUT
        ? [[from, store(axes)], [keep]]
        : [[from], [keep, makeAttribute('axes', { kind: 'ints', value: [...axes] })]];
  return makeNode({ opType: 'ReduceSumSquare', inputs, outputs: [to], attributes });
}
