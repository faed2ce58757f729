// Options of a layer that errors of single layers leave out, as plans write them.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FormatName } from '../../formats/index.js';
import { integerRanges } from '../../plan/index.js';
import { folderForTests } from '../../testing/index.js';
import { bindTo, writeChain } from '../testing/index.js';
import { optionsLeftOut } from './left-out-options.js';

const folder = folderForTests();

/** What is left out of the layer `mul_0`, of errors in its own format. */
function checkLeftOut(statements: string, expected: readonly string[]): void {
  const { plan } = bindTo(writeChain(join(folder, 'model.onnx'), 3), statements);
  const decision = plan.decisions.find(({ layer }) => layer.name === 'mul_0');
  if (decision === undefined) throw new Error('the model has the layer');
  const format: FormatName = decision.format === 'original' ? 'fp32' : decision.format;
  expect(optionsLeftOut(decision, format, integerRanges(plan.decisions, format))).toEqual(expected);
}

it('are none of a plain format', () => {
  checkLeftOut('default: fp16', []);
  checkLeftOut('default: fp32', []);
  checkLeftOut('default: fp16 { pinned: true }', []);
});

it('are what sums, roundings, scales, weights and values beyond the range are to be', () => {
  checkLeftOut('default: fp16 { accumulate: chunked(4), overflow: saturate }', [
    'accumulate: chunked(4)',
    'overflow: saturate',
  ]);
  checkLeftOut('default: fp16 { rounding: stochastic, scale: 4 }', ['rounding: stochastic', 'scale: 4']);
  checkLeftOut('default: fp16 { weights: int8 }', ['weights: int8']);
});

it('are other ranges of integers than most layers have', () => {
  checkLeftOut('default: int8 { per: channel, quantize: mse }', []);
  checkLeftOut('default: int8 { per: channel }\nlayer "mul_0": int8 { quantize: percentile(99) }', [
    'quantize: percentile(99)',
    'per: tensor',
  ]);
});
