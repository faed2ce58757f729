/** The tuner on small generated models, with real inference. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  localErrors,
  measure,
  measuredAnew,
  openEvaluation,
  withStore,
  type Evaluation,
  type LocalErrors,
  type Runtime,
} from '../analysis/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  writeChain,
  writeModel,
} from '../analysis/testing/index.js';
import { applyEdits, parse } from '../language/index.js';
import { makeNode } from '../onnx/index.js';
import { precisionGraph, writeDecisions, type LayerDecision, type TracedPlan } from '../plan/index.js';
import { memoryStore } from '../store/index.js';
import { tune, type TuneOptions, type Tuning } from './tune.js';

const DEPTH = 6;
const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), DEPTH);
const chain = await openEvaluation(runtime, model, randomSamples(6));

const OPTIONS: TuneOptions = { strategy: 'greedy', objective: 'layers', format: 'bf16', draws: 1 };

async function tuned(
  of: Evaluation,
  text: string,
  options: Partial<TuneOptions> = {},
  results = measuredAnew(of),
) {
  const { plan } = bindTo(of.model, text);
  const tuning = await tune(results, plan, { ...OPTIONS, ...options });
  if ('code' in tuning) throw new Error(tuning.message);
  await checkVerified(of, plan, tuning);
  return { plan, tuning };
}

/** What is returned holds, over every sample, by a measurement of its own. */
async function checkVerified(of: Evaluation, plan: TracedPlan, tuning: Tuning): Promise<void> {
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, tuning.decisions);
  const again = await measure(of, graph, plan.tolerances);
  expect(again).toMatchObject({ holds: true, complete: true });
  // When it was measured is told of what is kept.
  const { at: _, ...measurement } = tuning.measurement;
  expect(measurement).toEqual({ ...again, inferences: expect.any(Number) as number });
  expect(tuning.verdicts.map((one) => one.measured)).toEqual(again.tolerances.map((one) => one.measured));
  for (const one of again.tolerances) expect(one.figures.filter(Boolean)).toHaveLength(of.samples.length);
}

function formatsOf(decisions: readonly LayerDecision[]): Record<string, string> {
  return Object.fromEntries(decisions.map(({ layer, format }) => [layer.name, format]));
}

function lowLayers({ decisions }: Tuning): number {
  return decisions.filter((one) => one.format === 'bf16').length;
}

/** The error of everything in BF16. */
async function allLowError(): Promise<number> {
  const { plan } = bindTo(chain.model, 'default: bf16\n');
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
  return (await measure(chain, graph, [])).outputs[0]?.worst.relative_l2 ?? NaN;
}

describe.each(['greedy', 'bisect'] as const)('%s', (strategy) => {
  it('takes every layer where the tolerance bears it', async () => {
    const limit = (await allLowError()) * 1.01;
    const { tuning } = await tuned(chain, `tolerance "y" relative_l2 <= ${limit}\n`, { strategy });
    expect(lowLayers(tuning)).toBe(2 * DEPTH);
    expect(tuning.expired).toBe(false);
  });

  it('finds a plan between nothing and everything', async () => {
    const limit = (await allLowError()) * 0.6;
    const { tuning } = await tuned(chain, `tolerance "y" relative_l2 <= ${limit}\n`, { strategy });
    expect(lowLayers(tuning)).toBeGreaterThan(0);
    expect(lowLayers(tuning)).toBeLessThan(2 * DEPTH);
  });

  it('takes no layer where nothing is borne', async () => {
    const { tuning } = await tuned(chain, 'tolerance "y" max_abs <= 0\n', { strategy });
    expect(lowLayers(tuning)).toBe(0);
    expect(tuning.verdicts[0]?.verdict).toBe('holds');
  });

  it('leaves pinned layers as they are', async () => {
    const text = `layer "mul_2": fp16 { pinned: true }
      layer "mul_3": fp32 { pinned: true }
      tolerance "y" relative_l2 <= 1\n`;
    const { tuning } = await tuned(chain, text, { strategy });
    expect(formatsOf(tuning.decisions)).toMatchObject({
      mul_1: 'bf16',
      mul_2: 'fp16',
      mul_3: 'fp32',
      mul_4: 'bf16',
    });
    expect(tuning.ranking.map((layer) => layer.name)).not.toContain('mul_2');
  });

  it('ends with a verified plan when the time is up', async () => {
    const limit = (await allLowError()) * 0.6;
    const { tuning } = await tuned(chain, `tolerance "y" relative_l2 <= ${limit}\n`, { strategy, time: 0 });
    expect(tuning.expired).toBe(true);
    expect(lowLayers(tuning)).toBe(0);
  });
});

describe('options of the plan', () => {
  it('are those by which layers are ranked and tried, and survive', async () => {
    const text = `default: int8 { quantize: percentile(97), per: channel }
      layer "mul_1": int8 { quantize: mse }
      layer "mul_2": fp32
      layer "mul_3": fp32 { weights: fp8_e4m3 }
      tolerance "y" relative_l2 <= 0.2\n`;
    const { plan, tuning } = await tuned(chain, text, { format: 'int8' });
    const found = new Map(tuning.decisions.map((one) => [one.layer.name, one]));
    const own = { quantize: { name: 'percentile', percent: 97 }, perChannel: true } as const;
    // Those whose own format the plan changed to have what it asks for of all others in it.
    const low = tuning.decisions.filter(({ format }) => format === 'int8');
    expect(low.length).toBeGreaterThan(1);
    for (const { layer, numerics } of low) {
      expect([layer.name, numerics]).toEqual([
        layer.name,
        layer.name === 'mul_1' ? { quantize: { name: 'mse' } } : own,
      ]);
    }
    if (found.get('mul_3')?.format === 'fp32') {
      expect(found.get('mul_3')?.numerics).toEqual({ weights: 'fp8_e4m3' });
    }
    const evaluation = { ...chain, ranges: own } as const;
    const errors = (of: LocalErrors) => of.errors.map(({ layer, value }) => [layer.name, value]);
    const layers = tuning.local.errors.map(({ layer }) => layer);
    expect(errors(tuning.local)).toEqual(errors(await localErrors(evaluation, layers, 'int8')));
    expect(errors(tuning.local)).not.toEqual(errors(await localErrors(chain, layers, 'int8')));
    // What was verified is what is written.
    const whole = `model "m.onnx"\n${text}`;
    const formats = new Map(tuning.decisions.map((one) => [one.layer.name, one.format]));
    const written = applyEdits(whole, writeDecisions(parse(whole), plan, formats));
    const again = bindTo(chain.model, written.slice(written.indexOf('\n') + 1)).plan;
    const told = ({ layer, format, numerics }: LayerDecision) => [layer.name, format, numerics];
    expect(again.decisions.map(told)).toEqual(tuning.decisions.map(told));
  });
});

describe('amp', () => {
  it('takes what the lists choose, verified, and leaves pinned layers as they are', async () => {
    const text = 'layer "mul_3": fp32 { pinned: true }\ntolerance "y" relative_l2 <= 1\n';
    const { tuning } = await tuned(chain, text, { strategy: 'amp' });
    // A Relu does as what it reads.
    expect(formatsOf(tuning.decisions)).toMatchObject({
      mul_2: 'bf16',
      relu_2: 'bf16',
      mul_3: 'fp32',
      relu_3: 'fp32',
    });
    expect(lowLayers(tuning)).toBe(2 * DEPTH - 2);
    const low = await tuned(
      chain,
      'layer "relu_0": bf16 { pinned: true }\ntolerance "y" relative_l2 <= 1\n',
      { strategy: 'amp' },
    );
    expect(lowLayers(low.tuning)).toBe(2 * DEPTH);
  });

  it('is a problem where the lists do not hold, with what was measured of them', async () => {
    const { plan } = bindTo(chain.model, 'tolerance "y" relative_l2 <= 1e-9\n');
    const problem = await tune(measuredAnew(chain), plan, { ...OPTIONS, strategy: 'amp' });
    expect(problem).toMatchObject({
      code: 'tolerance-exceeded',
      message: expect.stringMatching(/amp lists does not hold .* relative_l2 <= 1e-9 \(measured/) as string,
      measurement: { holds: false, complete: true },
    });
  });
});

describe('tuning', () => {
  it('is a problem where not even the pinned layers hold', async () => {
    const { plan } = bindTo(
      chain.model,
      'layer "mul_0": bf16 { pinned: true }\ntolerance "y" max_abs <= 1e-9\n',
    );
    const problem = await tune(measuredAnew(chain), plan, OPTIONS);
    expect(problem).toMatchObject({
      code: 'tolerance-exceeded',
      message: expect.stringMatching(/max_abs <= 1e-9 \(measured [\de.-]+\)/) as string,
      measurement: { holds: false, complete: true },
    });
  });

  it('never takes a layer whose weights are beyond the range, though the outputs would bear it', async () => {
    // What is divided by infinity is 0, as is nearly so what is divided by 1e8: no output shows it.
    const model = writeModel(join(folder, 'beyond.onnx'), {
      nodes: [
        makeNode({ opType: 'Div', name: 'silenced', inputs: ['x', 'w'], outputs: ['a'] }),
        makeNode({ opType: 'Add', name: 'sum', inputs: ['a', 'x'], outputs: ['y'] }),
      ],
      weights: [
        floatTensor(
          'w',
          [1, WIDTH],
          randomValues(WIDTH, 4).map((value) => 1e8 + value),
        ),
      ],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    const evaluation = await openEvaluation(runtime, model, randomSamples(2));
    const text = 'tolerance "y" relative_l2 <= 0.01\n';
    const { tuning, plan } = await tuned(evaluation, text, { format: 'fp16' });
    expect(formatsOf(tuning.decisions)).toEqual({ silenced: 'fp32', sum: 'fp16' });
    const all = plan.decisions.map((one): LayerDecision => ({ ...one, format: 'fp16', overflow: 'inf' }));
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, all);
    expect((await measure(evaluation, graph, plan.tolerances)).holds).toBe(true);
  });

  it('counts the inferences and sessions that it made', async () => {
    let opened = 0;
    let ran = 0;
    const counting: Runtime = {
      ...runtime,
      open: (...parameters) => ((opened += 1), runtime.open(...parameters)),
      run: (...parameters) => ((ran += 1), runtime.run(...parameters)),
    };
    const limit = (await allLowError()) * 0.6;
    const { plan } = bindTo(chain.model, `tolerance "y" relative_l2 <= ${limit}\n`);
    const tuning = await tune(measuredAnew({ ...chain, runtime: counting }), plan, OPTIONS);
    expect(tuning).toMatchObject({ sessions: opened, inferences: ran });
  });

  it.each(['local', 'measured'] as const)(
    'runs nothing again that is kept, ranked by %s errors',
    async (rank) => {
      const limit = (await allLowError()) * 0.6;
      const text = `tolerance "y" relative_l2 <= ${limit}\n`;
      const kept = withStore(measuredAnew(chain), memoryStore(), { evaluation: '', recipe: {} }, chain.model);
      const first = await tuned(chain, text, { rank }, kept);
      const again = await tuned(chain, text, { rank }, kept);
      expect(again.tuning.decisions.map((one) => one.format)).toEqual(
        first.tuning.decisions.map((one) => one.format),
      );
      expect(again.tuning.verdicts.map(({ measured, noise }) => [measured, noise])).toEqual(
        first.tuning.verdicts.map(({ measured, noise }) => [measured, noise]),
      );
      expect(first.tuning.inferences).toBeGreaterThan(0);
      expect(again.tuning).toMatchObject({ sessions: 0, inferences: 0 });
    },
  );

  it('measures again what a limit that has changed may have decided', async () => {
    const limit = (await allLowError()) * 0.6;
    const kept = withStore(measuredAnew(chain), memoryStore(), { evaluation: '', recipe: {} }, chain.model);
    const strict = await tuned(chain, `tolerance "y" relative_l2 <= ${limit / 4}\n`, {}, kept);
    const lax = await tuned(chain, `tolerance "y" relative_l2 <= ${limit}\n`, {}, kept);
    expect(lowLayers(lax.tuning)).toBeGreaterThan(lowLayers(strict.tuning));
    expect(lax.tuning.local.inferences).toBe(0);
  });

  it('names each phase of its progress, from its beginning to its end', async () => {
    const phases = new Map<string, [number, number]>();
    await tuned(chain, 'tolerance "y" relative_l2 <= 1\n', {
      progress: (done, total, what) => phases.set(what, [done, total]),
    });
    expect([...phases.keys()]).toEqual(['weights', 'local errors', 'layers decided, greedy', 'noise floor']);
    for (const [done, total] of phases.values()) expect(done).toBe(total);
  });
});
