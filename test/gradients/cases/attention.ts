/** Cases for `gradients/rules/attention`: widths, masks in every form, biases, causal, grouped heads. */
import type { GradientCase } from '../gradient-case.js';
import { nodeCase, type CaseAttributes, type NodeCase } from './node-case.js';

const MASK = 'int32[2,3] = 1 1 0 1 0 1';
const PAIRS = 'int32[2,3,3] = 1 1 0 1 0 1 0 1 1 1 1 1 1 0 0 1 0 0';

/** Two batches of three elements of five numbers; two heads. The runtime dies where there is no bias. */
function projected(width: number, more: readonly string[] = [], attributes: CaseAttributes = {}): NodeCase {
  return {
    operator: 'com.microsoft.Attention',
    inputs: ['float[2,3,5]', `float[5,${width}]`, `float[${width}]`, ...more],
    attributes: { num_heads: 2, ...attributes },
  };
}

function multiHead(
  queries: number,
  more: readonly string[] = [],
  attributes: CaseAttributes = {},
  valueWidth = 6,
): NodeCase {
  return {
    operator: 'com.microsoft.MultiHeadAttention',
    inputs: [`float[2,${queries},6]`, 'float[2,3,6]', `float[2,3,${valueWidth}]`, ...more],
    attributes: { num_heads: 2, ...attributes },
  };
}

function standard(
  query: string,
  key: string,
  value: string,
  more: readonly string[] = [],
  attributes: CaseAttributes = {},
): NodeCase {
  return { operator: 'Attention', opset: 23, inputs: [query, key, value, ...more], attributes };
}

const joined = { q_num_heads: 4, kv_num_heads: 2 };

export const attentionCases: readonly GradientCase[] = [
  projected(12),
  projected(12, [], { scale: { float: 0.7 } }),
  projected(12, [], { unidirectional: 1 }),
  projected(14, [], { qkv_hidden_sizes: [4, 4, 6] }),
  projected(12, [MASK]),
  projected(12, ['int32[2,3] = 1 1 0 1 1 1'], { unidirectional: 1 }),
  projected(12, [PAIRS]),
  projected(12, ['int32[2] = 2 3']),
  projected(12, ['int32[4] = 2 3 0 1']),
  projected(12, [MASK], { mask_filter_value: { float: -2 } }),
  projected(12, ['', '', 'float[1,2,3,3]']),
  projected(12, [MASK, '', 'float[2,2,3,3]']),

  multiHead(4),
  multiHead(4, [], {}, 4),
  multiHead(4, ['float[18]']),
  multiHead(3, ['float[18]'], { unidirectional: 1 }),
  multiHead(4, ['', MASK]),
  multiHead(4, ['', 'int32[2] = 2 1']),
  multiHead(2, ['', 'int32[2,2,3] = 1 1 0 1 0 1 0 1 1 1 1 1']),
  multiHead(4, ['', '', 'float[2,1,4,3]'], { scale: { float: 0.4 } }),

  standard('float[2,2,4,3]', 'float[2,2,3,3]', 'float[2,2,3,5]'),
  standard('float[2,4,12]', 'float[2,3,6]', 'float[2,3,4]', [], joined),
  standard('float[2,4,12]', 'float[2,3,6]', 'float[2,3,4]', ['float[4,3]'], joined),
  standard('float[2,4,4,3]', 'float[2,2,3,3]', 'float[2,2,3,5]', ['float[1,4,4,3]'], {
    scale: { float: 0.5 },
  }),
  standard('float[2,2,4,3]', 'float[2,2,3,3]', 'float[2,2,3,5]', [], { is_causal: 1 }),
  standard('float[2,2,4,3]', 'float[2,2,3,3]', 'float[2,2,3,5]', [], { softcap: { float: 0.5 } }),
  standard('float[2,2,4,3]', 'float[2,2,3,3]', 'float[2,2,3,5]', ['float[4,3]'], {
    softcap: { float: 0.5 },
    is_causal: 1,
  }),
  standard('float[2,2,2,3]', 'float[2,2,3,3]', 'float[2,2,3,5]', ['bool[2,3] = 1 0 1 1 1 0']),
  // ONNX Runtime attends in FP32, and dies where it is asked to in FP64.
].map((one) => nodeCase({ ...one, isSingleOnly: true }));
