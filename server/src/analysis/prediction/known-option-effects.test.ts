// Plans with options that no sketch knows, predicted from measurements of single layers and emulated as a whole.
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { allowsFormat, precisionGraph, type LayerDecision, type LayerNumerics } from '../../plan/index.js';
import { closeEvaluation, openEvaluation } from '../sessions/evaluation.js';
import { measure } from '../measurement/measurement.js';
import { measuredAnew, type Results } from '../remembered.js';
import { knownSensitivities, knownSketch } from '../sketch/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  withEvaluation,
  writeChain,
  writeModel,
} from '../testing/index.js';
import { knownOptionEffects, predictorFrom, storedOptionEffects, type Predictor } from './index.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 5);
const { plan } = bindTo(model, 'tolerance "y" relative_l2 <= 1 over mean\ndefault: fp16');
const evaluation = await openEvaluation(runtime, model, randomSamples(4));
const results = measuredAnew(evaluation);
const { layers, roles, tolerances } = plan;
const sketch = await knownSketch(results, model, layers, 'fp16', ['y'], {});
const eight = await knownSketch(results, model, layers, 'int8', ['y'], {});
afterAll(() => closeEvaluation(evaluation));

function predictor(): Predictor {
  return predictorFrom([
    { sketch, errors: [] },
    { sketch: eight, errors: [] },
  ]);
}

const CHUNKED = { accumulate: { kind: 'chunked', length: 4 } } as const;

/** Products with options, all else in plain FP16. */
function decided(format: LayerDecision['format'], numerics: LayerNumerics): readonly LayerDecision[] {
  return plan.decisions.map((one): LayerDecision => {
    const isProduct = one.layer.node.opType === 'MatMul';
    if (!isProduct || format === 'original') return { ...one, format: 'fp16', wanted: 'fp16' };
    return { ...one, wanted: format, format, numerics };
  });
}

async function measured(decisions: readonly LayerDecision[]): Promise<number> {
  const found = await measure(evaluation, precisionGraph(model, roles, layers, decisions), tolerances);
  return found.tolerances[0]?.measured ?? Number.NaN;
}

describe('options that no sketch knows', () => {
  it.each([
    ['sums in FP16', 'fp16', { accumulate: { kind: 'fp16' } }],
    ['sums in chunks', 'fp16', CHUNKED],
    ['sums of an FP32 layer', 'fp32', { accumulate: { kind: 'fp16' } }],
    ['stochastic rounding', 'fp16', { stochastic: true }],
    ['a scale', 'fp16', { scale: 16 }],
    ['all of them', 'fp16', { ...CHUNKED, stochastic: true, scale: 2 }],
    ['another quantizer', 'int8', { quantize: { name: 'mse' } }],
    ['a format that nothing was sketched in', 'fp8_e4m3', {}],
    ['an option of such a format', 'fp8_e4m3', { stochastic: true }],
    ['weights in such a format', 'fp16', { weights: 'fp8_e4m3' }],
  ] as const)('are predicted: %s', async (_, format, numerics: LayerNumerics) => {
    const own = predictor();
    const decisions = decided(format, numerics);
    const products = layers.filter(({ node }) => node.opType === 'MatMul');
    // Before they are measured they are said to be missing, and nothing is promised.
    expect(own.predict(decisions, tolerances).missing).toEqual(products);
    const effects = own.unknownOptions(decisions);
    own.learnOptions((await knownOptionEffects(results, effects)).squares);
    const found = own.predict(decisions, tolerances);
    expect(found.missing).toEqual([]);
    const { low = Number.NaN, high = Number.NaN } = found.tolerances[0]?.value ?? {};
    const truth = await measured(decisions);
    expect(truth).toBeGreaterThan(low);
    expect(truth).toBeLessThan(high);
    // Few numbers come out of this model; still the interval says something.
    expect(high / low).toBeLessThan(20);
  });

  it('add to what formats do, or stand in their place', async () => {
    const own = predictor();
    const plain = decided('fp16', {});
    const valueOf = (decisions: readonly LayerDecision[]): number =>
      own.predict(decisions).outputs[0]?.rootMeanSquare.value ?? Number.NaN;
    const before = valueOf(plain);
    const cases = [decided('fp16', { accumulate: { kind: 'fp16' } }), decided('fp16', { scale: 4 })] as const;
    for (const one of cases) {
      own.learnOptions((await knownOptionEffects(results, own.unknownOptions(one))).squares);
    }
    // Sums of sixteen products lose more than what is stored of them; powers of two change nothing in these ranges.
    expect(valueOf(cases[0])).toBeGreaterThan(1.1 * before);
    expect(valueOf(cases[1]) / before).toBeGreaterThan(0.7);
    expect(valueOf(cases[1]) / before).toBeLessThan(1.4);
    // What was learnt of options is no part of a plan without them.
    expect(valueOf(plain)).toBeCloseTo(before, 12);
  });

  it('stand for all roundings of their layer but those that others have done', () => {
    const products = layers.filter(({ node }) => node.opType === 'MatMul');
    /** What is predicted of all of them with a scale, where each by itself does so much. */
    const of = (...squares: readonly number[]): number => {
      const own = predictor();
      const decisions = decided('fp16', { scale: 4 });
      for (const { key, layer } of own.unknownOptions(decisions)) {
        const samples = evaluation.feeds.map(() => squares[products.indexOf(layer)] ?? 0);
        own.learnOptions(new Map([[key, new Map([[layer.nodeIndex, new Map([['y', samples]])]])]]));
      }
      return own.predict(decisions).outputs[0]?.rootMeanSquare.value ?? Number.NaN;
    };
    // The sketch has roundings of each of them, and none is counted.
    expect(of()).toBe(0);
    const first = of(1e-6);
    expect(first).toBeGreaterThan(5e-4);
    expect(first).toBeLessThan(1e-3);
    // What the second one reads is rounded already.
    expect(of(0, 1e-6)).toBeLessThan(0.95 * first);
    expect(of(0, 1e-6)).toBeGreaterThan(0.5 * first);
  });

  it('of neighbours in a format without a sketch are counted once where both round the same', async () => {
    /** What is predicted and what is measured of a plan in which these layers have the format. */
    const of = async (...names: readonly string[]): Promise<{ guess: number; truth: number }> => {
      const decisions = plan.decisions.map((one): LayerDecision => {
        const format = names.includes(one.layer.name) ? 'dlfloat16' : 'original';
        return { ...one, wanted: format, format };
      });
      const own = predictor();
      own.learnOptions((await knownOptionEffects(results, own.unknownOptions(decisions))).squares);
      const { value = Number.NaN } = own.predict(decisions, tolerances).tolerances[0]?.value ?? {};
      return { guess: value, truth: await measured(decisions) };
    };
    const product = await of('mul_1');
    // Nothing is rounded before it: it does what it did when it was measured.
    expect(product.guess / product.truth).toBeCloseTo(1, 6);
    const relu = await of('relu_1');
    expect(relu.guess / relu.truth).toBeCloseTo(1, 6);
    // What a Relu makes of numbers of the format are such numbers.
    const both = await of('mul_1', 'relu_1');
    expect(both.truth).toBeCloseTo(product.truth, 12);
    expect(both.guess).toBeCloseTo(product.guess, 12);
    expect(relu.guess).toBeGreaterThan(0.3 * product.guess);
    // What the next product reads is rounded already, its weights and what it writes are not.
    const next = await of('mul_2');
    const three = await of('mul_1', 'relu_1', 'mul_2');
    expect(three.guess).toBeGreaterThan(product.guess);
    expect(three.guess).toBeLessThan(0.95 * Math.hypot(product.guess, next.guess));
    expect(three.guess / three.truth).toBeGreaterThan(1 / 2);
    expect(three.guess / three.truth).toBeLessThan(2);
  });

  it('are the same whatever else the plan says, and are measured once', async () => {
    const kept = new Map<string, unknown>();
    const remembering: Results = {
      ...results,
      find: (kind, recipe) => Promise.resolve(kept.get(JSON.stringify([kind, recipe]))),
      keep: (kind, recipe, value) => {
        kept.set(JSON.stringify([kind, recipe]), structuredClone(value));
        return Promise.resolve();
      },
    };
    const own = predictor();
    const effects = own.unknownOptions(decided('fp16', CHUNKED));
    const some = await knownOptionEffects(remembering, effects.slice(0, 2));
    expect(some.inferences).toBe(2 * evaluation.feeds.length);
    const all = await knownOptionEffects(remembering, effects);
    expect(all.inferences).toBe((effects.length - 2) * evaluation.feeds.length);
    expect(await storedOptionEffects(remembering, effects)).toEqual(all.squares);
    const others = own.unknownOptions(decided('fp32', CHUNKED));
    expect(await knownOptionEffects(remembering, others)).toMatchObject({
      inferences: 0,
      squares: all.squares,
    });
    // Another length of chunks is another question.
    const longer = own.unknownOptions(decided('fp16', { accumulate: { kind: 'chunked', length: 8 } }));
    expect([...(await storedOptionEffects(remembering, longer)).values()].map(({ size }) => size)).toEqual([
      0,
    ]);
  });

  it('are predicted of what is held at the largest number, where it would be infinite otherwise', async () => {
    const large = writeModel(join(folder, 'large.onnx'), {
      nodes: [
        makeNode({ opType: 'Exp', inputs: ['x'], outputs: ['grown'], name: 'grown' }),
        makeNode({ opType: 'Mul', inputs: ['grown', 'many'], outputs: ['beyond'], name: 'beyond' }),
        makeNode({ opType: 'Mul', inputs: ['beyond', 'few'], outputs: ['y'], name: 'back' }),
      ],
      weights: [
        floatTensor('many', [1], Float32Array.of(60_000)),
        floatTensor('few', [1], Float32Array.of(2 ** -12)),
      ],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    await withEvaluation(runtime, large, randomSamples(2), async (opened) => {
      const predicted = async (options: string) => {
        const text = `tolerance "y" relative_l2 <= 1 over mean\nlayer "beyond": fp16${options}`;
        const { plan: own } = bindTo(large, text);
        const known = measuredAnew(opened);
        const { layers: all } = own;
        const subject = {
          model: large,
          all,
          layers: all,
          format: 'fp16',
          tolerances: [],
          floatOutputs: ['y'],
        } as const;
        const found = await knownSensitivities(known, subject, { way: 'sketch-first' });
        const predictor = predictorFrom([found]);
        const effects = predictor.unknownOptions(own.decisions);
        predictor.learnOptions((await knownOptionEffects(known, effects)).squares);
        const graph = precisionGraph(large, own.roles, own.layers, own.decisions);
        const { tolerances: truths } = await measure(opened, graph, own.tolerances);
        const { value } = predictor.predict(own.decisions, own.tolerances).tolerances[0] ?? {};
        return { value: value?.value ?? Number.NaN, truth: truths[0]?.measured ?? Number.NaN };
      };
      expect((await predicted('')).value).toBe(Number.POSITIVE_INFINITY);
      const { value, truth } = await predicted(' { overflow: saturate }');
      expect(truth).toBeGreaterThan(0.01);
      expect(value / truth).toBeGreaterThan(1 / 1.3);
      expect(value / truth).toBeLessThan(1.3);
    });
  });

  it('that two plans share make one tell of the other', () => {
    const own = predictor();
    const all = decided('fp32', { accumulate: { kind: 'fp16' } });
    const squares = evaluation.feeds.map(() => 1e-2);
    for (const { key, layer } of own.unknownOptions(all)) {
      own.learnOptions(new Map([[key, new Map([[layer.nodeIndex, new Map([['y', squares]])]])]]));
    }
    // Four of five sums are the same, and nothing else errs by as much.
    const fewer = all.map((one, at): LayerDecision => {
      const { numerics: _, ...plain } = one;
      return at === 0 ? plain : one;
    });
    own.learnPlan({
      decisions: all,
      tolerances: tolerances.map((tolerance) => ({ tolerance, measured: 0.3 })),
    });
    const [found] = own.predict(fewer, tolerances).tolerances;
    expect(found?.after?.differing).toBe(1);
    expect(found?.after?.weight).toBeCloseTo(0.8 ** 4, 2);
  });

  it('and what no gradient tells are missing of a layer as one thing', async () => {
    const blocked = writeModel(join(folder, 'blocked.onnx'), {
      nodes: [
        makeNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['product'], name: 'behind' }),
        makeNode({ opType: 'Hardmax', inputs: ['product'], outputs: ['y'], name: 'blocks' }),
      ],
      weights: [floatTensor('w', [WIDTH, WIDTH], randomValues(WIDTH * WIDTH, 1))],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    const own = bindTo(blocked, 'accumulate: fp16\nlayer "behind": fp16').plan;
    await withEvaluation(runtime, blocked, randomSamples(1), async (opened) => {
      const found = await knownSketch(measuredAnew(opened), blocked, own.layers, 'fp16', ['y'], {});
      const { missing } = predictorFrom([{ sketch: found, errors: [] }]).predict(own.decisions);
      expect(missing.map(({ name }) => name)).toEqual(['behind']);
    });
  });

  it('of a layer that draws random numbers stay unknown, and nothing is opened to measure them', async () => {
    const drawing = writeModel(join(folder, 'drawing.onnx'), {
      nodes: [
        makeNode({ opType: 'RandomUniformLike', inputs: ['x'], outputs: ['drawn'], name: 'draws' }),
        makeNode({ opType: 'Mul', inputs: ['drawn', 'x'], outputs: ['y'], name: 'product' }),
      ],
      weights: [],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    const asked = bindTo(drawing, 'layer "draws": fp16 { rounding: stochastic }').plan.decisions;
    const effects = predictorFrom([]).unknownOptions(asked);
    expect(effects.map(({ layer }) => layer.name)).toEqual(['draws']);
    const closed: Results = { ...results, evaluation: () => Promise.reject(new Error('opened')) };
    expect(await knownOptionEffects(closed, effects)).toMatchObject({ inferences: 0 });
  });

  it('that make something infinite are said to', async () => {
    const own = predictor();
    // Inputs of a hundred times what FP16 holds.
    const decisions = plan.decisions.map((one, at): LayerDecision =>
      at === 0 ? { ...one, format: 'fp16', numerics: { scale: 2 ** 30 } } : { ...one, format: 'original' },
    );
    expect(allowsFormat(model, decisions[0]?.layer ?? never(), 'fp16')).toBe(true);
    own.learnOptions((await knownOptionEffects(results, own.unknownOptions(decisions))).squares);
    const found = own.predict(decisions, tolerances);
    expect(found.nonFinite).toEqual([decisions[0]?.layer]);
    expect(found.tolerances[0]?.value?.value).toBe(Number.POSITIVE_INFINITY);
  });
});

function never(): never {
  throw new Error('the plan has no layers');
}
