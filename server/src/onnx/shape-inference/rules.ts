/** All shape rules by domain and operator. */
import { standardAttentionRules } from './attention.js';
import { contributedRules, machineLearningRules } from './contributed.js';
import { controlFlowRules } from './control-flow.js';
import { elementwiseRules } from './elementwise.js';
import { generationRules } from './generation.js';
import { layoutRules } from './layout.js';
import { matmulRules } from './matmul.js';
import { normalizationRules } from './normalization.js';
import { recurrentRules } from './recurrent.js';
import { reductionRules } from './reduction.js';
import { resizeRules } from './resize.js';
import type { ShapeRule, ShapeRules } from './rule.js';
import { selectionRules } from './selection.js';
import { windowRules } from './windows.js';

const standard: ShapeRules = new Map([
  ...elementwiseRules,
  ...normalizationRules,
  ...windowRules,
  ...matmulRules,
  ...layoutRules,
  ...selectionRules,
  ...reductionRules,
  ...resizeRules,
  ...recurrentRules,
  ...generationRules,
  ...controlFlowRules,
  ...standardAttentionRules,
]);

const byDomain: ReadonlyMap<string, ShapeRules> = new Map([
  ['', standard],
  ['com.microsoft', new Map(contributedRules)],
  ['ai.onnx.ml', new Map(machineLearningRules)],
]);

/** The rule for an operator, if there is one. */
export function shapeRule(domain: string, opType: string): ShapeRule | undefined {
  return byDomain.get(domain)?.get(opType);
}
