/** A file of a profile, of whichever tool it is. Knows the tools by what their files look like; reads no disk. */
import type { Profile, ProfileProblem } from './kernel.js';
import { readTrace } from './onnx-runtime-trace.js';
import { isTensorRtProfile, tensorRtProfile } from './tensorrt-profile.js';

/** What is read here, for messages. */
const KNOWN =
  'a profile of ONNX Runtime (`enable_profiling`) and a file of `trtexec --exportProfile=FILE` can be read';

/** The profile in a text, or why there is none and what would be one. */
export function readProfile(text: string): Profile | ProfileProblem {
  const entries = listIn(text);
  if (entries !== undefined && isTensorRtProfile(entries)) return tensorRtProfile(entries);
  const trace = readTrace(text);
  if ('problem' in trace) return { problem: `${trace.problem}; ${KNOWN}` };
  const { kernels, runs } = trace;
  if (kernels.length === 0) {
    return {
      problem: `it has no times of kernels: the model has to be run before the profile is ended; ${KNOWN}`,
    };
  }
  if (kernels.some((one) => one.isHandedOver === true && one.provider === 'WebGpuExecutionProvider')) {
    return {
      problem:
        'it tells when WebGPU was handed work and not how long the device took: that device has no timestamp queries; ' +
        'take the profile on one that has them',
    };
  }
  return { kind: 'onnxruntime', kernels, runs };
}

function listIn(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
  } catch {
    return undefined;
  }
}
