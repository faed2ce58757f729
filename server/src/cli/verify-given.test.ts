/** Verification of a model that was given: whether it is the plan's is said, however little is to be said. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeChain } from '../analysis/testing/index.js';
import { commandFolder } from './testing/index.js';

const { path: folder, writePlan, run } = commandFolder();

it('says of the original that it is not what the plan converts to, and nothing of what is', async () => {
  writeChain(join(folder, 'm.onnx'), 1);
  writePlan('model "m.onnx"\ninput "x" = ones\ntolerance "y" relative_l2 <= 0.1\ndefault: fp16\n');
  expect((await run('convert p.precision -o out.onnx')).status).toBe(0);
  const given = (name: string) => run(`verify p.precision --executed --draws 1 --model ${name} --quiet`);
  const own = await given('out.onnx');
  expect([own.status, own.error]).toEqual([0, '']);
  const original = await given('m.onnx');
  expect(original.status).toBe(0);
  expect(original.error).toMatch(/^warning not-the-conversion: .*the plan lowers 2 layers/);
});
