/** Where kernels ran, from profiles as ONNX Runtime writes them. */
import { expect, it } from 'vitest';
import type { ProfiledKernel } from '../../runtime/index.js';
import { placementNotes, placementOf, providerOfKernels } from './placement.js';

function kernel(opType: string, provider: string, type = 'float16'): ProfiledKernel {
  return {
    name: opType,
    opType,
    provider,
    milliseconds: 1,
    inputShapes: [{ type, dims: [1] }],
    outputShapes: [],
  };
}

const KERNELS = [
  kernel('Conv', 'WebGpuExecutionProvider'),
  kernel('MemcpyToHost', 'WebGpuExecutionProvider'),
  kernel('Det', 'CPUExecutionProvider', 'float'),
  kernel('Det', 'CPUExecutionProvider', 'float'),
  kernel('Relu', 'CPUExecutionProvider'),
];

it('counts what ran on the target, what ran elsewhere, and what moved between them', () => {
  const placement = placementOf(KERNELS, 'webgpu');
  expect(placement).toEqual({
    onTarget: 1,
    copies: 1,
    elsewhere: [
      { provider: 'CPUExecutionProvider', opType: 'Det', type: 'float', kernels: 2 },
      { provider: 'CPUExecutionProvider', opType: 'Relu', type: 'float16', kernels: 1 },
    ],
  });
  expect(placementNotes(placement, 'webgpu')).toEqual([
    '2 of 4 kernels, Det in float, ran on CPUExecutionProvider: webgpu has none for it.',
    '1 of 4 kernels, Relu in float16, ran on CPUExecutionProvider: webgpu has none for it.',
  ]);
  expect(placementNotes(placementOf(KERNELS.slice(0, 1), 'webgpu'), 'webgpu')).toEqual([]);
});

it('says of casts beside what ran elsewhere that they are there for that', () => {
  const clip = [kernel('Clip', 'CPUExecutionProvider'), kernel('Cast', 'CPUExecutionProvider')];
  expect(placementNotes(placementOf(clip, 'webgpu'), 'webgpu')[1]).toMatch(/Cast.*, beside others there\.$/);
  expect(placementNotes(placementOf(clip.slice(1), 'webgpu'), 'webgpu')[0]).toMatch(/has none for it/);
});

it('knows the one provider of a run, if there is one', () => {
  expect(providerOfKernels(KERNELS.slice(0, 2))).toBe('webgpu');
  expect(providerOfKernels(KERNELS)).toBeUndefined();
  expect(providerOfKernels([])).toBeUndefined();
});
