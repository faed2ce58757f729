/** FP32 models that behave like a plan's mixed-precision model, and other small models made of a large one. */
export type { Variant } from '../onnx/index.js';
export {
  emulated,
  emulatedSteps,
  emulatedTensorsSteps,
  explicit,
  explicitSteps,
  unchanged,
} from './emulated.js';
export { exposed, exposedGraph, exposedSteps } from './exposed.js';
export {
  localErrorSteps,
  localErrorVariant,
  type LocalErrorOutput,
  type LocalErrorVariant,
} from './local-error.js';
export { RoundingWriter } from './rounding/writer.js';
export { judgedOutput, outputErrorSteps, type OutputErrorVariant } from './output-error.js';
export { numberedSteps, type NumberedVariant } from './numbered.js';
export { sameGraph } from './same-graph.js';
export {
  allowedCuts,
  prefixSteps,
  segmentSteps,
  type PrefixVariant,
  type SegmentVariant,
} from './segment.js';
export { isMixed, switchedLayer, type SwitchedLayer } from './switched-layer.js';
export { labelledSteps, type LabelledVariant, type LabelParts } from './labelled.js';
