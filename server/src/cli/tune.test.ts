/** The gain that `tune --json` tells, of layers whose shares differ by what is counted. */
import { expect, it } from 'vitest';
import { DataType, makeNode, makeTensor } from '../onnx/index.js';
import { layerInFormat, summarizeDecisions } from '../plan/index.js';
import { gainOf } from './tune.js';

function decision(nodeIndex: number, multiplyAdds: number, weights: number, format: 'fp16' | 'original') {
  const node = makeNode({ opType: 'Gemm', inputs: ['x'], outputs: ['y'] });
  const weight = makeTensor('w', DataType.FLOAT, [weights], new Uint8Array(4 * weights));
  const layer = { name: `layer_${nodeIndex}`, node, nodeIndex, weights: [weight], multiplyAdds };
  return layerInFormat(layer, format);
}

it.each([
  ['macs', 0.9],
  ['size', 0.2],
  ['layers', 0.5],
  ['latency', 0.25],
  ['energy', 0.1],
] as const)('the gain in %s is a share of what that counts', (objective, share) => {
  const decisions = [decision(0, 900, 10, 'fp16'), decision(1, 100, 40, 'original')];
  const latency = {
    fp32: 8,
    plan: 6,
    estimated: 0,
    estimatedFp32: 0,
    files: undefined,
    busy: false,
    misfit: undefined,
  };
  const energy = { fp32: 10, plan: 9, casts: 0, unknown: 0 };
  const tuned = { tuning: { objective, decisions }, summary: summarizeDecisions(decisions), latency, energy };
  expect(gainOf(tuned)).toBeCloseTo(share);
});
