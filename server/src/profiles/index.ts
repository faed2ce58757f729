/** Profiles that runtimes write: files of times, read into kernels. Imports nothing of ours and knows no model. */
export type { Profile, ProfiledKernel, ProfileProblem, ProfileTensor } from './kernel.js';
export { readTrace, type Trace } from './onnx-runtime-trace.js';
export { readProfile } from './read-profile.js';
export { namesIn, type NamesInKernel } from './tensorrt-names.js';
