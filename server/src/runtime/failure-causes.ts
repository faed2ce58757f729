/**
 * What a message of ONNX Runtime or of a driver means for whoever asked: whose matter it is, and the way out. Knows texts, not
 * sessions. The phrases are those of ONNX Runtime 1.30 with Dawn, CUDA and Direct3D; a text that is not known stays a plain failure.
 */
import { RuntimeFailure, type RuntimeFailureKind } from './types.js';

/** `size`: other tensors of the same kind may do. `moment`: the same may do later. */
export type Circumstance = 'size' | 'moment';

interface Cause {
  readonly pattern: RegExp;
  /** The kind whatever was being done; left out: that of the call. */
  readonly kind?: RuntimeFailureKind;
  /** What it depends on beside the model: left out, nothing is known of that. */
  readonly circumstance?: Circumstance;
  readonly wayOut: string;
}

/** The first that fits counts. */
const CAUSES: readonly Cause[] = [
  {
    // wgpu's, Vulkan's, Direct3D's and CUDA's words. What is left of such a device serves nobody.
    pattern:
      /device (is|was) lost|lost (the )?device|DEVICE_LOST|DXGI_ERROR_DEVICE_(REMOVED|HUNG|RESET)|an illegal memory access|unspecified launch failure/i,
    kind: 'crashed',
    wayOut:
      'The graphics device was lost: its driver reset it, or it was taken away. A new process begins with the next call; if it happens again with this model, its driver is to blame, and target cpu does without it.',
  },
  {
    // std::bad_alloc, arenas, CUDA, Vulkan, Direct3D.
    pattern: /bad_alloc|out of memory|Failed to allocate memory|OUT_OF_(HOST_|DEVICE_)?MEMORY|E_OUTOFMEMORY/i,
    circumstance: 'moment',
    wayOut: 'There is not enough memory for it: take smaller inputs (`dim`), or a target with more memory.',
  },
  {
    // What Linux does where memory is short; the process's own faults end it by other signals.
    pattern: /: signal SIGKILL/,
    circumstance: 'moment',
    wayOut:
      'Something ended it from outside, most likely the system for lack of memory: take smaller inputs (`dim`), or close what else holds memory.',
  },
  {
    // Tensors larger than the largest buffer that a WebGPU device binds are cut up into several.
    pattern:
      /narrowing_error|Too many storage buffers|exceeds the (max|limit)|larger than the (max|limit)|maxStorageBufferBindingSize|maxBufferSize/i,
    circumstance: 'size',
    wayOut:
      'A tensor is larger than this device takes: take smaller inputs (`dim`), keep this layer off the target, or take another target.',
  },
  {
    pattern: /Failed to get a WebGPU (adapter|device)/,
    kind: 'unavailable',
    wayOut: '',
  },
  {
    pattern: /Failed to load shared library|backend not found|no available backend/,
    kind: 'unavailable',
    wayOut: '',
  },
];

/** What failed, as the room says it: `message` with the way out behind it, where there is one. */
export function failureBecause(kind: RuntimeFailureKind, message: string): RuntimeFailure {
  const cause = CAUSES.find(({ pattern }) => pattern.test(message));
  if (cause === undefined) return new RuntimeFailure(kind, message);
  return new RuntimeFailure(cause.kind ?? kind, sentences(message, cause.wayOut));
}

/** Whether the message of a failure says itself whose matter it is: neither the model nor the runtime's arithmetic is to blame. */
export function hasKnownCause({ message }: RuntimeFailure): boolean {
  return CAUSES.some(({ pattern }) => pattern.test(message));
}

/**
 * What a failure depends on beside the model and the target, on whichever side of the process's border it is seen. Nobody knows
 * what a crash depends on: with the same tensors it will most likely come again.
 */
export function circumstanceOf({ kind, message }: RuntimeFailure): Circumstance | undefined {
  return (
    CAUSES.find(({ pattern }) => pattern.test(message))?.circumstance ??
    (kind === 'crashed' ? 'size' : undefined)
  );
}

function sentences(message: string, wayOut: string): string {
  if (wayOut === '') return message;
  return `${/[.!?]$/.test(message) ? message : `${message}.`} ${wayOut}`;
}
