// What the plan asks of layers beside their format is said beside errors that leave it out.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bindTo, writeChain } from '../analysis/testing/index.js';
import { folderForTests } from '../testing/index.js';
import { optionReasons } from './option-reasons.js';

const folder = folderForTests();

function checkOptions(statements: string, expected: Readonly<Record<string, string>>): void {
  const model = writeChain(join(folder, 'model.onnx'), 2);
  const { plan } = bindTo(model, statements);
  const found = [...optionReasons(plan, 'fp16')].map(([{ name }, reasons]) => [
    name,
    reasons.map(({ sentence }) => /`(.*)`/.exec(sentence)?.[1]).join(),
  ]);
  expect(Object.fromEntries(found)).toEqual(expected);
}

it('names the options of layers in the format, of sums only where something is added up', () => {
  checkOptions('default: fp16', {});
  checkOptions('default: fp16 { accumulate: fp16 }', {
    mul_0: 'accumulate: fp16',
    mul_1: 'accumulate: fp16',
  });
  checkOptions('layer "mul_0": fp16 { scale: 4, rounding: stochastic, overflow: saturate }', {
    mul_0: 'rounding: stochastic, scale: 4, overflow: saturate',
  });
  checkOptions('layer "mul_0": bf16 { scale: 4 }', {});
});
