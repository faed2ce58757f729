/** Which rule differentiates which operator: put together from one file for each family. */
import type { Node } from '../onnx/index.js';
import type { VjpRule, VjpRules } from './rule.js';
import { activationRules } from './rules/activation.js';
import { attentionRules } from './rules/attention.js';
import { convolutionRules } from './rules/convolution.js';
import { einsumRules } from './rules/einsum.js';
import { elementwiseRules } from './rules/elementwise.js';
import { indexingRules } from './rules/indexing.js';
import { layoutRules } from './rules/layout.js';
import { matmulRules } from './rules/matmul.js';
import { normalizationRules } from './rules/normalization.js';
import { poolingRules } from './rules/pooling.js';
import { recurrentRules } from './rules/recurrent.js';
import { reductionRules } from './rules/reduction.js';
import { resizeRules } from './rules/resize.js';
import { softmaxRules } from './rules/softmax.js';

const families: readonly VjpRules[] = [
  elementwiseRules,
  activationRules,
  matmulRules,
  convolutionRules,
  normalizationRules,
  poolingRules,
  softmaxRules,
  resizeRules,
  reductionRules,
  recurrentRules,
  layoutRules,
  indexingRules,
  einsumRules,
  attentionRules,
];

const RULES: ReadonlyMap<string, VjpRule> = new Map(families.flatMap((family) => Object.entries(family)));

/** The operators that have a rule, `Name` or `domain.Name`, in alphabetical order. */
export const DIFFERENTIABLE: readonly string[] = [...RULES.keys()].sort();

export function ruleOf(node: Node): VjpRule | undefined {
  return RULES.get(node.domain === '' ? node.opType : `${node.domain}.${node.opType}`);
}
