/** The compute process: the only room that loads ONNX Runtime. */
export * from './types.js';
export { circumstanceOf, hasKnownCause, type Circumstance } from './failure-causes.js';
export { startRuntime, type ComputeRuntime, type RuntimeOptions } from './start.js';
export { deviceWords } from './spoken-device.js';
export { withProviderOptions } from './with-options.js';
