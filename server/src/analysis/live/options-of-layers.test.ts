/** Options of layers behind an editor: measured in the background, so that a flip is predicted at once. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { floatTensor, randomValues, WIDTH, writeChain, writeModel } from '../testing/index.js';
import { liveFindings } from './live-findings.js';
import { plannedSensitivities } from './optioned-errors.js';
import { boundPlan, endOf, liveForTests, until } from './testing.js';

const live = liveForTests();
const path = join(live.folder, 'p.precision');
const model = writeChain(join(live.folder, 'model.onnx'), 3);
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 2 }\ntolerance "y" relative_l2 <= 1\n';

it('of a plan, and of each layer that is flipped, are in predictions', async () => {
  const analysis = await live.start('options');
  const updated = (text: string) => {
    analysis.update(boundPlan(path, model, HEAD + text));
    return analysis.numbers(path);
  };
  const isPredicted: boolean[] = [];
  const end = analysis.onChange(() => {
    const [tolerance] = analysis.numbers(path).prediction?.tolerances ?? [];
    if (tolerance !== undefined) isPredicted.push(tolerance.value !== undefined);
  });
  updated('accumulate: fp16\ndefault: fp32\nlayer "mul_0": fp16\n');
  await endOf(analysis, path);
  end();
  // What is known once stays known, whatever else is learnt.
  expect(isPredicted).toContain(true);
  expect(isPredicted.lastIndexOf(false)).toBeLessThan(isPredicted.indexOf(true));
  // Nobody has measured this plan, nor the sums of the layer that it lowers.
  const flipped = updated('accumulate: fp16\ndefault: fp32\nlayer "mul_0": fp16\nlayer "mul_1": fp16\n');
  expect(flipped.verdictIsStale).toBe(true);
  const [tolerance] = flipped.prediction?.tolerances ?? [];
  expect(tolerance).toMatchObject({ holds: true });
  const predicted = tolerance?.value?.value ?? Number.NaN;
  // Without its sums it would be less.
  const plain = updated('default: fp32\nlayer "mul_0": fp16\nlayer "mul_1": fp16\n').prediction;
  expect(plain?.tolerances[0]?.value?.value).toBeLessThan(predicted);
  // What no flip would make is not known beforehand, is said to be missing, and is measured then.
  const scaled = 'default: fp32\nlayer "mul_2": fp16 { scale: 4 }\n';
  expect(updated(scaled).prediction?.tolerances[0]).toMatchObject({
    value: undefined,
    reason: 'what "mul_2" does is not known yet',
  });
  const found = await until(
    analysis,
    path,
    ({ prediction }) => prediction?.tolerances[0]?.value !== undefined,
  );
  expect(found.prediction?.tolerances[0]?.holds).toBe(true);
  analysis.close(path);
});

it('of a line of its own are in the prediction of its flip, before it is flipped', async () => {
  const analysis = await live.start('lines');
  const flips = [
    // Nobody but this line has the format, in which nothing is sketched.
    ['layer "mul_1": bf16', 'layer "mul_1": fp16'],
    ['layer "mul_1": fp16', 'layer "mul_1": bf16'],
    ['layer "mul_1": fp8_e4m3 { weights: int8 }', 'layer "mul_1": fp16 { weights: int8 }'],
    ['layer "mul_1": fp32 { scale: 4 }', 'layer "mul_1": fp16 { scale: 4 }'],
    ['op MatMul: fp16 { accumulate: fp16 }', 'op MatMul: fp32 { accumulate: fp16 }'],
  ] as const;
  for (const [before, after] of flips) {
    analysis.update(boundPlan(path, model, `${HEAD}default: fp32\n${before}\n`));
    await endOf(analysis, path);
    analysis.update(boundPlan(path, model, `${HEAD}default: fp32\n${after}\n`));
    const [tolerance] = analysis.numbers(path).prediction?.tolerances ?? [];
    expect([after, tolerance?.reason, tolerance?.holds]).toEqual([after, undefined, true]);
    const measured = (await endOf(analysis, path)).verdict?.verdicts[0]?.measured ?? Number.NaN;
    expect([after, (tolerance?.value?.value ?? 0) / measured > 1 / 4]).toEqual([after, true]);
    expect([after, (tolerance?.value?.value ?? 0) / measured < 4]).toEqual([after, true]);
  }
  analysis.close(path);
});

it('are in what is known of a layer by itself, and in what costs most', async () => {
  const analysis = await live.start('alone');
  const scaled = 'default: fp32\nlayer "mul_1": fp16 { scale: 2^-24 }\n';
  const strict = boundPlan(path, model, HEAD.replace('<= 1', '<= 1e-6') + scaled);
  analysis.update(strict);
  const numbers = await endOf(analysis, path);
  const measured = numbers.verdict?.verdicts[0]?.measured ?? Number.NaN;
  const [known] = plannedSensitivities(strict.decisions, strict.decisions, numbers).values();
  const options = { text: `scale: ${2 ** -24}`, areIn: true };
  expect(known).toMatchObject({ method: 'predicted', rank: 1, options });
  expect((known?.value ?? 0) / measured).toBeGreaterThan(1 / 2);
  expect((known?.value ?? 0) / measured).toBeLessThan(2);
  expect((known?.share ?? 0) / ((known?.value ?? 0) * 1e6)).toBeCloseTo(1, 0);
  // Without its scale the layer does next to nothing.
  expect(measured / (numbers.sensitivity.get('mul_1')?.value ?? 1)).toBeGreaterThan(20);
  const dearest = liveFindings(strict, numbers).find(({ severity }) => severity === 'information');
  expect(dearest?.message).toMatch(/"mul_1" alone errs \S+ times .* with scale: 5\.96\S+ \(predicted\)$/u);
  const unknown = liveFindings(strict, { ...numbers, optioned: new Map() });
  expect(unknown.find(({ severity }) => severity === 'information')?.message).toMatch(
    / without scale: 5\.96\S+$/u,
  );
  // What was told of another scale is not told of this one.
  const other = boundPlan(path, model, HEAD + scaled.replace('-24', '-23'));
  const left = plannedSensitivities(other.decisions, other.decisions, numbers).get('mul_1');
  expect(left).toMatchObject({ method: 'measured', options: { areIn: false } });
  analysis.close(path);
});

it('decide which weights become zero: one scale for all channels, asked for by one layer alone', async () => {
  const weights = randomValues(WIDTH * 4, 3).map((value, at) => value * 10 ** -(at % 4));
  const products = [0, 1, 2];
  const columns = writeModel(join(live.folder, 'columns.onnx'), {
    nodes: products.map((at) =>
      makeNode({ opType: 'MatMul', inputs: ['x', `w${at}`], outputs: [`y${at}`], name: `p${at}` }),
    ),
    weights: products.map((at) => floatTensor(`w${at}`, [WIDTH, 4], weights)),
    inputs: { x: [1, WIDTH] },
    outputs: Object.fromEntries(products.map((at) => [`y${at}`, [1, 4]])),
  });
  const analysis = await live.start('zeros');
  const zerosOf = async (last: string): Promise<number> => {
    const text = `input "x" = uniform(-1, 1) { seed: 1, count: 1 }\ndefault: int8 { per: channel }\nlayer "p2": ${last}\n`;
    analysis.update(boundPlan(path, columns, text));
    await endOf(analysis, path);
    const { tensors } = analysis.numbers(path).ranges.get('p2') ?? {};
    return tensors?.find(({ tensor }) => tensor === 'w2')?.becomesZero ?? Number.NaN;
  };
  // As the others have it, until it says something else.
  const perChannel = await zerosOf('fp32');
  expect(await zerosOf('int8')).toBeGreaterThan(perChannel + 10);
  expect(await zerosOf('int8 { per: channel }')).toBe(perChannel);
  analysis.close(path);
});
