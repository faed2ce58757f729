/** Work on a model that the runtime of the target loads and does not run: at another level it runs, or it is said why it does not. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bindTo,
  computeForTests,
  failingWhere,
  realModel,
  WIDTH,
  writeChain,
  writeModel,
} from '../analysis/testing/index.js';
import { makeNode } from '../onnx/index.js';
import { benchmarkPlan } from './benchmark-plan.js';
import { explainBenchmark } from './explain-benchmark.js';
import { openWork, type Work } from './open-work.js';
import { isRefused, type Refused } from './problem.js';
import { runExported } from './run-exported.js';
import { tuneExportedSession } from './tune-session.js';
import { tuningGoal } from './tuning-objective.js';
import { verifyExecuted } from './verify-executed.js';

const { runtime, folder } = await computeForTests();
const ORIGINAL = join(folder, 'm.onnx');
const WRITTEN = join(folder, 'written.onnx');
const PLAN = 'input "x" = ones\ntolerance "y" relative_l2 <= 0.5\ndefault: fp16\n';
writeChain(ORIGINAL, 2);
writeChain(WRITTEN, 2);

/** Work on a plan for a chain, and the plan. */
async function workOn(faultOf: Parameters<typeof failingWhere>[1]) {
  const { plan } = bindTo(realModel(ORIGINAL), PLAN);
  const parts = { signal: new AbortController().signal, store: undefined };
  const work = await openWork(plan, { runtime: failingWhere(runtime, faultOf), ...parts });
  if (isRefused(work)) throw new Error(work.problem.message);
  return { work, plan };
}

async function disposing<T>(work: Work, result: Promise<T>): Promise<T> {
  return await result.finally(() => work.dispose());
}

/** What is said of the levels of a written model, by whatever is done with it. */
const DOORS: Readonly<Record<string, (work: Work) => Promise<readonly string[] | Refused>>> = {
  'the check of a conversion': async (work) => {
    const ran = await runExported(work, WRITTEN);
    return isRefused(ran) || !ran.runs ? [] : ran.notes;
  },
  'a verification on the target': async (work) => {
    const verified = await verifyExecuted(work);
    return isRefused(verified) || !verified.holds || verified.layers.length !== 4 ? [] : verified.notes;
  },
  'a benchmark': async (work) => {
    const benched = await benchmarkPlan(work, work.plan, { runs: 1 });
    if (isRefused(benched)) return benched;
    expect(benched.timed.rows.map(({ optimization }) => optimization)).toEqual(['all', 'layout', 'layout']);
    const explained = await explainBenchmark(work, work.plan, benched);
    return isRefused(explained) ? explained : explained.notes;
  },
  'the tuning of a session': async (work) => {
    const tuned = await tuneExportedSession(work, WRITTEN, { runs: 1 });
    return isRefused(tuned) ? tuned : tuned.tuning.notes.slice(0, 1);
  },
};

const FAULTS = [
  { during: 'opening', kind: 'crashed' },
  { during: 'opening', kind: 'refused' },
  { during: 'run', kind: 'crashed' },
  { during: 'run', kind: 'failed' },
] as const;

describe.each(Object.entries(DOORS))('%s', (_, notesOf) => {
  it.each(FAULTS)('is done one level lower and blames the runtime ($during: $kind)', async (fault) => {
    const { work } = await workOn(({ model, optimization }) =>
      'path' in model && model.path !== ORIGINAL && optimization === 'all' ? fault : undefined,
    );
    const notes = await disposing(work, notesOf(work));
    expect(notes).toHaveLength(1);
    expect(notes).toEqual([
      expect.stringMatching(
        /^ONNX Runtime [\d.]+ on cpu .* at optimisation level all: no kernel\. The model is valid.* fault is that of ONNX Runtime/,
      ),
    ]);
  });
});

describe('a written model that no level runs', () => {
  it.each(FAULTS)('is the runtime’s fault where the original runs ($during: $kind)', async (fault) => {
    const { work } = await workOn(({ model }) =>
      'path' in model && model.path === WRITTEN ? fault : undefined,
    );
    const ran = await disposing(work, runExported(work, WRITTEN));
    expect(ran).toMatchObject({
      problem: {
        ...{ kind: 'runtime', code: `runtime-${fault.kind}`, path: WRITTEN },
        message: expect.stringMatching(
          /its types are right.*The original runs there.*fault is that of/,
        ) as string,
      },
    });
  });
});

describe('a found plan that cannot be timed', () => {
  it.each(['failed', 'refused', 'crashed', 'unavailable'] as const)(
    'is taken for as fast as predicted, and it is said why (%s)',
    async (kind) => {
      let isThere = true;
      const { work, plan } = await workOn(() => (isThere ? undefined : { during: 'run', kind }));
      const goal = await tuningGoal(work, plan, 'latency', 'fp16');
      if (isRefused(goal)) throw new Error(goal.problem.message);
      const { original, feeds } = await work.evaluation();
      expect(feeds).toHaveLength(1);
      isThere = false;
      expect(await goal.isFaster?.(plan.decisions)).toBe(true);
      expect(goal.timingProblems).toEqual([expect.stringContaining('no kernel')]);
      isThere = true;
      // What the verdict on the plan needs is there again.
      const again = await work.evaluation();
      expect(await work.runtime.run(again.original, again.feeds[0] ?? {})).toHaveProperty('y');
      expect(again.original.inputs).toEqual(original.inputs);
      await work.dispose();
    },
  );
});

describe('a model that somebody else made of the plan', () => {
  const given = (
    name: string,
    opType: string,
    [input, output]: readonly [string, string] = ['x', 'y'],
  ): string => {
    const path = join(folder, `${name}.onnx`);
    const node = makeNode({ opType, name: 'only', inputs: [input], outputs: [output] });
    const [inputs, outputs] = [{ [input]: [1, WIDTH] }, { [output]: [1, WIDTH] }];
    writeModel(path, { nodes: [node], inputs, outputs });
    return path;
  };

  it.each([
    ['a verification', (work: Work, path: string) => verifyExecuted(work, { exported: path })],
    [
      'the tuning of its session',
      (work: Work, path: string) => tuneExportedSession(work, path, { runs: 1, isMadeElsewhere: true }),
    ],
  ])('is not called valid where it runs nowhere, nor the runtime guilty, by %s', async (_, done) => {
    const { work } = await workOn(() => undefined);
    const result = await disposing<object>(work, done(work, given('unknown', 'NoSuchOperator')));
    const message = isRefused(result) ? result.problem.message : '';
    expect(message).toMatch(/NoSuchOperator.*not converted here.*fault may be its own or that of ONNX/s);
    expect(message).not.toMatch(/valid, and/);
  });

  it.each([
    ['reads', ['z', 'y'], 'it reads "z", which the plan\'s model has no input for'],
    ['gives', ['x', 'q'], 'it has no output "y", which the plan\'s model has'],
  ] as const)('is refused before it is run where it %s something else', async (name, ends, message) => {
    const { work } = await workOn(() => undefined);
    const path = given(name, 'Relu', ends);
    const refusal = { problem: { code: 'model-mismatch', message } };
    expect(await verifyExecuted(work, { exported: path })).toMatchObject(refusal);
    const tuning = tuneExportedSession(work, path, { runs: 1, isMadeElsewhere: true });
    expect(await disposing<object>(work, tuning)).toMatchObject(refusal);
  });
});
