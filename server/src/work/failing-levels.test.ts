/** Work on a model that the runtime of the target loads and does not run: at another level it runs, or it is said why it does not. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bindTo, computeForTests, failingInRuns, realModel, writeChain } from '../analysis/testing/index.js';
import { openWork, type Work } from './open-work.js';
import { isRefused } from './problem.js';
import { runExported } from './run-exported.js';
import { tuningGoal } from './tuning-objective.js';

const { runtime, folder } = await computeForTests();
const ORIGINAL = join(folder, 'm.onnx');
const WRITTEN = join(folder, 'written.onnx');
const PLAN = 'input "x" = ones\ntolerance "y" relative_l2 <= 0.5\ndefault: fp16\n';
writeChain(ORIGINAL, 2);
writeChain(WRITTEN, 2);

/** Work on a plan for a chain, and the plan. */
async function workOn(failureOf: Parameters<typeof failingInRuns>[1]) {
  const { plan } = bindTo(realModel(ORIGINAL), PLAN);
  const parts = { signal: new AbortController().signal, store: undefined };
  const work = await openWork(plan, { runtime: failingInRuns(runtime, failureOf), ...parts });
  if (isRefused(work)) throw new Error(work.problem.message);
  return { work, plan };
}

async function disposing<T>(work: Work, result: Promise<T>): Promise<T> {
  return await result.finally(() => work.dispose());
}

describe('a written model that loads and does not run', () => {
  it('is run one level lower, and that is told', async () => {
    const { work } = await workOn(({ model, optimization }) =>
      'path' in model && model.path === WRITTEN && optimization === 'all' ? 'failed' : undefined,
    );
    expect(await disposing(work, runExported(work, WRITTEN))).toEqual({
      ...{ runs: true, wrong: undefined },
      notes: ['ONNX Runtime failed in a run at optimisation level all: no kernel'],
    });
  });
});

describe('a found plan that cannot be timed', () => {
  it.each(['failed', 'refused', 'crashed', 'unavailable'] as const)(
    'is taken for as fast as predicted, and it is said why (%s)',
    async (kind) => {
      let isThere = true;
      const { work, plan } = await workOn(() => (isThere ? undefined : kind));
      const goal = await tuningGoal(work, plan, 'latency', 'fp16');
      if (isRefused(goal)) throw new Error(goal.problem.message);
      const { original, feeds } = await work.evaluation();
      expect(feeds).toHaveLength(1);
      isThere = false;
      expect(await goal.isFaster?.(plan.decisions)).toBe(true);
      expect(goal.timingProblems).toEqual(['no kernel']);
      isThere = true;
      // What the verdict on the plan needs is there again.
      const again = await work.evaluation();
      expect(await work.runtime.run(again.original, again.feeds[0] ?? {})).toHaveProperty('y');
      expect(again.original.inputs).toEqual(original.inputs);
      await work.dispose();
    },
  );
});
