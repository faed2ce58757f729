/**
 * In which format a layer can run that a plan wants in another: its operator may not allow it at the model's opset.
 * Knows one layer at a time, no plan.
 */
import type { FormatName, RunFormat } from '../../formats/index.js';
import { DataType, outputFollowsMainType, type Model } from '../../onnx/index.js';
import { elementTypeOf, modelFacts, type OperatorFacts } from '../model/model-facts.js';
import { writeOperatorType } from '../model/operators.js';
import { isRunFormat } from '../roundings/roundings.js';
import { isInMainGraph, modelScopes } from '../model/scopes.js';
import type { Layer } from '../types.js';

export interface RunnableFormat {
  readonly format: FormatName | 'original';
  /** Why it is not the format that was wanted. */
  readonly clamped: string | undefined;
}

export const DATA_TYPE_OF: Readonly<Record<RunFormat, DataType>> = {
  fp32: DataType.FLOAT,
  fp16: DataType.FLOAT16,
  bf16: DataType.BFLOAT16,
};

/**
 * The format wanted if the operator's schema allows it, else FP32. A layer whose operator has no schema, or none
 * that allows FP32 either, stays as it is in the model.
 */
export function runnableFormat(model: Model, layer: Layer, wanted: FormatName): RunnableFormat {
  const { node } = layer;
  const operators = operatorsFor(model, layer);
  if (!isRunFormat(wanted)) return roundedFormat(model, operators, layer, wanted);
  const schema = operators.schema(node);
  if (operators.allows(node, DATA_TYPE_OF[wanted])) {
    return { format: wanted, clamped: undefined };
  }
  if (presentType(model, layer) === DATA_TYPE_OF[wanted]) {
    return { format: 'original', clamped: undefined };
  }
  const operator = writeOperatorType(node);
  if (!schema) {
    return {
      format: 'original',
      clamped: `no schema of ${operator} is known, so it stays as it is in the model`,
    };
  }
  if (wanted !== 'fp32' && operators.allows(node, DataType.FLOAT)) {
    return {
      format: 'fp32',
      clamped: `${operator} does not allow ${wanted} at this opset, so it runs in fp32`,
    };
  }
  return {
    format: 'original',
    clamped: `${operator} does not allow ${wanted} at this opset, so it stays as it is in the model`,
  };
}

/** What no operator computes in is FP32 between roundings. */
function roundedFormat(
  model: Model,
  operators: OperatorFacts,
  { node, nodeIndex }: Layer,
  wanted: FormatName,
): RunnableFormat {
  if ((wanted === 'int8' || wanted === 'int4') && !isInMainGraph(model, nodeIndex)) {
    const why = 'the ranges that integers need are not observed inside sub-graphs and functions';
    return { format: 'original', clamped: `${why}, so it stays as it is in the model` };
  }
  if (operators.allows(node, DataType.FLOAT)) return { format: wanted, clamped: undefined };
  const operator = writeOperatorType(node);
  const why =
    operators.schema(node) === undefined
      ? `no schema of ${operator} is known`
      : `${operator} does not compute in fp32 between numbers of ${wanted}`;
  return { format: 'original', clamped: `${why}, so it stays as it is in the model` };
}

/** The operators of the opsets that hold where the layer stands. */
function operatorsFor(model: Model, { nodeIndex }: Layer): OperatorFacts {
  return modelScopes(model).nodes[nodeIndex]?.scope.operators ?? modelFacts(model);
}

/** The element type of the layer's main-type output in the model; undefined where it is not known. */
export function presentType(model: Model, layer: Layer): DataType | undefined {
  return nodeType(model, layer.nodeIndex);
}

/** The same for any node, by its number. */
export function nodeType(model: Model, at: number): DataType | undefined {
  const { nodes, tensors } = modelScopes(model);
  const scoped = nodes[at];
  if (scoped === undefined) return undefined;
  const schema = scoped.scope.operators.schema(scoped.node);
  const main = scoped.outputs.find(
    (id, index) => id !== '' && (schema === undefined || outputFollowsMainType(schema, index)),
  );
  return elementTypeOf(tensors.get(main ?? '')?.type);
}
