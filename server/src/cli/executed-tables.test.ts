/** What is said of layers that a target computes worse than emulation foresees. */
import { expect, it } from 'vitest';
import { makeNode } from '../onnx/index.js';
import type { VerifiedExecuted } from '../work/index.js';
import { suspiciousSentences } from './executed-tables.js';

type Suspicious = VerifiedExecuted['suspicious'][number];

/** The sentence about one layer that nothing else stands behind. */
function sentenceOf(executed: number, format: Suspicious['format'], target = 'webgpu'): string {
  const node = makeNode({ opType: 'Softmax', name: 'attention', inputs: ['x'], outputs: ['y'] });
  const layer = { name: 'attention', node, nodeIndex: 0, weights: [], multiplyAdds: 0 };
  const suspicious = [{ layer, executed, emulated: 0.001, elements: 8, follows: false, format }];
  return suspiciousSentences({ suspicious }, target)[0] ?? '';
}

it.each([
  ['fp16', /beyond the range of its format; keep it in fp32$/],
  [undefined, /keep it in fp32, if it is not$/],
  ['fp32', /not lowered, so its kernel there is wrong.*keep it off webgpu \(`forceCpuNodeNames` does\)/],
  ['original', /not lowered.*or take another target$/],
] as const)('a layer in %s without numbers has a way out that is one', (format, wanted) => {
  expect(sentenceOf(Number.NaN, format)).toMatch(wanted);
  expect(sentenceOf(0.1, format)).toMatch(/errs by 0\.1\d* on webgpu.*worse than its format explains$/);
});

it('only a target that has the option is kept off by it', () => {
  expect(sentenceOf(Number.NaN, 'fp32', 'cuda')).not.toMatch('forceCpuNodeNames');
});
