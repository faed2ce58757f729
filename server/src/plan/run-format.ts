/**
 * In which format a layer can run that a plan wants in another: its operator may not allow it at the model's opset.
 * Knows one layer at a time, no plan.
 */
import type { RunFormat } from '../formats/index.js';
import { DataType, outputFollowsMainType } from '../onnx/index.js';
import type { ModelFacts } from './model-facts.js';
import { writeOperatorType } from './operators.js';
import type { Layer } from './types.js';

export interface RunnableFormat {
  readonly format: RunFormat | 'original';
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
export function runnableFormat(facts: ModelFacts, layer: Layer, wanted: RunFormat): RunnableFormat {
  const { node } = layer;
  const schema = facts.schema(node);
  if (facts.allows(node, DATA_TYPE_OF[wanted])) {
    return { format: wanted, clamped: undefined };
  }
  if (presentType(facts, layer) === DATA_TYPE_OF[wanted]) {
    return { format: 'original', clamped: undefined };
  }
  const operator = writeOperatorType(node);
  if (!schema) {
    return {
      format: 'original',
      clamped: `no schema of ${operator} is known, so it stays as it is in the model`,
    };
  }
  if (wanted !== 'fp32' && facts.allows(node, DataType.FLOAT)) {
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

/** The element type of the layer's main-type output in the model. */
function presentType(facts: ModelFacts, { node }: Layer): DataType | undefined {
  const schema = facts.schema(node);
  const main = node.outputs.findIndex(
    (output, index) => output !== '' && (!schema || outputFollowsMainType(schema, index)),
  );
  return facts.elementType(node.outputs[main] ?? '');
}
