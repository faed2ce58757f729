/**
 * Work that is stopped, overtaken, ended from outside or taken its model away: nothing that was learnt is lost, nothing is tried
 * for ever, and other plans go on.
 */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataType, makeAttribute, makeNode, type Model, type Node } from '../../onnx/index.js';
import { floatTensor, randomValues, realModel, WIDTH, writeChain, writeModel } from '../testing/index.js';
import type { LiveAnalysis } from './live-analysis.js';
import type { PlanNumbers } from './numbers.js';
import { boundPlan, endOf, liveForTests, until } from './testing.js';

const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 4 }\ntolerance "y" relative_l2 <= 1e-6\n';
/** Set in the compute process, it makes a request of this kind end it. */
const CRASH = 'ONNX_PRECISION_TEST_CRASH';

const live = liveForTests();
const { folder } = live;
const chain = writeChain(join(folder, 'chain.onnx'), 32);

/** Products in turn and a tensor of 16 bits at the end: such a model is not cut, and each layer is measured by itself. */
function writeSixteenBits(path: string, depth: number): Model {
  const cast = (from: string, to: string, type: DataType): Node =>
    makeNode({
      opType: 'Cast',
      inputs: [from],
      outputs: [to],
      attributes: [makeAttribute('to', { kind: 'int', value: type })],
    });
  const products = Array.from({ length: depth }, (_, index) =>
    makeNode({
      opType: 'Mul',
      name: `mul_${index}`,
      inputs: [index === 0 ? 'x' : `m_${index - 1}`, 'w'],
      outputs: [`m_${index}`],
    }),
  );
  return writeModel(path, {
    nodes: [...products, cast(`m_${depth - 1}`, 'low', DataType.FLOAT16), cast('low', 'y', DataType.FLOAT)],
    weights: [
      floatTensor(
        'w',
        [1, WIDTH],
        randomValues(WIDTH, 1).map((value) => 1 + value / 8),
      ),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, WIDTH] },
  });
}

function pathOf(name: string): string {
  return join(folder, `${name}.precision`);
}

function plan(name: string, decisions = 'default: fp16\n', model: Model = chain) {
  return boundPlan(pathOf(name), model, HEAD + decisions);
}

function isMeasuring({ measured }: PlanNumbers): boolean {
  return measured !== undefined;
}

function kill(): void {
  const { processId } = live.runtime;
  if (processId === undefined) throw new Error('there is no process to kill');
  process.kill(processId, 'SIGKILL');
}

/** The plans in the order in which work on them begins, again if it is begun again. */
function recordTurns(analysis: LiveAnalysis, names: readonly string[]): string[] {
  const turns: string[] = [];
  const begun = new Set<string>();
  analysis.onChange((changed) => {
    const name = names.find((one) => pathOf(one) === changed) ?? '';
    const { state, message } = analysis.numbers(changed);
    if (state !== 'working' || message !== 'samples') begun.delete(name);
    else if (!begun.has(name)) {
      begun.add(name);
      turns.push(name);
    }
  });
  return turns;
}

describe('work that is stopped', () => {
  it('goes on where it was when it is asked again', async () => {
    const model = writeSixteenBits(join(folder, 'sixteen.onnx'), 24);
    const analysis = await live.start('stopped');
    analysis.update(plan('a', undefined, model));
    const samples = 4;
    const layers = 5;
    await until(analysis, pathOf('a'), ({ message, progress }) => {
      return message === 'measured errors' && (progress?.done ?? 0) > samples * layers;
    });
    analysis.cancel(pathOf('a'));
    expect(analysis.numbers(pathOf('a'))).toMatchObject({
      state: 'idle',
      message: 'stopped',
      measured: undefined,
    });
    analysis.close(pathOf('a'));

    // Not in memory: another program finds it as well.
    const later = await live.start('stopped');
    later.update(plan('a', undefined, model));
    const { measured, sensitivity } = await until(later, pathOf('a'), isMeasuring);
    const methods = [...sensitivity.values()].map(({ method }) => method);
    expect(measured?.done).toBeGreaterThanOrEqual(layers);
    expect(methods.filter((one) => one === 'measured')).toHaveLength(measured?.done ?? -1);
    expect(methods).toContain('local');
    const all = [...(await endOf(later, pathOf('a'))).sensitivity.values()];
    expect(new Set(all.map(({ method }) => method))).toEqual(new Set(['measured']));
    expect(all.map(({ rank }) => rank).toSorted((a, b) => a - b)).toEqual(all.map((_, index) => index + 1));
    later.close(pathOf('a'));
  });

  it('for a command begins again when all commands are done', async () => {
    const analysis = await live.start('paused');
    analysis.update(plan('a'));
    await until(analysis, pathOf('a'), isMeasuring);
    const resume = [analysis.pause(), analysis.pause()];
    expect(analysis.numbers(pathOf('a'))).toMatchObject({ state: 'waiting', message: 'paused' });
    const turns = recordTurns(analysis, ['a', 'b']);
    analysis.update(plan('b', 'default: fp32\n'));
    resume[0]?.();
    resume[0]?.();
    // What the command does in the same process meanwhile.
    const command = await live.start('command');
    command.update(plan('c'));
    await endOf(command, pathOf('c'));
    command.close(pathOf('c'));
    expect(turns).toEqual([]);
    resume[1]?.();
    await endOf(analysis, pathOf('a'));
    await endOf(analysis, pathOf('b'));
    expect(turns).toEqual(['a', 'b']);
    for (const name of ['a', 'b']) analysis.close(pathOf(name));
  });

  it('for a plan that is seen gets its turn after it', async () => {
    const analysis = await live.start('seen');
    const turns = recordTurns(analysis, ['hidden', 'other', 'seen']);
    analysis.update(plan('hidden'));
    await until(analysis, pathOf('hidden'), isMeasuring);
    analysis.setVisible(new Set([pathOf('seen')]));
    analysis.update(plan('other', 'default: bf16\n'));
    analysis.update(plan('seen', 'op Relu: fp16\n'));
    for (const name of ['seen', 'hidden', 'other']) await endOf(analysis, pathOf(name));
    expect(turns).toEqual(['hidden', 'seen', 'hidden', 'other']);
    for (const name of ['seen', 'hidden', 'other']) analysis.close(pathOf(name));
  });
});

describe('work that ends the compute process', () => {
  it('is tried once more', async () => {
    const analysis = await live.start('killed');
    analysis.update(plan('a'));
    await until(analysis, pathOf('a'), isMeasuring);
    kill();
    const numbers = await endOf(analysis, pathOf('a'));
    expect(numbers).toMatchObject({ state: 'idle', message: '' });
    expect(numbers.sensitivity.size).toBe(64);
    analysis.close(pathOf('a'));
  });

  it('is given up after the second time, and other plans are analysed', async () => {
    const analysis = await live.start('given up', {}, {});
    let kills = 0;
    analysis.onChange((changed) => {
      const isTime = changed === pathOf('a') && analysis.numbers(changed).message === 'measured errors';
      const { processId, crashes } = live.runtime;
      if (!isTime || processId === undefined || kills > crashes) return;
      kills += 1;
      kill();
    });
    analysis.update(plan('a'));
    analysis.update(plan('b', 'default: fp16\n', writeChain(join(folder, 'b.onnx'), 2)));
    const given = await endOf(analysis, pathOf('a'));
    expect(given.state).toBe('failed');
    expect(given.message).toMatch(
      /^measuring the effect of each layer crashed the runtime 2 times .* SIGKILL/su,
    );
    expect(given.verdict).toBeDefined();
    expect(given.latency).toBeDefined();
    expect(kills).toBe(2);
    expect(await endOf(analysis, pathOf('b'))).toMatchObject({ state: 'idle' });

    // Neither a comment nor a flip, which this does not depend on, tries it again.
    analysis.update(plan('a', 'default: fp16\nlayer "mul_3": fp32\n'));
    expect(await endOf(analysis, pathOf('a'))).toMatchObject({ state: 'failed', message: given.message });
    expect(kills).toBe(2);
    analysis.restart(pathOf('a'));
    expect(await until(analysis, pathOf('a'), isMeasuring)).toMatchObject({ state: 'working' });
    for (const name of ['a', 'b']) analysis.close(pathOf(name));
  });

  it('with everything it does is not begun again', async () => {
    const analysis = await live.start('crashing', {}, { environment: { [CRASH]: 'run' } });
    analysis.update(plan('a'));
    const failed = await endOf(analysis, pathOf('a'));
    expect(failed.state).toBe('failed');
    expect(failed.message).toContain('running the original model crashed the runtime 2 times');
    analysis.update(plan('a', 'default: fp32\n'));
    expect((await endOf(analysis, pathOf('a'))).message).toBe(failed.message);
    expect(live.runtime.crashes).toBe(2);
    analysis.close(pathOf('a'));
  });

  it('while it is timed only lacks its latency', async () => {
    const analysis = await live.start('untimed', {}, { environment: { [CRASH]: 'time' } });
    analysis.update(plan('a'));
    const numbers = await endOf(analysis, pathOf('a'));
    expect(numbers).toMatchObject({ state: 'idle', message: '', latency: undefined });
    const note = /^Layers cannot be timed: timing layers crashed the runtime 2 times/u;
    expect(numbers.notes).toEqual([expect.stringMatching(note)]);
    analysis.close(pathOf('a'));
  });

  it('which is not there says so', async () => {
    const analysis = await live.start('no node', {}, { node: '/no/such/node' });
    analysis.update(plan('a'));
    const failed = await endOf(analysis, pathOf('a'));
    expect(failed.state).toBe('failed');
    expect(failed.message).toContain('there is no Node at /no/such/node');
    analysis.close(pathOf('a'));
  });

  it('between two jobs is started again', async () => {
    const analysis = await live.start('idle', {}, {});
    analysis.update(plan('a'));
    await endOf(analysis, pathOf('a'));
    await live.runtime.dispose();
    analysis.update(plan('a', 'default: fp16\nlayer "mul_3": fp32\n'));
    expect(await endOf(analysis, pathOf('a'))).toMatchObject({ state: 'idle', verdictIsStale: false });
    analysis.close(pathOf('a'));
  });
});

describe('a model that changes while it is analysed', () => {
  it('is said to have, which is no error whatever came of it, and analysed as it is then', async () => {
    const changed: string[] = [];
    const logged: string[] = [];
    const states: string[] = [];
    const onModelChanged = (path: string): void => void changed.push(path);
    const analysis = await live.start('changed', { onModelChanged, log: (line) => logged.push(line) }, {});
    analysis.onChange((path) => states.push(analysis.numbers(path).state));
    const file = join(folder, 'changing.onnx');
    const before = writeChain(file, 24);
    analysis.update(plan('a', undefined, before));
    await until(analysis, pathOf('a'), isMeasuring);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length / 2));
    const waiting = await until(
      analysis,
      pathOf('a'),
      ({ state, message }) => state === 'waiting' && message !== '',
    );
    expect(waiting.message).toBe('the model changed, starting again');
    expect(changed).toEqual([pathOf('a')]);
    expect(logged).toEqual([]);
    expect(states).not.toContain('failed');

    writeChain(file, 3);
    analysis.update(plan('a', undefined, realModel(file)));
    expect(analysis.numbers(pathOf('a'))).toMatchObject({ verdict: undefined, ranges: new Map() });
    const now = await endOf(analysis, pathOf('a'));
    expect(now).toMatchObject({ state: 'idle', message: '' });
    expect(now.sensitivity.size).toBe(6);
    analysis.close(pathOf('a'));
  });
});

describe('a model whose weights change beside it', () => {
  it('is analysed again, though its own file stays the same', async () => {
    const file = join(folder, 'beside.onnx');
    writeChain(file, 24);
    // A moment that can be set again exactly.
    const before = new Date(1_700_000_000_000);
    utimesSync(file, before, before);
    const model = realModel(file);
    const again = plan('a', undefined, model);
    const started: string[] = [];
    const onModelChanged = (path: string): void => {
      started.push(path);
      utimesSync(file, before, before);
      analysis.update(again);
    };
    const analysis = await live.start('beside', { onModelChanged }, {});
    analysis.update(plan('a', undefined, model));
    await until(analysis, pathOf('a'), isMeasuring);
    utimesSync(file, before, new Date(before.getTime() + 5000));
    expect(await endOf(analysis, pathOf('a'))).toMatchObject({ state: 'idle', message: '' });
    expect(started).toEqual([pathOf('a')]);
    analysis.close(pathOf('a'));
  });
});

describe('a plan with errors', () => {
  it('is measured all the same, and a note says why it is not timed', async () => {
    const analysis = await live.start('unconverted');
    analysis.update(plan('a', 'default: fp16\nlayer "no_such_layer": fp32\n'));
    const numbers = await endOf(analysis, pathOf('a'));
    expect(numbers).toMatchObject({ state: 'idle', latency: undefined });
    expect(numbers.verdict).toBeDefined();
    expect(numbers.notes).toEqual(['Layers are timed once the plan has no errors.']);
    analysis.close(pathOf('a'));
  });
});
