/** Gradients of an ONNX model, made as nodes of an ONNX model. */
export {
  backwardModel,
  backwardSteps,
  type BackwardModel,
  type BackwardRequest,
  type NodeWithoutRule,
  type Reach,
} from './backward.js';
export { backwardVariant, backwardVariantSteps, type AppendedParts } from './backward-variant.js';
export type { FactoredGradient } from './factored-gradient.js';
export { DIFFERENTIABLE } from './rules.js';
