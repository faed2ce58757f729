/** What an analysis refuses to give an answer to, and in which order it gives its answers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bindTo, computeForTests, WIDTH, writeChain } from '../analysis/testing/index.js';
import { analyzePlan, type AnalysisMethod, type AnalyzedPlan } from './analyze-plan.js';
import { openWork, type Work } from './open-work.js';
import { predictPlan } from './predict-plan.js';
import type { Refused } from './problem.js';

const { runtime, folder } = await computeForTests();

it('refuses labels that fit no output, where the plan names them', async () => {
  const model = writeChain(join(folder, 'chain.onnx'), 2);
  writeFileSync(join(folder, 'truth.txt'), `${WIDTH}`);
  const head = 'input "x" = normal(0, 1) { count: 1, seed: 5 }\n';
  const text = `${head}labels "truth.txt"\ndefault: fp16\n`;
  const bound = bindTo(model, text);
  const plan = { ...bound.plan, path: join(folder, 'p.precision') };
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

/** What `work` makes of a chain under this plan, all of whose layers have one format. */
async function doneWith<T extends object>(
  decision: string,
  layers: number,
  work: (opened: Work) => Promise<T | Refused>,
): Promise<T> {
  const model = writeChain(join(folder, `chain-${layers}.onnx`), layers);
  const { plan } = bindTo(
    model,
    `input "x" = normal(0, 1) { count: 2, seed: 5 }\ntolerance "y" relative_l2 <= 1\ndefault: ${decision}\n`,
  );
  const { signal } = new AbortController();
  const opened = await openWork(
    { ...plan, path: join(folder, 'q.precision') },
    { runtime, signal, store: undefined },
  );
  if ('problem' in opened) throw new Error(opened.problem.message);
  try {
    const found = await work(opened);
    if ('problem' in found) throw new Error(found.problem.message);
    return found;
  } finally {
    await opened.dispose();
  }
}

const analyzed = (method: AnalysisMethod, layers: number): Promise<AnalyzedPlan> =>
  doneWith('fp16', layers, (work) => analyzePlan(work, { method, format: 'fp16' }));

describe('a plan that chooses the ranges of its integers', () => {
  it('is analysed and predicted as it chooses them', async () => {
    const localOf = async (decision: string): Promise<readonly (readonly [string, number])[]> => {
      const { reports } = await doneWith(decision, 2, (work) =>
        analyzePlan(work, { method: 'local', format: 'int8' }),
      );
      return reports.map(({ name, error }) => [name, error.value] as const);
    };
    const chosen = 'int8 { per: channel, quantize: percentile(99) }';
    expect(await localOf(chosen)).not.toEqual(await localOf('int8'));
    const { prediction } = await doneWith(chosen, 2, (work) => predictPlan(work));
    expect(prediction.missing.map(({ name }) => name)).toEqual([]);
    expect(prediction.tolerances[0]?.value?.value).toBeGreaterThan(0);
  });
});

describe('layers are listed worst first', () => {
  const falling = (values: readonly number[]): void => {
    expect(values.length).toBeGreaterThan(4);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect(new Set(values).size).toBeGreaterThan(2);
  };

  it('by their measured errors where all methods are asked for, each of which says how it ranks them', async () => {
    const { reports, rankCorrelations } = await analyzed('all', 4);
    falling(reports.map(({ error }) => error.value));
    expect([...rankCorrelations.keys()]).toEqual([
      'sketch',
      'local',
      'hessian',
      'hessian-weights',
      'first-order',
    ]);
    for (const correlation of rankCorrelations.values()) expect(correlation).toBeGreaterThan(-1);
    expect(rankCorrelations.get('hessian')).toBeGreaterThan(0.6);
  });

  it.each(['hessian', 'first-order'] as const)('by the score that is asked for: %s', async (method) => {
    const { reports } = await analyzed(method, 3);
    falling(reports.map(({ scores }) => scores?.[method] ?? Number.NaN));
  });
});
