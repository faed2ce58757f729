/** Calibration samples: read from files or made up, checked against the model's inputs. */
export { readLabels, type Label } from './labels.js';
export { neededLabels, resolvePlanSamples } from './plan-samples.js';
export { resolveSamples, samplesKey } from './resolve.js';
export type { ResolvedSamples, Sample, SampleProblem, SampleProblemCode, SampleTensor } from './types.js';
