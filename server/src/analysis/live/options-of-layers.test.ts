/** Options of layers behind an editor: measured in the background, so that a flip is predicted at once. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeChain } from '../testing/index.js';
import { boundPlan, endOf, liveForTests, until } from './testing.js';

const live = liveForTests();
const path = join(live.folder, 'p.precision');
const model = writeChain(join(live.folder, 'model.onnx'), 3);
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 2 }\ntolerance "y" relative_l2 <= 1\n';

it('of a plan, and of each layer that is flipped, are in predictions', async () => {
  const analysis = await live.start('options');
  const updated = (text: string) => {
    analysis.update(boundPlan(path, model, HEAD + text));
    return analysis.numbers(path);
  };
  updated('accumulate: fp16\ndefault: fp32\nlayer "mul_0": fp16\n');
  await endOf(analysis, path);
  // Nobody has measured this plan, nor the sums of the layer that it lowers.
  const flipped = updated('accumulate: fp16\ndefault: fp32\nlayer "mul_0": fp16\nlayer "mul_1": fp16\n');
  expect(flipped.verdictIsStale).toBe(true);
  const [tolerance] = flipped.prediction?.tolerances ?? [];
  expect(tolerance).toMatchObject({ holds: true });
  const predicted = tolerance?.value?.value ?? Number.NaN;
  // Without its sums it would be less.
  const plain = updated('default: fp32\nlayer "mul_0": fp16\nlayer "mul_1": fp16\n').prediction;
  expect(plain?.tolerances[0]?.value?.value).toBeLessThan(predicted);
  // What no flip would make is not known beforehand, is said to be missing, and is measured then.
  const scaled = 'default: fp32\nlayer "mul_2": fp16 { scale: 4 }\n';
  expect(updated(scaled).prediction?.tolerances[0]).toMatchObject({
    value: undefined,
    reason: 'what "mul_2" does is not known yet',
  });
  const found = await until(
    analysis,
    path,
    ({ prediction }) => prediction?.tolerances[0]?.value !== undefined,
  );
  expect(found.prediction?.tolerances[0]?.holds).toBe(true);
  analysis.close(path);
});
