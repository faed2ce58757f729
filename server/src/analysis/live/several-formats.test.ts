/** Plans of several low formats behind an editor: numbers for every layer in the format that it has, and predictions with all of them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeChain } from '../testing/index.js';
import { liveFindings } from './live-findings.js';
import { lowFormats } from './low-format.js';
import { numbersIn, type PlanNumbers } from './numbers.js';
import { boundPlan, endOf, liveForTests } from './testing.js';

const live = liveForTests();
const path = join(live.folder, 'p.precision');
const model = writeChain(join(live.folder, 'model.onnx'), 6);
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 2 }\ntolerance "y" relative_l2 <= 1\n';
const THREE = 'default: fp16\nlayer "mul_0": bf16\nlayer "mul_2": int8\nlayer "mul_3": int8\n';

function plan(text: string) {
  return boundPlan(path, model, HEAD + text);
}

function predicted({ prediction }: PlanNumbers): number | undefined {
  return prediction?.tolerances[0]?.value?.value;
}

/** What is known of the layers in a format, worst first. */
function known(numbers: PlanNumbers, format: string): [string, string][] {
  const own = numbersIn(numbers, format);
  expect(own.format).toBe(format);
  expect([...own.ranges.keys()].toSorted()).toEqual([...own.sensitivity.keys()].toSorted());
  return [...own.sensitivity].map(([name, { method }]) => [name, method]);
}

describe('the low formats of a plan', () => {
  it('are those of its layers and weights, the one that most layers have first', () => {
    expect(lowFormats(plan(THREE))).toEqual(['fp16', 'int8', 'bf16']);
    expect(lowFormats(plan('default: fp32\nlayer "mul_0": fp32 { weights: int4 }\n'))).toEqual([
      'fp16',
      'int4',
    ]);
    expect(lowFormats(plan('default: fp32\n'))).toEqual(['fp16']);
  });
});

describe('a plan of three low formats', () => {
  it('has numbers for each layer in its own, of all kinds, and a prediction with all of them', async () => {
    const analysis = await live.start('three');
    analysis.update(plan(THREE));
    const measured: unknown[] = [];
    const end = analysis.onChange(() => measured.push(analysis.numbers(path).measured?.total));
    const numbers = await endOf(analysis, path);
    end();
    expect(numbers).toMatchObject({ state: 'idle', message: '', format: 'fp16' });
    expect(known(numbers, 'fp16')).toHaveLength(12);
    expect(known(numbers, 'bf16')).toEqual([['mul_0', 'measured']]);
    expect(known(numbers, 'int8').toSorted()).toEqual([
      ['mul_2', 'measured'],
      ['mul_3', 'measured'],
    ]);
    // BF16 has eight times the error of FP16, which is what the same layer is told for that format.
    const [own, main] = ['bf16', 'fp16'].map(
      (one) => numbersIn(numbers, one).sensitivity.get('mul_0')?.value,
    );
    expect((own ?? 0) / (main ?? 1)).toBeGreaterThan(4);
    // What the layer does to its own output is known beside it.
    expect(numbersIn(numbers, 'bf16').sensitivity.get('mul_0')?.local?.value).toBeGreaterThan(0);
    // Progress is that of all layers in the first format: what waits for its end is about that one.
    expect(new Set(measured)).toEqual(new Set([undefined, 12]));

    // Nothing is missing in what is predicted of a plan that nobody has measured.
    const flipped = `${THREE}layer "mul_5": fp32\n`;
    analysis.update(plan(flipped));
    const guess = predicted(analysis.numbers(path)) ?? Number.NaN;
    const truth = (await endOf(analysis, path)).verdict?.verdicts[0]?.measured ?? Number.NaN;
    expect(guess / truth).toBeGreaterThan(1 / 3);
    expect(guess / truth).toBeLessThan(3);
    analysis.close(path);
  });

  it('is answered by the store, with the same numbers and nothing run', async () => {
    const analysis = await live.start('three');
    const messages = new Set<string>();
    analysis.onChange(() => messages.add(analysis.numbers(path).message));
    analysis.update(plan(THREE));
    const numbers = await endOf(analysis, path);
    expect(known(numbers, 'bf16')).toEqual([['mul_0', 'measured']]);
    expect(predicted(numbers)).toBeGreaterThan(0);
    messages.delete('latency of layers');
    expect(messages).toEqual(new Set(['', 'samples']));
    analysis.close(path);
  });

  it('is told of in findings, whatever format a layer has', async () => {
    const analysis = await live.start('three');
    const strict = boundPlan(path, model, HEAD.replace('<= 1', '<= 1e-9') + THREE);
    analysis.update(strict);
    const findings = liveFindings(strict, await endOf(analysis, path));
    const dearest = findings
      .filter(({ severity }) => severity === 'information')
      .map(({ message }) => message);
    expect(dearest.join('\n')).toContain('of the layers in int8 these cost most: "mul_');
    // Each format tells of its own layers, however little they err beside those of another one.
    const formatOf = new Map(strict.decisions.map(({ layer, format }) => [layer.name, format]));
    const told = dearest.flatMap((message) => {
      const [, format, layers = ''] = /^of the layers in (.+) these cost most: (.*)$/u.exec(message) ?? [];
      return [...layers.matchAll(/"([^"]+)" /gu)].map(([, name = '']) => [format, formatOf.get(name)]);
    });
    const counted = ['fp16', 'bf16', 'int8'].map((one) => told.filter(([format]) => format === one).length);
    expect(counted).toEqual([5, 1, 2]);
    for (const [format, own] of told) expect(own).toBe(format);
    analysis.close(path);
  });
});

describe('a format that the plan takes up', () => {
  it('is in its prediction while it stays, and the ones before it, too', async () => {
    const analysis = await live.start('taken up');
    analysis.update(plan('default: fp16\n'));
    await endOf(analysis, path);
    const one = 'default: fp16\nlayer "mul_1": bf16\n';
    analysis.update(plan(one));
    await endOf(analysis, path);
    const values: (number | undefined)[] = [];
    analysis.onChange(() => values.push(predicted(analysis.numbers(path))));
    analysis.update(plan('default: fp16\nlayer "mul_1": bf16\nlayer "mul_4": fp32\n'));
    const before = predicted(analysis.numbers(path));
    expect(before).toBeGreaterThan(0);
    await endOf(analysis, path);
    // What is known of the format once is known at every step of the next work.
    expect(values).not.toContain(undefined);
    analysis.close(path);
  });

  it('is sketched where a sketch is there, and otherwise measured where that is less work', async () => {
    const analysis = await live.start('sketched');
    // Here most layers have it, so that it is sketched.
    analysis.update(plan('default: bf16\n'));
    await endOf(analysis, path);
    const messages = new Set<string>();
    analysis.onChange(() => messages.add(analysis.numbers(path).message));
    const text = 'default: fp16\nlayer "mul_0": bf16\nlayer "mul_1": bf16\n';
    analysis.update(plan(text));
    const numbers = await endOf(analysis, path);
    expect(predicted(numbers)).toBeGreaterThan(0);
    expect(messages).not.toContain('options of layers');
    // A neighbour in the same format reads what is rounded already: only a sketch knows.
    analysis.update(plan(`${text}layer "relu_0": bf16\n`));
    expect(predicted(analysis.numbers(path))).toBeGreaterThan(0);
    await endOf(analysis, path);
    analysis.close(path);
  });

  it('is predicted from the sketch that an earlier session made of it', async () => {
    const analysis = await live.start('sketched');
    const text = 'default: fp16\nlayer "mul_0": bf16\n';
    analysis.update(plan(text));
    await endOf(analysis, path);
    // Of this layer nothing else is known in the format.
    analysis.update(plan(`${text}layer "relu_3": bf16\n`));
    expect(predicted(analysis.numbers(path))).toBeGreaterThan(0);
    await endOf(analysis, path);
    analysis.close(path);
  });

  it('is measured once, for the numbers of its layers and for predictions', async () => {
    const analysis = await live.start('once');
    const messages = new Set<string>();
    analysis.onChange(() => messages.add(analysis.numbers(path).message));
    const text = 'default: fp16\nlayer "mul_0", "mul_1": bf16\n';
    analysis.update(plan(text));
    await endOf(analysis, path);
    expect(messages).toContain('measured errors');
    expect(messages).not.toContain('options of layers');
    analysis.update(plan(`${text}layer "mul_5": fp32\n`));
    expect(predicted(analysis.numbers(path))).toBeGreaterThan(0);
    await endOf(analysis, path);
    analysis.close(path);
  });

  it('for weights alone is predicted, too', async () => {
    const analysis = await live.start('weights');
    const text = 'default: fp16\nlayer "mul_0": fp16 { weights: int8 }\n';
    analysis.update(plan(text));
    await endOf(analysis, path);
    analysis.update(plan(`${text}layer "mul_5": fp32\n`));
    expect(predicted(analysis.numbers(path))).toBeGreaterThan(1e-4);
    await endOf(analysis, path);
    analysis.close(path);
  });
});
