/**
 * What a decision rounds beside the types of tensors: formats that no layer can be given as a type, weights in a format of
 * their own, stochastic rounding, scales; and how sums are added up. Knows one layer at a time and what each of its
 * tensors is; not how a rounding is written.
 */
import type { Accumulation, FormatName, RunFormat } from '../../formats/index.js';
import {
  inputFollowsMainType,
  intAttribute,
  outputFollowsMainType,
  type Model,
  type Node,
  type OperatorSchema,
  type Tensor,
} from '../../onnx/index.js';
import { isConvertible } from '../model/constant-types.js';
import { scaledInputs } from '../model/homogeneous.js';
import { layerInFormat } from './layer-in-format.js';
import { elementTypeOf, isFloating } from '../model/model-facts.js';
import { isInteger, isQuantizing, quantizationKey } from './rounding-keys.js';
import { constantOf, modelScopes, type ScopedTensor } from '../model/scopes.js';
import { isQuantizer } from '../model/spelled-roundings.js';
import { runningAxis, summedAxes, sumsElements } from '../model/summed-axes.js';
import { addsUpLabels, summedLabels } from '../model/summed-labels.js';
import { tensorShape } from '../model/tensor-shapes.js';
import type {
  HeldPlaces,
  IntegerRanges,
  Layer,
  LayerDecision,
  NodeRounding,
  PrecisionGraph,
  TensorRounding,
} from '../types.js';

/** The formats that are element types of ONNX in which operators compute. */
export function isRunFormat(format: FormatName | 'original'): format is RunFormat {
  return format === 'fp32' || format === 'fp16' || format === 'bf16';
}

/** In which type a layer is written and read under a decision: FP32, where its roundings say the rest. */
export function elementFormat(decision: LayerDecision): RunFormat | 'original' {
  const { format } = decision;
  if (format === 'original' || !isRunFormat(format)) return format === 'original' ? format : 'fp32';
  return isRoundedApart(decision) ? 'fp32' : format;
}

/** Whether roundings, and not the element type, say how the layer's tensors are rounded. */
function isRoundedApart({ format, numerics }: LayerDecision): boolean {
  if (format === 'original' || format === 'fp32') return false;
  if (!isRunFormat(format)) return true;
  const { weights, stochastic, scale } = numerics ?? {};
  // Weights that the layer's own type cannot hold.
  return stochastic === true || scale !== undefined || (weights !== undefined && isRunFormat(weights));
}

/** Operators that add up products, or what a window shows, whose accumulation can be told. */
const ADDING: ReadonlySet<string> = new Set(['AveragePool', 'Conv', 'CumSum', 'Gemm', 'MatMul']);

/** Whether accumulation can be decided for the operator. */
export function addsUp(node: Node): boolean {
  if (node.domain === '' && node.opType === 'Einsum') return addsUpLabels(node);
  return (node.domain === '' && ADDING.has(node.opType)) || sumsElements(node);
}

/** Scan has axes from here on, */
const FIRST_OPSET_WITH_SUMS = 9;
/** and knows them by their distance from the last from here on. */
const FIRST_OPSET_WITH_LAST_AXES = 11;

/** The version of the ONNX domain's operators; a model without any is as old as can be. */
export function opsetOf({ opsets }: Model): number {
  return opsets.get('') ?? 1;
}

/** Why the layer's sums cannot be added up one by one in emulation; undefined where they can. */
export function sumProblem(model: Model, { node, nodeIndex, weights }: Layer): string | undefined {
  const opset = opsetOf(model);
  if (opset < FIRST_OPSET_WITH_SUMS)
    return `emulating it needs opset ${FIRST_OPSET_WITH_SUMS}, and the model has opset ${opset}`;
  if (node.opType === 'MatMul' && opset < FIRST_OPSET_WITH_LAST_AXES)
    return `emulating it needs opset ${FIRST_OPSET_WITH_LAST_AXES}, and the model has opset ${opset}`;
  if (node.opType === 'Conv' && weights.length === 0)
    return 'the shape of a kernel that is computed is not known';
  // Sums of nothing are exact in FP32, and no runtime counts to none in steps.
  if (isOfNothing(model, nodeIndex)) return 'nothing is added up where a length is 0';
  if (node.opType === 'AveragePool') {
    if (intAttribute(node, 'ceil_mode', 0) === 1)
      return 'windows beyond the edge (`ceil_mode`) are not emulated';
    if (channelsRead(model, nodeIndex) === undefined) return 'how many channels are pooled is not known';
  }
  if (sumsElements(node) && summedAxes(modelScopes(model), nodeIndex) === undefined)
    return 'the axes of the sum, or of what is summed, are not known';
  if (node.opType === 'CumSum' && runningAxis(modelScopes(model), nodeIndex) === undefined)
    return 'the axis of the sum, or the rank of what is summed, is not known';
  if (node.opType === 'Einsum' && summedLabels(modelScopes(model), nodeIndex) === undefined)
    return 'its equation has a diagonal, an ellipsis of unknown rank, or elements that are repeated along a label that it keeps';
  return undefined;
}

/** Whether a tensor that the node reads or writes is known to have no elements. */
function isOfNothing(model: Model, at: number): boolean {
  const scopes = modelScopes(model);
  const { inputs = [], outputs = [] } = scopes.nodes[at] ?? {};
  return [...inputs, ...outputs].some((id) => tensorShape(scopes, id)?.includes(0) === true);
}

/** How many channels the first input of a node has; undefined where that is not known. */
function channelsRead(model: Model, at: number): number | undefined {
  const scopes = modelScopes(model);
  const channels = tensorShape(scopes, scopes.nodes[at]?.inputs[0] ?? '')?.[1];
  return typeof channels === 'number' ? channels : undefined;
}

/** What is known of a tensor that a node reads or writes. */
export interface RoundedEnd {
  readonly isFloating: boolean;
  /** The tensor's values, where they are constant. */
  readonly constant: Tensor | undefined;
  /** Computed from constants alone. */
  readonly isDerived: boolean;
}

/** What the node rounds under the decision; undefined where types say all. */
export function nodeRounding(
  decision: LayerDecision,
  schema: OperatorSchema,
  inputs: readonly RoundedEnd[],
  outputs: readonly RoundedEnd[],
): NodeRounding | undefined {
  const { format, numerics = {}, overflow } = decision;
  const { node } = decision.layer;
  if (format === 'original') return undefined;
  const apart = isRoundedApart(decision);
  const rounding = (
    to: FormatName | undefined,
    constant: Tensor | undefined,
    input: number,
  ): TensorRounding | undefined => {
    if (to === undefined || to === 'fp32') return undefined;
    if (isInteger(to) && isAddend(node, input)) return undefined;
    const axis =
      isInteger(to) && constant !== undefined && numerics.perChannel === true
        ? channelAxis(node, input, constant.dims.length)
        : undefined;
    return {
      format: to,
      stochastic: numerics.stochastic === true,
      overflow,
      quantize: numerics.quantize ?? { name: 'minmax' },
      ...(axis === undefined ? {} : { axis }),
      isWeight: constant !== undefined,
    };
  };
  const own = apart ? format : undefined;
  const { accumulate, scale } = numerics;
  const found: NodeRounding = {
    inputs: inputs.map(({ isFloating, constant, isDerived }, input) => {
      if (!isFloating || !inputFollowsMainType(schema, input)) return undefined;
      // A type that is narrower than FP32 reaches what is derived by itself.
      const isWeight = constant !== undefined || (isDerived && apart);
      return rounding(isWeight ? (numerics.weights ?? own) : own, constant, input);
    }),
    outputs: outputs.map(({ isFloating }, output) =>
      isFloating && outputFollowsMainType(schema, output) ? rounding(own, undefined, -1) : undefined,
    ),
    ...(accumulate !== undefined && accumulate.kind !== 'fp32' && addsUp(node)
      ? { accumulate, ...(numerics.stochastic === true ? { drawsSums: true } : {}) }
      : {}),
    // The scale of an integer format does what a power of two would.
    ...(scale !== undefined && apart && !isInteger(format) && scaledInputs(node) !== undefined
      ? { scale }
      : {}),
    ...(overflow === 'saturate' && !apart && (format === 'fp16' || format === 'bf16')
      ? { held: heldPlaces(format, schema, inputs, outputs) }
      : {}),
  };
  return doesSomething(found) ? found : undefined;
}

/** Whether there is anything that the node rounds, holds or adds up in its own way. */
export function doesSomething({ inputs, outputs, accumulate, held }: NodeRounding): boolean {
  const rounds = [...inputs, ...outputs].some((one) => one !== undefined);
  const holds = held !== undefined && held.inputs.length + held.outputs.length > 0;
  return rounds || holds || accumulate !== undefined;
}

/** All that has the layer's type but constants, which are saturated where they are stored. */
function heldPlaces(
  format: HeldPlaces['format'],
  schema: OperatorSchema,
  inputs: readonly RoundedEnd[],
  outputs: readonly RoundedEnd[],
): HeldPlaces {
  return {
    format,
    inputs: inputs.flatMap(({ isFloating, constant }, input) =>
      isFloating && constant === undefined && inputFollowsMainType(schema, input) ? [input] : [],
    ),
    outputs: outputs.flatMap(({ isFloating }, output) =>
      isFloating && outputFollowsMainType(schema, output) ? [output] : [],
    ),
  };
}

/**
 * The same for a layer all of which is in one format, whatever a plan says; weights beyond the range are what the format has.
 *
 * @param ranges of an integer format; the usual where they are left out.
 */
export function nodeRoundingOf(
  model: Model,
  layer: Layer,
  format: FormatName,
  ranges?: IntegerRanges,
): NodeRounding | undefined {
  const scoped = modelScopes(model).nodes[layer.nodeIndex];
  const schema = scoped?.scope.operators.schema(scoped.node);
  if (scoped === undefined || schema === undefined || isQuantizer(scoped)) return undefined;
  const decision: LayerDecision = {
    ...layerInFormat(layer, format),
    ...(ranges === undefined ? {} : { numerics: ranges }),
  };
  const endOf = (id: string): RoundedEnd => roundedEnd(modelScopes(model).tensors.get(id), false);
  return nodeRounding(decision, schema, scoped.inputs.map(endOf), scoped.outputs.map(endOf));
}

/** Whether the node reads a constant of which its codes say all. What is multiplied before it is rounded is read as it was. */
export function readsCodes(node: Node, { inputs, scale }: NodeRounding, input: number): boolean {
  const rounding = inputs[input];
  if (rounding?.isWeight !== true) return false;
  const isScaled = scale !== undefined && scaledInputs(node)?.includes(input) === true;
  return !isScaled || isQuantizing(rounding);
}

/** What a tensor is to those who round it. What a caller may feed is no constant. */
export function roundedEnd(tensor: ScopedTensor | undefined, isDerived: boolean): RoundedEnd {
  const value =
    tensor === undefined || tensor.scope.index.isGraphInput(tensor.name) ? undefined : constantOf(tensor);
  return {
    isFloating: isFloating(elementTypeOf(tensor?.type)),
    constant: value !== undefined && isConvertible(value.dataType) ? value : undefined,
    isDerived,
  };
}

/** What is added to a finished sum: integer arithmetic holds it in the sum's own width, so it is not rounded. */
function isAddend({ domain, opType }: Node, input: number): boolean {
  return (
    domain === '' && input === 2 && (opType === 'Conv' || opType === 'ConvTranspose' || opType === 'Gemm')
  );
}

/** The axis of a weight along which output channels lie; undefined where there are none. */
function channelAxis(node: Node, input: number, rank: number): number | undefined {
  if (rank < 2) return undefined;
  switch (node.opType) {
    case 'ConvTranspose':
      return 1;
    case 'Gemm':
      return input === 0 ? intAttribute(node, 'transA', 0) : 1 - intAttribute(node, 'transB', 0);
    case 'MatMul':
      return input === 0 ? rank - 2 : rank - 1;
    default:
      return 0;
  }
}

/** A tensor of which values have to be seen before it can be rounded. */
export interface WantedQuantization {
  readonly key: string;
  /** Id of the tensor. */
  readonly tensor: string;
  readonly rounding: TensorRounding;
  /** The first node that reads or writes it so; for `output_mse` the one whose output counts. */
  readonly node: number;
}

/** The scales that the graph's roundings need and do not have. */
export function wantedQuantizations(
  graph: PrecisionGraph,
  scopedNodes: readonly EndsOfNode[],
): readonly WantedQuantization[] {
  const wanted = new Map<string, WantedQuantization>();
  for (const [node, { inputs, outputs }] of graph.roundings) {
    const ends = scopedNodes[node];
    const add = (rounding: TensorRounding | undefined, tensor: string | undefined): void => {
      if (rounding === undefined || tensor === undefined || !isQuantizing(rounding)) return;
      const key = quantizationKey(tensor, rounding);
      if (!graph.quantizations.has(key) && !wanted.has(key)) wanted.set(key, { key, tensor, rounding, node });
    };
    inputs.forEach((rounding, input) => {
      add(rounding, ends?.inputs[input]);
    });
    outputs.forEach((rounding, output) => {
      add(rounding, ends?.outputs[output]);
    });
  }
  return [...wanted.values()];
}

interface EndsOfNode {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** The accumulations other than FP32 that the graph's sums have. */
export function accumulationsOf({ roundings }: PrecisionGraph): readonly Accumulation[] {
  return [...roundings.values()].flatMap(({ accumulate }) => accumulate ?? []);
}

/** The graph with scales for its integer formats. */
export function withQuantizations(
  graph: PrecisionGraph,
  quantizations: PrecisionGraph['quantizations'],
): PrecisionGraph {
  return { ...graph, quantizations: new Map([...graph.quantizations, ...quantizations]) };
}
