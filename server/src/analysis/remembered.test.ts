/** What is kept of results: under which circumstances it is found again, and when nothing may be kept. */
import { appendFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModel } from '../onnx/index.js';
import type { BoundPlan } from '../plan/index.js';
import { memoryStore, type Store } from '../store/index.js';
import { openEvaluation } from './sessions/evaluation.js';
import { knownLocalErrors, knownMeasuredErrors } from './errors/known-errors.js';
import { knownVerdict } from './measurement/known-verdict.js';
import { identify, identifyKnown, measuredAnew, withStore, type Results } from './remembered.js';
import { bindTo, computeForTests, randomSamples, writeChain } from './testing/index.js';
import { watchFiles } from './watched-files.js';

const { runtime, folder } = await computeForTests();
const path = join(folder, 'chain.onnx');
const model = writeChain(path, 4);
const evaluation = await openEvaluation(runtime, model, randomSamples(2));

function planOf(text = 'tolerance "y" relative_l2 <= 0.5\ndefault: fp16\n'): BoundPlan {
  return bindTo(model, text).plan;
}

async function resultsIn(store: Store, samples = evaluation.samples): Promise<Results> {
  const identity = await identify(model, samples, runtime, store);
  if ('problem' in identity) throw new Error(identity.problem.message);
  return withStore({ ...measuredAnew(evaluation), samples }, store, identity, model);
}

describe('errors of layers', () => {
  it('are measured for those layers only that are not known', async () => {
    const store = memoryStore();
    const { layers } = planOf();
    const all = await knownLocalErrors(measuredAnew(evaluation), layers, 'fp16');
    await knownLocalErrors(await resultsIn(store), layers.slice(0, 3), 'fp16');
    const rest = await knownLocalErrors(await resultsIn(store), layers, 'fp16');
    expect(rest.errors).toEqual(all.errors);
    expect(rest.inferences).toBe(all.inferences);
    expect(await knownLocalErrors(await resultsIn(store), layers, 'fp16')).toEqual({
      ...all,
      sessions: 0,
      inferences: 0,
    });
    expect((await knownLocalErrors(await resultsIn(store), layers, 'bf16')).inferences).toBeGreaterThan(0);
  });

  it('stay where the work is stopped after some layers', async () => {
    const store = memoryStore();
    const { layers, tolerances } = planOf();
    const stop = new AbortController();
    let finished = 0;
    const stopped = knownMeasuredErrors(await resultsIn(store), layers, 'fp16', tolerances, {
      signal: stop.signal,
      // Layer by layer, so that some are left.
      way: 'plain',
      finished: () => {
        finished += 1;
        if (finished === 2) stop.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ kind: 'cancelled' });
    expect(finished).toBe(2);
    let again = 0;
    const rest = await knownMeasuredErrors(await resultsIn(store), layers, 'fp16', tolerances, {
      finished: () => (again += 1),
    });
    expect(again).toBe(layers.length - finished);
    const whole = await knownMeasuredErrors(measuredAnew(evaluation), layers, 'fp16', tolerances);
    expect(rest.errors).toEqual(whole.errors);
  });
});

describe('a verdict', () => {
  it('is found again under another limit, and judged by it', async () => {
    const store = memoryStore();
    const plan = planOf();
    const first = await knownVerdict(await resultsIn(store), plan, plan.decisions, 2);
    expect(first.measurement.holds).toBe(true);
    const strict = planOf('tolerance "y" relative_l2 <= 1e-9\ndefault: fp16\n');
    const second = await knownVerdict(await resultsIn(store), strict, strict.decisions, 2);
    expect(second).toMatchObject({ sessions: 0, inferences: 0, measurement: { holds: false } });
    expect(second.verdicts[0]).toMatchObject({ verdict: 'exceeded', noise: first.verdicts[0]?.noise });
  });

  it.each([
    ['decisions', 'tolerance "y" relative_l2 <= 0.5\ndefault: bf16\n'],
    ['a metric', 'tolerance "y" max_abs <= 0.5\ndefault: fp16\n'],
    ['samples over which it is taken', 'tolerance "y" relative_l2 <= 0.5 { over: mean }\ndefault: fp16\n'],
  ])('of other %s is another', async (_what, text) => {
    const store = memoryStore();
    const plan = planOf();
    await knownVerdict(await resultsIn(store), plan, plan.decisions, 1);
    const other = planOf(text);
    expect(
      (await knownVerdict(await resultsIn(store), other, other.decisions, 1)).inferences,
    ).toBeGreaterThan(0);
  });

  it('of other samples is another', async () => {
    const store = memoryStore();
    const plan = planOf();
    await knownVerdict(await resultsIn(store), plan, plan.decisions, 1);
    const fewer = await resultsIn(store, evaluation.samples.slice(0, 1));
    expect((await knownVerdict(fewer, plan, plan.decisions, 1)).inferences).toBeGreaterThan(0);
  });
});

describe('a model', () => {
  it('has an identity without being read only where it was read before', async () => {
    const store = memoryStore();
    const file = join(folder, 'known.onnx');
    writeChain(file, 2);
    // What was changed just now may change again without its time showing it, and is not remembered.
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    const opened = openModel(file);
    if ('problem' in opened) throw new Error(opened.problem.message);
    const { samples } = evaluation;
    expect(await identifyKnown(opened.model, samples, runtime, store)).toBeUndefined();
    const identity = await identify(opened.model, samples, runtime, store);
    expect(await identifyKnown(opened.model, samples, runtime, store)).toEqual(identity);
  });

  it('that changes under the work leaves nothing in the store', async () => {
    const store = memoryStore();
    const other = writeChain(join(folder, 'other.onnx'), 2);
    const identity = { evaluation: '', recipe: {} };
    const results = withStore(measuredAnew(evaluation), store, identity, other);
    await results.keep('number', {}, 1);
    expect(await results.find('number', {})).toBe(1);
    appendFileSync(join(folder, 'other.onnx'), 'more');
    await results.keep('number', {}, 2);
    expect(await results.find('number', {})).toBe(1);
  });

  it('has changed where its file has, or is gone', () => {
    const file = join(folder, 'watched.onnx');
    const files = watchFiles(writeChain(file, 2));
    expect(files.changed()).toBeUndefined();
    writeFileSync(file, 'another');
    expect(files.changed()).toBe(file);
    rmSync(file);
    expect(files.changed()).toBe(file);
  });
});
