/** The targets that a plan names, behind an editor: looked at, how they add up, and what they run natively; known the next time. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TracedPlan } from '../../plan/index.js';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';
import { memoryStore } from '../../store/index.js';
import { startTestCompute, writeChain } from '../testing/index.js';
import { liveFindings } from './live-findings.js';
import { LiveTargets } from './live-targets.js';
import { boundPlan, endOf, liveForTests } from './testing.js';

const live = liveForTests();
const { folder } = live;
const path = join(folder, 'p.precision');
const model = writeChain(join(folder, 'model.onnx'), 2);
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 1 }\ntolerance "y" relative_l2 <= 1\n';

function planOf(text: string): TracedPlan {
  return boundPlan(path, model, HEAD + text);
}

const CPU = { name: 'cpu', threads: undefined };

describe('targets of an open plan', () => {
  it('are looked at, and what they do not run in its format is told on the statement that decides', async () => {
    let told = 0;
    const analysis = await live.start('named', { onTargetsFound: () => (told += 1) });
    expect(analysis.findTarget(CPU)).toBeUndefined();
    const plan = planOf('target cpu\ndefault: fp16\n');
    analysis.update(plan);
    const numbers = await endOf(analysis, path);
    expect(told).toBe(1);
    expect(analysis.findTarget(CPU)).toMatchObject({ usable: true, advice: undefined });
    expect(analysis.findTarget(CPU)?.sums.has('MatMul')).toBe(true);
    const [support] = numbers.support;
    expect(support).toMatchObject({ target: 'cpu', format: 'fp16' });
    expect([...(support?.layers.keys() ?? [])]).toEqual(plan.layers.map(({ name }) => name));

    const products = plan.layers.filter(({ node }) => node.opType === 'MatMul').map(({ name }) => name);
    const missing = products.filter((name) => support?.layers.get(name)?.outcome !== 'native');
    const found = liveFindings(plan, numbers).find(({ code }) => code === 'unsupported-on-target');
    // Processors with FP16 of their own have nothing to tell.
    if (process.arch === 'x64') expect(missing).toEqual(products);
    if (missing.length === 0) return;
    expect(found?.severity).toBe('warning');
    expect(found?.message).toMatch(/^cpu does not run .* in fp16: .*MatMul .*in FP32 between casts/);
    expect(found && 'layers' in found ? found.layers : []).toEqual(expect.arrayContaining(missing));
    expect(found?.range).toEqual(plan.decisions[0]?.source?.range);
    analysis.close(path);
  });

  it('and what they run is known the next time, without a run', async () => {
    const messages = new Set<string>();
    const analysis = await live.start('named');
    analysis.onChange(() => messages.add(analysis.numbers(path).message));
    analysis.update(planOf('target cpu\nlayers "*": fp16\n'));
    const numbers = await endOf(analysis, path);
    expect(numbers.support).toHaveLength(1);
    expect([...messages].filter((message) => message.includes('operators'))).toEqual([]);
    analysis.close(path);
  });

  it('are none where the plan names none', async () => {
    const analysis = await live.start('unnamed');
    analysis.update(planOf('default: fp16\n'));
    expect((await endOf(analysis, path)).support).toEqual([]);
    expect(analysis.findTarget(CPU)).toBeUndefined();
    await analysis.learnTargets([CPU]);
    expect(analysis.findTarget(CPU)?.usable).toBe(true);
    analysis.close(path);
  });

  it('that are not there leave the rest of the analysis as it is', async () => {
    const analysis = await live.start('elsewhere');
    analysis.update(planOf('target dml\ntarget coreml\ndefault: fp16\n'));
    const numbers = await endOf(analysis, path);
    expect(numbers).toMatchObject({ state: 'idle', message: '' });
    expect(numbers.verdict).toBeDefined();
    const states = ['dml', 'coreml'].map((name) => analysis.findTarget({ name, threads: undefined }));
    for (const state of states) if (state?.usable === false) expect(state.advice).toMatch(/onnxruntime-node/);
    expect(states.map((state) => state === undefined)).toEqual([false, false]);
    analysis.close(path);
  });
});

describe('sums that did not come to be known', () => {
  /** Targets of a machine on which experiments fail in this way while it is `broken`. */
  async function unstableTargets(kind: 'crashed' | 'failed', message: string) {
    const runtime = await startTestCompute();
    const machine = { broken: true, failures: 0 };
    const unstable: Runtime = {
      ...runtime,
      run: (session, ...rest) => {
        if (!machine.broken || !session.inputs.includes('ones')) return runtime.run(session, ...rest);
        machine.failures += 1;
        return Promise.reject(new RuntimeFailure(kind, message));
      },
    };
    const targets = new LiveTargets(unstable, memoryStore());
    const learn = () => targets.learn([CPU], undefined);
    return { machine, learn, find: () => targets.find(CPU), end: () => runtime.dispose() };
  }

  it.each([
    ['crashed', 'It died.'],
    ['failed', 'std::bad_alloc'],
  ] as const)('are found the next time that somebody asks: %s, %s', async (kind, message) => {
    const { machine, learn, find, end } = await unstableTargets(kind, message);
    expect(await learn()).toBe(true);
    expect(find()).toMatchObject({ usable: true, sums: new Map() });
    machine.broken = false;
    expect(await learn()).toBe(true);
    expect(find()?.sums.has('MatMul')).toBe(true);
    expect(await learn()).toBe(false);
    await end();
  });

  it('are not asked for for ever, and nothing changes where they stay unknown', async () => {
    const { machine, learn, find, end } = await unstableTargets('crashed', 'It died.');
    await learn();
    const first = find();
    expect(await learn()).toBe(false);
    expect(find()).toBe(first);
    const { failures } = machine;
    expect(await learn()).toBe(false);
    expect(machine.failures).toBe(failures);
    await end();
  });
});
