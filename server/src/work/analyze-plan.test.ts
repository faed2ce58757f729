/** What an analysis refuses to give an answer to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Runtime } from '../analysis/index.js';
import { bindTo, startTestCompute, testFolder, WIDTH, writeChain } from '../analysis/testing/index.js';
import { analyzePlan } from './analyze-plan.js';
import { openWork } from './open-work.js';

const folder = testFolder();
let runtime: Runtime;

beforeAll(async () => {
  runtime = await startTestCompute();
});
afterAll(async () => {
  await runtime.dispose();
  folder.remove();
});

it('refuses labels that fit no output, where the plan names them', async () => {
  const model = writeChain(join(folder.path, 'chain.onnx'), 2);
  writeFileSync(join(folder.path, 'truth.txt'), `${WIDTH}`);
  const head = 'input "x" = normal(0, 1) { count: 1, seed: 5 }\n';
  const text = `${head}labels "truth.txt"\ndefault: fp16\n`;
  const bound = bindTo(model, text);
  const plan = { ...bound.plan, path: join(folder.path, 'p.precision') };
  const { signal } = new AbortController();
  const work = await openWork(plan, { runtime, signal, store: undefined });
  if ('problem' in work) throw new Error(work.problem.message);
  try {
    const refused = await analyzePlan(work, { method: 'first-order', format: 'fp16' });
    if (!('problem' in refused)) throw new Error('scores of nothing');
    const [found] = refused.problem.diagnostics;
    expect(found).toMatchObject({ code: 'input-shape', severity: 'error' });
    expect(found?.message).toMatch(/^sample .*: its label, the number 16, fits none of the outputs "y"/u);
    const { start = 0, end = 0 } = found?.range ?? {};
    expect(bound.text.slice(start, end)).toBe('"truth.txt"');
  } finally {
    await work.dispose();
  }
});
