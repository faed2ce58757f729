// Samples that change on disk while the plan does not: what was measured of others is said to be old until it is measured again.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { npyBytes } from '../samples/testing/npy.js';
import { randomValues, WIDTH, writeChain } from '../testing/index.js';
import { boundPlan, endOf, liveForTests } from './testing.js';

const live = liveForTests();
const { folder } = live;

const path = join(folder, 'chain.precision');
const sample = join(folder, 'inputs', 'x.npy');
const model = writeChain(join(folder, 'model.onnx'), 2);
mkdirSync(join(folder, 'inputs'));

function writeSample(seed: number): void {
  writeFileSync(sample, npyBytes(randomValues(WIDTH, seed), { shape: [1, WIDTH] }));
}

it('numbers of samples that have changed are stale', async () => {
  writeSample(1);
  const analysis = await live.start('changed');
  const text = 'input "x" from "inputs/*.npy"\ntolerance "y" relative_l2 <= 1\ndefault: fp16\n';
  analysis.update(boundPlan(path, model, text));
  const first = await endOf(analysis, path);
  expect(first).toMatchObject({ state: 'idle', verdictIsStale: false });
  const seen: boolean[] = [];
  analysis.onChange(() => seen.push(analysis.numbers(path).verdictIsStale));

  // Another file changes: nothing that is shown is old.
  writeFileSync(join(folder, 'notes.txt'), 'nothing');
  analysis.filesChanged();
  expect(await endOf(analysis, path)).toMatchObject({ state: 'idle' });
  expect(seen).not.toContain(true);

  writeSample(2);
  analysis.filesChanged();
  const second = await endOf(analysis, path);
  expect(seen).toContain(true);
  expect(second.verdictIsStale).toBe(false);
  expect(second.verdict?.verdicts[0]?.measured).not.toBe(first.verdict?.verdicts[0]?.measured);

  // What cannot be read any more cannot be measured again.
  copyFileSync(path.replace('chain.precision', 'model.onnx'), sample);
  analysis.filesChanged();
  const third = await endOf(analysis, path);
  expect(third).toMatchObject({ state: 'failed', verdictIsStale: true });
  expect(third.verdict).toBe(second.verdict);
});
