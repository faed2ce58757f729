/**
 * Which tensors have to be looked at to tell the range of a layer, what it adds up inside, and how much of its inputs cancels
 * out; and these answers once the tensors are known. Knows no format and runs nothing.
 */
import {
  floatsOf,
  isFloating,
  isInMainGraph,
  isMovement,
  modelFacts,
  scaledInputs,
  type Layer,
} from '../../plan/index.js';
import { inputFollowsMainType, type Model, type Node, type Tensor } from '../../onnx/index.js';
import {
  insideSum,
  looksAtInput,
  termsOf,
  weightGroups,
  type AroundNode,
  type InsideSum,
} from './inside-sums.js';
import { rootMeanSquare, type ConstantRange, type MeasuredRange } from './tensor-range.js';

/** Where the values of an input come from, through nodes that only move them. */
type Source =
  { readonly kind: 'tensor'; readonly name: string } | { readonly kind: 'constant'; readonly tensor: Tensor };

/** The tensors round a layer that have to be looked at. Of a layer inside a sub-graph or function only its weights can be. */
export interface Surroundings {
  readonly layer: Layer;
  readonly isInside: boolean;
  /** The layer's. */
  readonly node: Node;
  readonly nodeIndex: number;
  readonly opset: number;
  /** Its floating-point outputs. */
  readonly outputs: readonly string[];
  /** Where its floating-point inputs that are no constants come from, each once. */
  readonly reads: readonly string[];
  /** The first input, where it has to be looked at itself. */
  readonly summed: string | undefined;
  /** By input; undefined for those that tell nothing. */
  readonly inputs: readonly (Source | undefined)[];
  readonly weights: readonly Tensor[];
  /** The weights of a matrix product or convolution. */
  readonly factor: Tensor | undefined;
}

/** What was found of a tensor over all samples. */
export interface WrittenTensor {
  readonly range: MeasuredRange;
  /** Of the last sample. */
  readonly dims: readonly number[];
  /** By index of the node: the largest of the sums of squares that it computes of this tensor. */
  readonly largestSquares: ReadonlyMap<number, number>;
}

/** What was found of a layer, whatever the format. */
export interface MeasuredLayerRange {
  readonly tensors: readonly MeasuredRange[];
  /** What it reads that is no constant; left out where nothing is. */
  readonly reads?: readonly MeasuredRange[];
  /** It is inside a sub-graph or function: what it reads and writes was not looked at. */
  readonly isUnseen?: true;
  /** What it computes inside and never writes; undefined where that is nothing, or nothing is known of it. */
  readonly inside: InsideSum | undefined;
  /** How many terms it adds up for one element of its output; undefined where it adds none, or that is not known. */
  readonly terms: number | undefined;
  /** How many times a relative error of its inputs is larger in its output because they cancel out; undefined where they cannot. */
  readonly cancellation: number | undefined;
}

/** Operators whose output can be small beside their inputs because these cancel out, with the inputs concerned. */
const CANCELLING: ReadonlyMap<string, 'elements' | 'sum' | 'mean'> = new Map([
  ['Add', 'elements'],
  ['Sub', 'elements'],
  ['Sum', 'elements'],
  ['ReduceSum', 'sum'],
  ['ReduceMean', 'mean'],
  ['GlobalAveragePool', 'mean'],
]);

export function surroundings(model: Model, layer: Layer): Surroundings {
  const { node, nodeIndex, weights } = layer;
  const facts = modelFacts(model);
  const opset = model.opsets.get(node.domain) ?? 1;
  const [input = '', factorName = ''] = node.inputs;
  const factor = weights.find(
    ({ name, dims }) => name === factorName && weightGroups(node, dims) !== undefined,
  );
  const isInside = !isInMainGraph(model, nodeIndex);
  const own = { layer, isInside, node, nodeIndex, opset, weights, factor };
  if (isInside) return { ...own, outputs: [], reads: [], summed: undefined, inputs: [] };
  const looksAtItself = looksAtInput(node);
  const hasInputs =
    looksAtItself || factor !== undefined || node.opType === 'Pow' || CANCELLING.has(node.opType);
  return {
    ...own,
    outputs: node.outputs.filter((name) => isFloating(facts.elementType(name))),
    reads: readBy(model, node),
    summed: looksAtItself && isFloating(facts.elementType(input)) ? input : undefined,
    inputs: hasInputs ? node.inputs.map((name) => sourceOf(model, name)) : [],
  };
}

/** Where the values that a layer rounds as it reads them come from: constants apart, through nodes that only move them. */
export function readBy(model: Model, node: Node): readonly string[] {
  const schema = modelFacts(model).schema(node);
  const names = node.inputs.flatMap((name, input) => {
    if (name === '' || schema === undefined || !inputFollowsMainType(schema, input)) return [];
    return sourceName(model, name);
  });
  return [...new Set(names)];
}

/** None for a constant. */
function sourceName(model: Model, input: string): readonly string[] {
  const source = sourceOf(model, input);
  return source?.kind === 'tensor' ? [source.name] : [];
}

/** The tensors that have to be looked at while the model runs. */
export function tensorsOf({ outputs, reads, summed, inputs }: Surroundings): readonly string[] {
  const sources = inputs.flatMap((source) => (source?.kind === 'tensor' ? [source.name] : []));
  return [...outputs, ...reads, ...(summed === undefined ? [] : [summed]), ...sources];
}

/** The constants that have to be read. */
export function constantsOf({ weights, inputs }: Surroundings): readonly Tensor[] {
  const names = new Set(weights.map(({ name }) => name));
  const others = inputs.flatMap((source) =>
    source?.kind === 'constant' && !names.has(source.tensor.name) ? [source.tensor] : [],
  );
  return [...weights, ...others];
}

function sourceOf(model: Model, input: string): Source | undefined {
  const facts = modelFacts(model);
  let name = input;
  while (isFloating(facts.elementType(name))) {
    const tensor = facts.index.constantOf(name) ?? facts.index.initializers.get(name);
    if (tensor !== undefined) return { kind: 'constant', tensor };
    const producer = model.graph.nodes[facts.index.producers.get(name) ?? -1];
    const [moved = ''] = producer?.inputs ?? [];
    // What joins several tensors has values of all of them.
    if (producer === undefined || !isMovement(producer) || JOINING.has(producer.opType)) break;
    name = moved;
  }
  return isFloating(facts.elementType(name)) ? { kind: 'tensor', name } : undefined;
}

/** Movement whose values are not those of its first input alone, or not all of them. */
const JOINING: ReadonlySet<string> = new Set([
  'Cast',
  'CenterCropPad',
  'Compress',
  'Concat',
  'ConcatFromSequence',
  'Gather',
  'GatherElements',
  'GatherND',
  'OneHot',
  'Pad',
  'Scatter',
  'ScatterElements',
  'ScatterND',
  'SequenceAt',
  'Slice',
  'Split',
  'Tile',
  'Trilu',
  'Where',
]);

/** The range of the layer, from those of the tensors round it. */
export function joinRange(
  model: Model,
  around: Surroundings,
  written: ReadonlyMap<string, WrittenTensor>,
  constants: ReadonlyMap<Tensor, ConstantRange>,
): MeasuredLayerRange {
  const { node, nodeIndex, opset, outputs, reads, inputs, summed, weights, factor } = around;
  const own = [
    ...outputs.map((name) => written.get(name)?.range),
    ...weights.map((weight) => constants.get(weight)?.range),
  ].filter((one) => one !== undefined);
  const ofFactor = factor === undefined ? undefined : constants.get(factor);
  const first = summed === undefined ? undefined : written.get(summed);
  const ranges = inputs.map((source) => {
    if (source === undefined) return undefined;
    if (source.kind === 'tensor') return written.get(source.name)?.range;
    const weight = weights.find(({ name }) => name === source.tensor.name) ?? source.tensor;
    return constants.get(weight)?.range;
  });
  const facts: AroundNode = {
    node,
    opset,
    inputs: first === undefined ? ranges : [first.range, ...ranges.slice(1)],
    output: written.get(outputs[0] ?? '')?.range,
    dims: first?.dims,
    largestSquares: first?.largestSquares.get(nodeIndex),
    exponent: node.opType === 'Pow' ? singleValue(model, inputs[1]) : undefined,
    weights:
      factor === undefined || ofFactor === undefined
        ? undefined
        : {
            terms: weightGroups(node, factor.dims)?.length ?? 0,
            largestSquares: ofFactor.largestSquares[0] ?? 0,
          },
  };
  const terms = termsOf(facts);
  const places = scaledInputs(node) ?? [];
  const scaled = new Set(places.flatMap((place) => sourceName(model, node.inputs[place] ?? '')));
  const read = reads.flatMap((name): MeasuredRange[] => {
    const range = written.get(name)?.range;
    if (range === undefined) return [];
    return [{ ...range, kind: 'input', ...(scaled.has(name) ? {} : { isUnscaled: true }) }];
  });
  return {
    tensors: own,
    ...(read.length === 0 ? {} : { reads: read }),
    ...(around.isInside ? { isUnseen: true } : {}),
    ...{ inside: insideSum(facts), terms, cancellation: cancellationIn(facts, terms) },
  };
}

function singleValue(model: Model, source: Source | undefined): number | undefined {
  if (source?.kind !== 'constant' || source.tensor.dims.some((size) => size !== 1)) return undefined;
  return floatsOf(source.tensor, model)?.[0];
}

/**
 * How many times the relative error of an output is as large as that of the inputs: of a sum of two, the larger input beside
 * the output (root mean squares); of a sum of n, whose errors are independent, square root of n times the mean input beside it.
 */
function cancellationIn({ node, inputs, output }: AroundNode, terms: number | undefined): number | undefined {
  const kind = node.domain === '' ? CANCELLING.get(node.opType) : undefined;
  if (kind === undefined || output === undefined) return undefined;
  const concerned = kind === 'elements' ? inputs : inputs.slice(0, 1);
  const sizes = concerned.flatMap((one) => (one === undefined ? [] : [rootMeanSquare(one)]));
  const largest = sizes.reduce((most, one) => Math.max(most, one), 0);
  const result = rootMeanSquare(output);
  // Of zeros there is no relative error, nor is there one in sums of them.
  if (largest === 0 || result === 0) return undefined;
  if (kind === 'elements') return largest / result;
  if (terms === undefined) return undefined;
  return kind === 'sum' ? (Math.sqrt(terms) * largest) / result : largest / (Math.sqrt(terms) * result);
}
