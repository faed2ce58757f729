/** FP32 models that behave like a plan's mixed-precision model, and other small models made of a large one. */
export type { Variant } from './variant.js';
export { emulated, explicit } from './emulated.js';
export { exposed } from './exposed.js';
export { localErrorVariant, type LocalErrorOutput, type LocalErrorVariant } from './local-error.js';
export { numbered, type NumberedVariant } from './numbered.js';
export { sameGraph } from './same-graph.js';
export {
  allowedCuts,
  prefixVariant,
  segmentVariant,
  type PrefixVariant,
  type SegmentVariant,
} from './segment.js';
export { isMixed, switchedLayer, type SwitchedLayer } from './switched-layer.js';
export { labelled, type LabelledVariant, type LabelParts } from './labelled.js';
