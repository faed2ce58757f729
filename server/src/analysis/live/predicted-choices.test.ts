// Predictions of a model with a layer that no gradient tells of: what was measured in its place stays, whatever else is learnt.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeChoosing } from '../sketch/testing.js';
import { boundPlan, endOf, liveForTests } from './testing.js';

const live = liveForTests();
const path = join(live.folder, 'choosing.precision');
const LAYERS = 40;
const model = writeChoosing(join(live.folder, 'choosing.onnx'), ['y'], LAYERS);
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 8 }\ntolerance "y" relative_l2 <= 1\n';

/** Of the plan once all is known, and of the same with one layer flipped, before anything is measured of that. */
async function checkPredicted(decisions: string): Promise<void> {
  const analysis = await live.start(`predicted ${decisions.length}`);
  analysis.update(boundPlan(path, model, HEAD + decisions));
  const { prediction } = await endOf(analysis, path);
  expect(prediction?.tolerances[0]?.reason).toBeUndefined();
  expect(prediction?.tolerances[0]?.value?.value).toBeGreaterThan(0);
  analysis.update(boundPlan(path, model, `${HEAD}${decisions}layer "scaled_5": fp32\n`));
  const flipped = analysis.numbers(path).prediction;
  expect(flipped?.tolerances[0]?.reason).toBeUndefined();
  expect(flipped?.tolerances[0]?.value?.value).toBeGreaterThan(0);
  analysis.close(path);
}

it('stay when formats are sketched that flips of lines may bring along', async () => {
  const lines = Array.from({ length: LAYERS }, (_, at) => `layer "scaled_${at}": fp16\n`);
  await checkPredicted(`default: fp16\n${lines.join('')}`);
});

it('are of weights in a format of their own, too', async () => {
  await checkPredicted('default: fp16\nlayer "product": fp32 { weights: fp16 }\n');
});
