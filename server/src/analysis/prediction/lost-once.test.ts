// What rounding a constant loses is not lost once more by the layers that put it together with others.
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { precisionGraph } from '../../plan/index.js';
import { measure } from '../measurement/measurement.js';
import { measuredAnew } from '../remembered.js';
import { knownSketch } from '../sketch/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  sampleOf,
  WIDTH,
  withEvaluation,
  writeModel,
} from '../testing/index.js';
import { predictorFrom } from './index.js';

const { runtime, folder } = await computeForTests();
let models = 0;

/** For each constant an output that is the sum of all x * c, and one of all 0 * x + c, where x holds nothing but 2. */
function modelOf(constants: readonly number[]) {
  const branches = constants.flatMap((_, at) => [
    makeNode({ opType: 'Mul', name: `times_${at}`, inputs: ['x', `c_${at}`], outputs: [`t_${at}`] }),
    makeNode({ opType: 'ReduceSum', name: `products_${at}`, inputs: [`t_${at}`], outputs: [`p_${at}`] }),
    makeNode({ opType: 'Add', name: `plus_${at}`, inputs: ['z', `c_${at}`], outputs: [`a_${at}`] }),
    makeNode({ opType: 'ReduceSum', name: `sums_${at}`, inputs: [`a_${at}`], outputs: [`s_${at}`] }),
  ]);
  models += 1;
  return writeModel(join(folder, `constants-${models}.onnx`), {
    nodes: [makeNode({ opType: 'Mul', name: 'nothing', inputs: ['x', 'zero'], outputs: ['z'] }), ...branches],
    weights: [
      floatTensor('zero', [1], Float32Array.of(0)),
      ...constants.map((value, at) => floatTensor(`c_${at}`, [1], Float32Array.of(value))),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: Object.fromEntries(
      constants.flatMap((_, at) => [
        [`p_${at}`, [1, 1]],
        [`s_${at}`, [1, 1]],
      ]),
    ),
  });
}

it('of any constant by any layer behind it', async () => {
  const numbers = fc.array(fc.float({ min: 0.5, max: 100, noNaN: true }), { minLength: 4, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(numbers, async (constants) => {
      const model = modelOf([...constants, Math.fround(1.0001)]);
      const { plan } = bindTo(model, 'tolerance relative_l2 <= 1 over mean\ndefault: fp16');
      const { layers, roles, decisions, tolerances } = plan;
      const samples = [0, 1].map((at) =>
        sampleOf(at, { x: { dims: [1, WIDTH], values: new Float32Array(WIDTH).fill(2) } }),
      );
      await withEvaluation(runtime, model, samples, async (evaluation) => {
        const outputs = tolerances.map(({ output }) => output);
        const sketch = await knownSketch(measuredAnew(evaluation), model, layers, 'fp16', outputs);
        const predicted = predictorFrom([{ sketch, errors: [] }]).predict(decisions, tolerances);
        const graph = precisionGraph(model, roles, layers, decisions);
        const { tolerances: truths } = await measure(evaluation, graph, tolerances);
        expect(predicted.tolerances).toHaveLength(2 * constants.length + 2);
        for (const [at, { value }] of predicted.tolerances.entries()) {
          const { measured = Number.NaN } = truths[at] ?? {};
          const constant = at < 2 * constants.length ? constants[at >> 1] : 1.0001;
          const { low = Number.NaN, high = Number.NaN } = value ?? {};
          // Gradients and products are FP32, and so is what is measured.
          const slack = 1e-6;
          expect([constant, low - slack <= measured, measured <= high + slack]).toEqual([
            constant,
            true,
            true,
          ]);
          expect(value?.value ?? Number.NaN).toBeLessThan(1.3 * measured + slack);
        }
      });
    }),
    { numRuns: 4 },
  );
});
