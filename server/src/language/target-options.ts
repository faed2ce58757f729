/**
 * The options of each target: what ONNX Runtime's own interface for Node takes for the provider, under its names, and what
 * a session of any provider takes. A table; what becomes of a value, it does not know.
 */
import { words, type OptionTerm } from './term.js';

/** The interface of onnxruntime-node 1.30: what it does not name, it refuses or passes over. */
const INTERFACE = 'https://onnxruntime.ai/docs/api/js/interfaces/InferenceSession';

/** More than any machine has processors for; a machine with fewer takes fewer than this, and says so. */
export const MOST_THREADS = 1024;

export const TARGET_OPTIONS: readonly OptionTerm[] = [
  {
    name: 'threads',
    value: { kind: 'integer', least: 1, most: MOST_THREADS },
    summary: 'Threads inside an operator.',
    source: `${INTERFACE}.SessionOptions.html#intraOpNumThreads`,
  },
];

const WEBGPU = `${INTERFACE}.WebGpuExecutionProviderOption.html`;

function cacheMode(name: string, of: string): OptionTerm {
  return {
    name,
    value: words('disabled', 'lazyRelease', 'simple', 'bucket'),
    summary: `How buffers are kept for reuse: ${of}.`,
    source: `${WEBGPU}#${name}`,
  };
}

function deviceId(provider: string): OptionTerm {
  return {
    name: 'deviceId',
    value: { kind: 'integer', least: 0 },
    summary: 'Which device, where there are several; the first is 0.',
    source: `${INTERFACE}.${provider}ExecutionProviderOption.html#deviceId`,
  };
}

const OF_PROVIDER: ReadonlyMap<string, readonly OptionTerm[]> = new Map([
  [
    'webgpu',
    [
      {
        name: 'preferredLayout',
        value: words('NCHW', 'NHWC'),
        summary: 'The layout in which operators run that care for it.',
        source: `${WEBGPU}#preferredLayout`,
      },
      {
        name: 'forceCpuNodeNames',
        value: { kind: 'strings' },
        summary: 'Nodes of the model that run on the CPU all the same.',
        source: `${WEBGPU}#forceCpuNodeNames`,
      },
      {
        name: 'validationMode',
        value: words('disabled', 'wgpuOnly', 'basic', 'full'),
        summary:
          'How much is checked on the way to the device; without any, an error there may end the process.',
        source: `${WEBGPU}#validationMode`,
      },
      {
        name: 'enableRobustness',
        value: words('true', 'false'),
        summary: 'Checks each access to a buffer on the device. The first session of a process decides.',
        source: `${WEBGPU}#enableRobustness`,
      },
      cacheMode('storageBufferCacheMode', 'those of tensors'),
      cacheMode('uniformBufferCacheMode', 'those of parameters'),
      cacheMode('queryResolveBufferCacheMode', 'those of time stamps'),
      cacheMode('defaultBufferCacheMode', 'all others'),
    ],
  ],
  ['cuda', [deviceId('Cuda')]],
  ['tensorrt', [deviceId('TensorRt')]],
  ['dml', [deviceId('Dml')]],
  [
    'coreml',
    [
      {
        name: 'coreMlFlags',
        value: { kind: 'integer', least: 0 },
        summary:
          'Sum of: 1 the CPU alone, 2 sub-graphs too, 4 devices with a Neural Engine alone, 8 static shapes alone, 16 an ML program (needed for FP16), 32 CPU and GPU.',
        source: `${INTERFACE}.CoreMLExecutionProviderOption.html#coreMlFlags`,
      },
    ],
  ],
]);

/** What a statement for this target takes; for a target that is not known, what all of them take. */
export function optionsOfTarget(target: string | undefined): readonly OptionTerm[] {
  return [...TARGET_OPTIONS, ...(OF_PROVIDER.get(target ?? '') ?? [])];
}

/** The options that go to the provider itself and not to the session. */
export function providerOptions(target: string): readonly OptionTerm[] {
  return OF_PROVIDER.get(target) ?? [];
}
