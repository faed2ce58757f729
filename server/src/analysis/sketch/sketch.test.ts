// A sketch of a small network against the same products by hand, against measured errors, and against itself.
import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roundTo } from '../../formats/index.js';
import { makeNode, type Model } from '../../onnx/index.js';
import {
  findLayers,
  layerInFormat,
  nodeRoles,
  precisionGraph,
  roundingEvents,
  type Layer,
  type LayerDecision,
} from '../../plan/index.js';
import { memoryStore } from '../../store/index.js';
import type { Evaluation } from '../sessions/evaluation.js';
import { measure } from '../measurement/measurement.js';
import { measuredErrors } from '../errors/measured-errors.js';
import { Predictor, predictorFrom } from '../prediction/index.js';
import { rankCorrelation } from '../errors/rank-correlation.js';
import { measuredAnew, withStore, type Results } from '../remembered.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  withEvaluation,
  writeChain,
  writeModel,
} from '../testing/index.js';
import { isSketchCheaper, measuredTime, sketchTime } from './cost.js';
import {
  firstOrderScores,
  knownSensitivities,
  knownSketch,
  Sketcher,
  sketchedErrors,
  type SensitivitySubject,
  type Sketch,
} from './index.js';
import { lossOf } from './loss.js';
import { isSaturated } from './saturation.js';

const { runtime, folder } = await computeForTests();

async function sketchOf(evaluation: Evaluation, probes: number, seed = 1): Promise<Sketch> {
  const { model, floatOutputs } = evaluation;
  return knownSketch(measuredAnew(evaluation), model, findLayers(model), 'fp16', floatOutputs, {
    probes,
    seed,
  });
}

/** A node that is named after what it computes. */
const node = (opType: string, inputs: readonly string[], to: string) =>
  makeNode({ opType, inputs, outputs: [to], name: to });

function subjectOf(model: Model): SensitivitySubject {
  const layers = findLayers(model);
  return { model, all: layers, layers, format: 'fp16', tolerances: [], floatOutputs: ['y'] };
}

const inFp16 = (layer: Layer): LayerDecision => layerInFormat(layer, 'fp16');

const half = (values: Float32Array): Float32Array => values.map((value) => roundTo('fp16', value));
const lessExact = (values: Float32Array): Float32Array =>
  half(values).map((value, at) => value - (values[at] ?? 0));
/** x of WIDTH elements times a square matrix. */
const times = (x: Float32Array, matrix: Float32Array): Float32Array =>
  Float32Array.from({ length: WIDTH }, (_, column) =>
    x.reduce((sum, value, row) => sum + value * (matrix[row * WIDTH + column] ?? 0), 0),
  );

describe('the first order of a loss', () => {
  it('against a class is what rounding the weights changes in the loss', async () => {
    const model = writeChain(join(folder, 'chain-loss.onnx'), 2);
    const samples = randomSamples(1);
    const content = samples[0]?.inputs['x']?.content;
    if (content?.kind !== 'bytes') throw new Error('the sample has no values');
    const x = new Float32Array(content.bytes.slice().buffer);
    const label = { values: Float64Array.of(3), key: 'three' };
    const scores = await withEvaluation(runtime, model, samples, async (evaluation) => {
      const options = { direction: 'loss', labels: [label] } as const;
      const results = measuredAnew(evaluation);
      const sketch = await knownSketch(results, model, findLayers(model), 'fp16', ['y'], options);
      return new Map([...firstOrderScores(sketch)].map(([layer, score]) => [layer.name, score]));
    });
    const weights = [randomValues(WIDTH * WIDTH, 1), randomValues(WIDTH * WIDTH, 2)];
    const lossWith = (matrices: readonly Float32Array[]): number => {
      const y = matrices.reduce((from, matrix) => times(from, matrix).map((value) => Math.max(0, value)), x);
      return lossOf(y, [1, WIDTH], label.values, 'logits')?.loss ?? Number.NaN;
    };
    for (const [layer, matrix] of weights.entries()) {
      const changed = lossWith(weights.with(layer, half(matrix))) - lossWith(weights);
      const score = scores.get(`mul_${layer}`) ?? Number.NaN;
      expect(Math.abs(score / Math.abs(changed) - 1)).toBeLessThan(0.02);
    }
  });

  it('against a label that fits no output is refused, and nothing is kept of it', async () => {
    const model = writeChain(join(folder, 'chain-misfit.onnx'), 2);
    await withEvaluation(runtime, model, randomSamples(1), async (evaluation) => {
      const store = memoryStore({});
      const sketched = (value: number) =>
        knownSketch(
          withStore(measuredAnew(evaluation), store, { evaluation: 'misfit', recipe: {} }, model),
          ...([model, findLayers(model), 'fp16', ['y']] as const),
          { direction: 'loss', labels: [{ values: Float64Array.of(value), key: `${value}` }] },
        );
      for (const _ of ['first', 'again'])
        await expect(sketched(WIDTH)).rejects.toThrow(
          new RegExp(`label, the number ${WIDTH}, fits none of the outputs "y" \\(1 x ${WIDTH}\\)`, 'u'),
        );
      expect((await sketched(WIDTH - 1)).sessions).toBe(1);
    });
  });
});

describe('a sketch', () => {
  it('holds what each rounding does to each element of the output, where there are enough probes', async () => {
    const model = writeChain(join(folder, 'chain-2.onnx'), 2);
    const samples = randomSamples(1);
    const sketch = await withEvaluation(runtime, model, samples, (evaluation) => sketchOf(evaluation, WIDTH));
    const content = samples[0]?.inputs['x']?.content;
    if (content?.kind !== 'bytes') throw new Error('the sample has no values');
    const x = new Float32Array(content.bytes.slice().buffer);
    const [w0, w1] = [randomValues(WIDTH * WIDTH, 1), randomValues(WIDTH * WIDTH, 2)];
    const m0 = times(x, w0);
    const r0 = m0.map((value) => Math.max(0, value));
    const m1 = times(r0, w1);
    const y = m1.map((value) => Math.max(0, value));
    const norm = Math.sqrt(y.reduce((sum, value) => sum + value * value, 0));
    const behindRelu = (error: Float32Array, before: Float32Array): Float32Array =>
      error.map((value, at) => ((before[at] ?? 0) > 0 ? value : 0));
    // From an error of m0 to one of y, to first order.
    const fromM0 = (error: Float32Array): Float32Array => behindRelu(times(behindRelu(error, m0), w1), m1);
    const expected = new Map([
      ['mul_0 weight', fromM0(times(x, lessExact(w0)))],
      ['mul_0 input', fromM0(times(lessExact(x), w0))],
      ['mul_0 output', fromM0(lessExact(m0))],
      ['mul_1 weight', behindRelu(times(r0, lessExact(w1)), m1)],
      ['mul_1 output', behindRelu(lessExact(m1), m1)],
    ]);
    const [output] = sketch.samples[0]?.outputs ?? [];
    expect(output).toMatchObject({ aligned: WIDTH, random: 0 });
    let seen = 0;
    sketch.events.events.forEach((event, index) => {
      const errors = expected.get(`${sketch.events.layers[event.layer]?.name ?? ''} ${event.kind}`);
      if (errors === undefined) return;
      seen += 1;
      for (let at = 0; at < WIDTH; at++) {
        expect(output?.dots[index * WIDTH + at]).toBeCloseTo((errors[at] ?? 0) / norm, 6);
      }
    });
    expect(seen).toBe(expected.size);
  });

  it('is repeatable by its seed', async () => {
    const model = writeChain(join(folder, 'chain-seeds.onnx'), 3);
    await withEvaluation(runtime, model, randomSamples(2), async (evaluation) => {
      const dots = async (seed: number): Promise<unknown> =>
        (await sketchOf(evaluation, 4, seed)).samples.map(({ outputs }) => outputs.map((one) => one.dots));
      expect(await dots(5)).toEqual(await dots(5));
      expect(await dots(6)).not.toEqual(await dots(5));
    });
  });

  it('ranks layers as measuring them does', async () => {
    const model = writeChain(join(folder, 'chain-12.onnx'), 12);
    await withEvaluation(runtime, model, randomSamples(8), async (evaluation) => {
      const layers = findLayers(model);
      const sketched = sketchedErrors(await sketchOf(evaluation, 8), layers, []);
      const { errors } = await measuredErrors(evaluation, layers, 'fp16');
      const correlation = rankCorrelation(
        sketched.map(({ value }) => value),
        errors.map(({ value }) => value),
      );
      expect(correlation).toBeGreaterThan(0.9);
    });
  });

  it('predicts what sets of layers do, within its interval for nine of ten', async () => {
    const model = writeChain(join(folder, 'chain-8.onnx'), 8);
    await withEvaluation(runtime, model, randomSamples(6), async (evaluation) => {
      const layers = findLayers(model);
      const predictor = new Predictor([await sketchOf(evaluation, 8)]);
      let inside = 0;
      let all = 0;
      for (const set of fc.sample(fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }), {
        numRuns: 12,
        seed: 3,
      })) {
        const decisions = layers.map((layer, at): LayerDecision => ({
          ...inFp16(layer),
          format: set[at] === true ? 'fp16' : 'fp32',
        }));
        const graph = precisionGraph(model, nodeRoles(model), layers, decisions);
        const measured = (await measure(evaluation, graph, [])).outputs[0]?.pooled.relative_l2 ?? Number.NaN;
        const { low, high } = predictor.predict(decisions).outputs[0]?.pooled ?? { low: NaN, high: NaN };
        all += 1;
        if (measured >= low && measured <= high) inside += 1;
      }
      expect(inside / all).toBeGreaterThan(0.8);
    });
  });

  it('keeps each sample that it was done with', async () => {
    const model = writeChain(join(folder, 'chain-kept.onnx'), 3);
    await withEvaluation(runtime, model, randomSamples(3), async (evaluation) => {
      const store = memoryStore();
      const kept = withStore(measuredAnew(evaluation), store, { evaluation: '', recipe: {} }, model);
      let sketched = 0;
      const stopping: Results = {
        ...kept,
        keep: async (...entry) => {
          await kept.keep(...entry);
          sketched += 1;
          if (sketched === 2) throw new Error('stopped');
        },
      };
      const layers = findLayers(model);
      const sketch = (results: Results) =>
        knownSketch(results, model, layers, 'fp16', evaluation.floatOutputs, { probes: 4 });
      await expect(sketch(stopping)).rejects.toThrow('stopped');
      const resumed = await sketch(kept);
      // One of the sketch, twice as many as probes to see where the output errs.
      expect(resumed.inferences).toBe(9);
      expect((await sketch(kept)).inferences).toBe(0);
      const anew = await sketch(measuredAnew(evaluation));
      expect(resumed.samples).toEqual(anew.samples);
    });
  });

  it('flags what it is no evidence of, and measures it', async () => {
    const model = writeModel(join(folder, 'flags.onnx'), {
      nodes: [
        node('Mul', ['x', 'huge'], 'overflows'),
        node('Div', ['overflows', 'huge'], 'back'),
        node('Ceil', ['x'], 'steps'),
        node('Add', ['steps', 'back'], 'y'),
      ],
      weights: [floatTensor('huge', [1], Float32Array.of(3e5))],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    await withEvaluation(runtime, model, randomSamples(2), async (evaluation) => {
      const subject = subjectOf(model);
      const results = measuredAnew(evaluation);
      const flagsOf = new Map(
        (await knownSensitivities(results, subject, { way: 'sketch' })).errors.map(({ layer, flags }) => [
          layer.name,
          flags,
        ]),
      );
      expect(flagsOf.get('overflows')).toContain('nonfinite');
      expect(flagsOf.get('steps')).toEqual(['zero-gradient']);
      expect(flagsOf.get('y')).toEqual([]);
      const { errors } = await knownSensitivities(results, subject, { way: 'sketch-first' });
      const methods = new Map(errors.map(({ layer, method }) => [layer.name, method]));
      expect(methods.get('steps')).toBe('measured');
      expect(methods.get('y')).toBe('sketch');
    });
  });

  it('knows what a layer makes of the numbers that it rounded itself', async () => {
    // Values of one binade, where rounded and added ones are representable again, or midway between two that are.
    const model = writeModel(join(folder, 'adds.onnx'), {
      nodes: [node('Mul', ['x', 'small'], 'scaled'), node('Add', ['scaled', 'far'], 'y')],
      weights: [
        floatTensor('small', [1], Float32Array.of(0.3)),
        floatTensor(
          'far',
          [WIDTH],
          randomValues(WIDTH, 4).map((value) => 1.5 + 0.1 * value),
        ),
      ],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    await withEvaluation(runtime, model, randomSamples(3), async (evaluation) => {
      const layers = findLayers(model);
      const sketched = sketchedErrors(await sketchOf(evaluation, WIDTH), layers, []);
      const { errors } = await measuredErrors(evaluation, layers, 'fp16');
      for (const [at, { value }] of sketched.entries()) {
        expect(value / (errors[at]?.value ?? Number.NaN)).toBeCloseTo(1, 2);
      }
    });
  });

  it('gives a finite figure where an infinite constant makes nothing else infinite, and predicts no infinity', async () => {
    const model = writeModel(join(folder, 'vanishes.onnx'), {
      nodes: [node('Div', ['x', 'huge'], 'vanishes'), node('Add', ['vanishes', 'x'], 'y')],
      weights: [floatTensor('huge', [1], Float32Array.of(1e5))],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    await withEvaluation(runtime, model, randomSamples(2), async (evaluation) => {
      const results = measuredAnew(evaluation);
      const subject = subjectOf(model);
      const { errors, sketch } = await knownSensitivities(results, subject, { way: 'sketch' });
      const [vanishes] = errors;
      expect(vanishes?.flags).toContain('nonfinite');
      expect(vanishes?.value).toBeLessThan(1e-4);
      if (sketch === undefined) throw new Error('nothing was sketched');
      const decisions = subject.layers.map(inFp16);
      const unmeasured = new Predictor([sketch]).predict(decisions);
      expect(unmeasured.missing.map(({ name }) => name)).toEqual(['vanishes']);
      expect(unmeasured.nonFinite).toEqual([]);
      const known = await knownSensitivities(results, subject, { way: 'sketch-first' });
      const predicted = predictorFrom([known]).predict(decisions);
      expect(predicted.missing).toEqual([]);
      for (const { outputs } of [unmeasured, predicted]) expect(outputs[0]?.worst.high).toBeLessThan(0.01);
      // What the layer does in another format says nothing of it in this one.
      const otherwise = {
        sketch: { ...sketch, format: 'bf16', events: { ...sketch.events, format: 'bf16' } },
        errors: known.errors.map((one) => ({
          ...one,
          perOutput: one.perOutput.map((error) => ({ ...error, value: 1 })),
        })),
      } as const;
      expect(predictorFrom([known, otherwise]).predict(decisions).outputs).toEqual(predicted.outputs);
    });
  });

  it('is no evidence where the output is below what a sigmoid tells apart', async () => {
    const modelAround = (name: string, logit: number): Model =>
      writeModel(join(folder, name), {
        nodes: [node('Add', ['x', 'logit'], 'logits'), node('Sigmoid', ['logits'], 'y')],
        weights: [floatTensor('logit', [1], Float32Array.of(logit))],
        inputs: { x: [1, WIDTH] },
        outputs: { y: [1, WIDTH] },
      });
    const flagsOf = async (model: Model): Promise<unknown> =>
      withEvaluation(runtime, model, randomSamples(2), async (evaluation) => {
        const results = measuredAnew(evaluation);
        const { errors } = await knownSensitivities(results, subjectOf(model), { way: 'sketch-first' });
        return errors.map(({ flags, method }) => [flags.includes('unresolved-output'), method]);
      });
    expect(await flagsOf(modelAround('unresolved.onnx', -16))).toContainEqual([true, 'measured']);
    expect(await flagsOf(modelAround('resolved.onnx', -8))).not.toContainEqual([true, 'measured']);
  });

  it('stops when it is cancelled', async () => {
    const model = writeChain(join(folder, 'chain-cancelled.onnx'), 3);
    await withEvaluation(runtime, model, randomSamples(2), async (evaluation) => {
      const { floatOutputs } = evaluation;
      const events = roundingEvents(model, findLayers(model), 'fp16');
      const signal = AbortSignal.abort();
      const sketcher = new Sketcher(evaluation, events, floatOutputs, { probes: 2, seed: 1, signal });
      await expect(sketcher.sketch(0)).rejects.toMatchObject({ kind: 'cancelled' });
      await sketcher.close();
    });
  });
});

describe('the choice between sketch and measurement', () => {
  it('is the sketch for many layers, and measurement for few', () => {
    const work = { open: 50, run: 20, samples: 1, outputs: 1, probes: 8 };
    expect(isSketchCheaper({ ...work, nodes: 400, events: 900, layers: 374 })).toBe(true);
    expect(isSketchCheaper({ ...work, nodes: 6, events: 12, layers: 5 })).toBe(false);
  });

  it('is never a way that costs more than a session and a run for each layer', () => {
    fc.assert(
      fc.property(
        fc.record({
          open: fc.double({ min: 0.1, max: 1000, noNaN: true }),
          run: fc.double({ min: 0.01, max: 1000, noNaN: true }),
          nodes: fc.integer({ min: 1, max: 5000 }),
          layers: fc.integer({ min: 1, max: 5000 }),
          events: fc.integer({ min: 1, max: 15000 }),
          samples: fc.integer({ min: 1, max: 64 }),
          outputs: fc.integer({ min: 1, max: 5 }),
          probes: fc.integer({ min: 1, max: 16 }),
        }),
        (work) => {
          const chosen = isSketchCheaper(work) ? sketchTime(work) : measuredTime(work);
          const { open, run, layers, samples } = work;
          // The messages of a run are the same in all ways.
          expect(chosen).toBeLessThanOrEqual(layers * (open + samples * (run + 1)) * (1 + 1e-9));
        },
      ),
    );
  });
});

describe('saturation', () => {
  it('is seen in probabilities that are all nearly 0 or 1', () => {
    const sharp = Float32Array.of(1, 0, 0, 0.999, 0.001, 0);
    const soft = Float32Array.of(0.5, 0.3, 0.2, 0.4, 0.4, 0.2);
    expect([isSaturated('Softmax', sharp, [2, 3]), isSaturated('Softmax', soft, [2, 3])]).toEqual([
      true,
      false,
    ]);
    expect([isSaturated('Sigmoid', sharp, [6]), isSaturated('Sigmoid', soft, [6])]).toEqual([false, false]);
    expect(isSaturated('Sigmoid', Float32Array.of(1, 0, 0, 1), [4])).toBe(true);
  });
});
