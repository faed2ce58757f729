/**
 * What a format does to single layers: an FP32 model in which each of them has a twin that is fed the exact
 * inputs, rounded, and whose rounded output is compared with the exact one. Knows one layer at a time.
 */
import type { LowFormatName, Quantization } from '../formats/index.js';
import {
  DataType,
  finish,
  inputFollowsMainType,
  isStep,
  makeAttribute,
  makeNode,
  makeTensorType,
  makeValueInfo,
  outputFollowsMainType,
  withNode,
  type Model,
  type Steps,
  variantSteps,
} from '../onnx/index.js';
import {
  allowsFormat,
  drawsRandomNumbers,
  isFloating,
  isInMainGraph,
  isRunFormat,
  modelFacts,
  nodeRoundingOf,
  type IntegerRanges,
  typeOfFormat,
  type Layer,
} from '../plan/index.js';
import { unchanged } from './emulated.js';
import { ExplicitCasts } from './explicit-casts.js';

export interface LocalErrorOutput {
  readonly layer: Layer;
  /** Output with the sum of squared differences between the twin and the exact layer; a scalar. */
  readonly squaredError: string;
  /** Output with the sum of squares of the exact layer's output; a scalar. */
  readonly squaredNorm: string;
}

export interface LocalErrorVariant {
  readonly bytes: Uint8Array;
  readonly outputs: readonly LocalErrorOutput[];
}

/**
 * The variant that measures the local errors of `layers`. Its only outputs are the scalars. Layers that do not allow
 * the format at the model's opset, that draw random numbers, or that stand inside a sub-graph or function (which runs any
 * number of times, each with inputs of its own) are left out. An overflow shows as a non-finite
 * error of its own layer and of no other, because only twins see rounded values.
 */
export function localErrorVariant(
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
  quantizations: ReadonlyMap<string, Quantization> = new Map(),
): LocalErrorVariant {
  return finish(localErrorSteps(model, layers, format, quantizations));
}

/** The same, a few nodes at a time. */
export function* localErrorSteps(
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
  quantizations: ReadonlyMap<string, Quantization> = new Map(),
  ranges?: IntegerRanges,
): Steps<LocalErrorVariant> {
  const casts = yield* ExplicitCasts.of({ ...unchanged(model), quantizations });
  const outputs: LocalErrorOutput[] = [];
  for (const [index, layer] of layers.entries()) {
    if (isStep(index)) yield;
    outputs.push(...addTwin(casts, model, layer, format, ranges));
  }
  const scalar = makeTensorType(DataType.FLOAT, []);
  const variant = yield* variantSteps(model, {
    nodes: casts.nodes,
    initializers: casts.initializers,
    inputs: model.graph.inputs,
    outputs: outputs
      .flatMap(({ squaredError, squaredNorm }) => [squaredError, squaredNorm])
      .map((name) => makeValueInfo(name, scalar)),
  });
  return { bytes: variant.bytes, outputs };
}

function addTwin(
  casts: ExplicitCasts,
  model: Model,
  layer: Layer,
  format: LowFormatName,
  ranges: IntegerRanges | undefined,
): readonly LocalErrorOutput[] {
  const { node, nodeIndex } = layer;
  const facts = modelFacts(model);
  const schema = facts.schema(node);
  if (!isInMainGraph(model, nodeIndex)) return [];
  if (schema === undefined || !allowsFormat(model, layer, format) || drawsRandomNumbers(node)) return [];
  const type = isRunFormat(format) ? typeOfFormat(format) : DataType.FLOAT;
  const own = isRunFormat(format) ? undefined : nodeRoundingOf(model, layer, format, ranges);
  const measured = node.outputs.filter(
    (name, output) => outputFollowsMainType(schema, output) && isFloating(casts.values.writtenType(name)),
  );
  if (measured.length === 0) return [];

  const inputs = node.inputs.map((name, input) => {
    const readType = casts.values.readType(nodeIndex, input);
    if (name === '' || readType === undefined) return name;
    const follows = inputFollowsMainType(schema, input) && isFloating(readType);
    const rounding = own?.inputs[input];
    if (rounding !== undefined)
      return casts.values.roundedValue(casts.values.valueIn(name, type), name, rounding);
    return casts.values.valueIn(name, follows ? type : readType);
  });
  const twins = node.outputs.map((name) => (name === '' ? '' : casts.takeName(`${name}_twin`)));
  casts.nodes.push(
    withNode(node, {
      name: casts.takeName(`${layer.name}_twin`),
      inputs,
      outputs: twins,
      attributes: casts.widenedAttributes(nodeIndex),
    }),
  );
  const errors: string[] = [];
  const norms: string[] = [];
  for (const name of measured) {
    const twin = twins[node.outputs.indexOf(name)] ?? '';
    const exact = exactValue(casts, name);
    const rounded = casts.takeName(`${name}_twin_rounded`);
    const rounding = own?.outputs[node.outputs.indexOf(name)];
    if (rounding === undefined) casts.values.addRounding(twin, type, rounded);
    else casts.values.addOwnRounding(twin, name, rounding, rounded);
    const difference = casts.takeName(`${name}_difference`);
    casts.nodes.push(makeNode({ opType: 'Sub', inputs: [rounded, exact], outputs: [difference] }));
    errors.push(addSumOfSquares(casts, difference, `${name}_squared_error`));
    norms.push(addSumOfSquares(casts, exact, `${name}_squared_norm`));
  }
  return [{ layer, squaredError: addSum(casts, errors), squaredNorm: addSum(casts, norms) }];
}

/** Double is narrowed: the twin of a double layer computes in FP32, and so does the comparison. */
function exactValue(casts: ExplicitCasts, name: string): string {
  const type = casts.values.writtenType(name) ?? DataType.FLOAT;
  const value = casts.values.valueIn(name, type);
  return type === DataType.DOUBLE ? casts.values.valueIn(name, DataType.FLOAT) : value;
}

/** Without axes the operator reduces all of them, at every opset. */
function addSumOfSquares(casts: ExplicitCasts, of: string, name: string): string {
  const sum = casts.takeName(name);
  const attributes = [makeAttribute('keepdims', { kind: 'int', value: 0 })];
  casts.nodes.push(makeNode({ opType: 'ReduceSumSquare', inputs: [of], outputs: [sum], attributes }));
  return sum;
}

function addSum(casts: ExplicitCasts, parts: readonly string[]): string {
  const [first = ''] = parts;
  if (parts.length === 1) return first;
  const sum = casts.takeName(`${first}_all`);
  casts.nodes.push(makeNode({ opType: 'Sum', inputs: parts, outputs: [sum] }));
  return sum;
}
