/** What is found of a target's operators is kept under the options with which its sessions were opened. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openResultStore, storedSupport } from '../analysis/index.js';
import { bindTo, computeForTests, writeChain } from '../analysis/testing/index.js';
import type { BoundPlan } from '../plan/index.js';
import { openWork } from './open-work.js';
import { isRefused } from './problem.js';
import { targetSupport } from './target-support.js';

const { runtime, folder } = await computeForTests();

it('what a target does with its options is known of it with these, and of no other', async () => {
  const model = writeChain(join(folder, 'm.onnx'), 1);
  const { plan } = bindTo(model, 'input "x" = ones\naccumulate: fp32\ntarget cpu\ndefault: fp16\n');
  const withOptions: BoundPlan = {
    ...plan,
    targets: plan.targets.map((target) => ({ ...target, options: { useArena: true } })),
  };
  const store = openResultStore({ folder: join(folder, 'store') });
  const work = await openWork(withOptions, { runtime, store, signal: new AbortController().signal });
  if (isRefused(work)) throw new Error(work.problem.message);
  const found = await targetSupport(work, 'fp16');
  if (isRefused(found)) throw new Error(found.problem.message);
  const [kept] = await storedSupport(withOptions, runtime, store);
  expect([...(kept?.layers.keys() ?? [])]).toEqual(plan.layers.map(({ name }) => name));
  expect(await storedSupport(plan, runtime, store)).toEqual([]);
  await work.dispose();
  await store.close();
});
