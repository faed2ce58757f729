/** Options that name nodes, of a variant whose nodes have other names than the model's. */
import { expect, it } from 'vitest';
import { inNamesOf } from './node-options.js';

const OPTIONS = { forceCpuNodeNames: ['twice', 'unknown', 'once'], preferredLayout: 'NHWC', deviceId: 1 };
const VARIANT = { bytes: new Uint8Array(), weightsFolder: '.' };

it('leads names of nodes on to those that a variant has for them, and nothing else', () => {
  const names = new Map([
    ['twice', ['node_1_', 'node_2_']],
    ['once', ['node_7_']],
    ['NHWC', ['node_8_']],
  ]);
  const model = { ...VARIANT, nodeNames: (name: string) => names.get(name) ?? [] };
  expect(inNamesOf(model, OPTIONS)).toEqual({
    ...OPTIONS,
    forceCpuNodeNames: ['node_1_', 'node_2_', 'node_7_'],
  });
  expect(inNamesOf(model, undefined)).toBeUndefined();
});

it('leaves the names of a file, and of a variant that keeps them', () => {
  expect(inNamesOf({ path: 'm.onnx' }, OPTIONS)).toEqual(OPTIONS);
  expect(inNamesOf(VARIANT, OPTIONS)).toEqual(OPTIONS);
});
