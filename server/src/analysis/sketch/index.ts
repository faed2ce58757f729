/** What every possible rounding of a model does to its outputs, from gradients. */
export { isSketchCheaper, measuredTime, sketchTime, type SketchWork } from './cost.js';
export {
  knownSketch,
  sketchedOutputs,
  storedSketch,
  USUAL_PROBES,
  type KnownSketchOptions,
  type Sketch,
} from './known-sketch.js';
export { concentrationOf, probeVariance, type ProbeKinds } from './probes.js';
export { firstOrderScores, hessianScores, type HessianScore } from './scores.js';
export {
  knownSensitivities,
  sketchIfCheaper,
  type Sensitivities,
  type SensitivityOptions,
  type SensitivitySubject,
} from './sensitivities.js';
export { sketchedErrors, TO_MEASURE, type Sensitivity, type SketchFlag } from './sketched-errors.js';
export { Sketcher, type OutputSketch, type SampleSketch, type SketchOptions } from './sketch.js';
export type { EventState } from './sketch-graph.js';
export { checkLabel, LabelMismatch } from './label-mismatch.js';
export { labelRole, lossOf } from './loss.js';
export { unseenPlaces } from './unseen.js';
export { saturatingOperator } from './saturation.js';
export { symmetricEigen } from './symmetric-eigen.js';
