// What targets do not run in its format is a reason to look at a layer, in that format alone.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TriedLayer } from '../analysis/index.js';
import { bindTo, writeChain } from '../analysis/testing/index.js';
import { folderForTests } from '../testing/index.js';
import { supportReasons } from './support-reasons.js';

const folder = folderForTests();

it('names the target and what it runs instead, for layers that the plan has in that format', () => {
  const model = writeChain(join(folder, 'model.onnx'), 2);
  const { plan } = bindTo(model, 'default: fp16\nlayer "mul_1": fp32\n');
  const tried = { outcome: 'through casts', detail: '' } as const;
  const native = { outcome: 'native', detail: '' } as const;
  const layers = new Map<string, TriedLayer>([
    ['mul_0', tried],
    ['mul_1', tried],
    ['relu_0', native],
  ]);
  const found = supportReasons(plan, [
    { target: 'webgpu', format: 'fp16', layers },
    { target: 'cpu', format: 'bf16', layers },
  ]);
  const sentence =
    'webgpu does not run it in fp16: it runs in FP32 between casts, since webgpu has no kernel for fp16';
  expect([...found].map(([{ name }, reasons]) => [name, reasons])).toEqual([
    ['mul_0', [{ code: 'unsupported-on-target', sentence, flags: true }]],
  ]);
});
