// Integer formats whose ranges are chosen as a plan asks for it: measured, sketched and predicted so, and kept apart.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  findLayers,
  integerRanges,
  layerInFormat,
  nodeRoles,
  precisionGraph,
  type IntegerRanges,
  type LayerDecision,
} from '../../plan/index.js';
import { memoryStore } from '../../store/index.js';
import { closeEvaluation } from '../sessions/evaluation.js';
import { knownLocalErrors, knownMeasuredErrors } from '../errors/known-errors.js';
import { JobContext } from '../live/job-context.js';
import { JobSteps } from '../live/job-steps.js';
import { storedNumbers } from '../live/stored-numbers.js';
import { boundPlan } from '../live/testing.js';
import { measure } from '../measurement/measurement.js';
import { withRanges } from './planned-ranges.js';
import { predictorFrom } from '../prediction/index.js';
import { measuredAnew, withStore } from '../remembered.js';
import { knownSketch } from '../sketch/index.js';
import {
  computeForTests,
  randomSamples,
  randomValues,
  WIDTH,
  withEvaluation,
  writeChain,
} from '../testing/index.js';
import { watchFiles } from '../watched-files.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 3);
const layers = findLayers(model);
const samples = randomSamples(3);
const PER_CHANNEL: IntegerRanges = { perChannel: true };
const NARROW: IntegerRanges = { quantize: { name: 'percentile', percent: 98 } };

const decisionsWith = (numerics: IntegerRanges | undefined): readonly LayerDecision[] =>
  layers.map((layer) => ({ ...layerInFormat(layer, 'int8'), numerics }));

describe('what most layers of a plan ask for', () => {
  it('is what their format is analysed with', () => {
    const mixed = decisionsWith(PER_CHANNEL).with(0, decisionsWith(NARROW)[0] ?? expect.fail('no layer'));
    expect(integerRanges(mixed, 'int8')).toEqual(PER_CHANNEL);
    expect(integerRanges(mixed, 'int4')).toBeUndefined();
    expect(integerRanges(decisionsWith(undefined), 'int8')).toBeUndefined();
    const light = layers.map((layer) => ({
      ...layerInFormat(layer, 'fp16'),
      numerics: { ...PER_CHANNEL, weights: 'int8' } as const,
    }));
    expect(integerRanges(light, 'int8')).toEqual(PER_CHANNEL);
    expect(integerRanges(light, 'fp16')).toBeUndefined();
  });
});

describe('a sketch', () => {
  it('rounds weights with a scale for each channel', async () => {
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const results = withRanges(measuredAnew(evaluation), PER_CHANNEL);
      const { events, samples: found } = await knownSketch(results, model, layers, 'int8', ['y'], {
        probes: 2,
      });
      const at = events.events.findIndex(({ kind }) => kind === 'weight');
      const weights = randomValues(WIDTH * WIDTH, 1);
      const largest = Array.from({ length: WIDTH }, (_, column) =>
        Math.max(...weights.filter((__, place) => place % WIDTH === column).map(Math.abs)),
      );
      const changed = weights.reduce((sum, value, place) => {
        const scale = Math.fround((largest[place % WIDTH] ?? 0) / 127);
        return sum + (Math.round(value / scale) * scale - value) ** 2;
      }, 0);
      expect((found[0]?.constants[at] ?? Number.NaN) / changed).toBeCloseTo(1, 2);
    });
  });

  it.each([
    ['a scale for each channel', PER_CHANNEL],
    ['a percentile', NARROW],
  ])('predicts plans with %s, and no others', async (_, ranges) => {
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      const results = withRanges(measuredAnew(evaluation), ranges);
      const sketch = await knownSketch(results, model, layers, 'int8', ['y'], { probes: WIDTH });
      const predictor = predictorFrom([{ sketch, errors: [] }]);
      expect(predictor.predict(decisionsWith(undefined)).missing).toHaveLength(layers.length);
      const { missing, outputs } = predictor.predict(decisionsWith(ranges));
      expect(missing).toEqual([]);
      const graph = precisionGraph(model, nodeRoles(model), layers, decisionsWith(ranges));
      const { outputs: measured } = await measure(evaluation, graph, []);
      const error = measured[0]?.worst.relative_l2 ?? Number.NaN;
      expect(outputs[0]?.worst.low).toBeLessThan(error);
      expect(outputs[0]?.worst.high).toBeGreaterThan(error);
    });
  });
});

it('errors of single layers are those of the plan that lowers one so, and are kept apart from the usual', async () => {
  await withEvaluation(runtime, model, samples, async (evaluation) => {
    const usual = withStore(measuredAnew(evaluation), memoryStore(), { evaluation: '', recipe: {} }, model);
    const narrow = withRanges(usual, NARROW);
    const [layer = expect.fail('no layer')] = layers;
    const measuredIn = async (results: typeof usual): Promise<number> =>
      (await knownMeasuredErrors(results, [layer], 'int8', [])).errors[0]?.value ?? Number.NaN;
    const localIn = async (results: typeof usual): Promise<number> =>
      (await knownLocalErrors(results, [layer], 'int8')).errors[0]?.value ?? Number.NaN;
    const decisions = [{ ...layerInFormat(layer, 'int8'), numerics: NARROW }];
    const graph = precisionGraph(model, nodeRoles(model), [layer], decisions);
    const alone = (await measure(evaluation, graph, [])).outputs[0]?.pooled.relative_l2;
    for (const _ of ['found', 'kept']) {
      expect((await knownMeasuredErrors(narrow, [layer], 'int8', [])).errors[0]?.perOutput).toHaveLength(1);
      expect(await measuredIn(narrow)).not.toBe(await measuredIn(usual));
      expect(await localIn(narrow)).not.toBe(await localIn(usual));
    }
    expect(alone).toBeGreaterThan(0.5 * (await measuredIn(narrow)));
    expect(alone).toBeLessThan(2 * (await measuredIn(narrow)));
  });
});

describe('the original model', () => {
  it('is opened anew after its process was lost, and once for all who ask otherwise', async () => {
    await withEvaluation(runtime, model, samples, async (evaluation) => {
      let opened = evaluation;
      const results = { ...measuredAnew(evaluation), evaluation: () => Promise.resolve(opened) };
      const own = withRanges(results, NARROW);
      expect(await own.evaluation()).toBe(await own.evaluation());
      opened = { ...evaluation, feeds: [] };
      expect(await own.evaluation()).toEqual({ ...opened, ranges: NARROW });
    });
  });

  it('is the same for all ranges, in an editor', async () => {
    const context = new JobContext(runtime, memoryStore());
    const stepsWith = (ranges: string): JobSteps =>
      new JobSteps({
        ...{ context, model, samples, ranges, files: watchFiles(model) },
        ...{ identity: { evaluation: '', recipe: {} }, options: { signal: new AbortController().signal } },
      });
    const [usual, narrow] = [stepsWith(''), stepsWith('narrow')];
    const evaluation = await usual.evaluation();
    expect(await narrow.evaluation()).toBe(evaluation);
    expect(narrow.keyOf('local', {})).not.toBe(usual.keyOf('local', {}));
    await closeEvaluation(evaluation);
  });
});

it('what is kept is found by whoever waits for nothing, as the plan has its ranges', async () => {
  await withEvaluation(runtime, model, samples, async (evaluation) => {
    const store = memoryStore();
    const usual = withStore(measuredAnew(evaluation), store, { evaluation: '', recipe: {} }, model);
    await knownLocalErrors(usual, layers, 'int8');
    const { errors } = await knownLocalErrors(withRanges(usual, PER_CHANNEL), layers, 'int8');
    const plan = boundPlan(join(folder, 'p.precision'), model, 'default: int8 { per: channel }\n');
    const { sensitivity } = await storedNumbers(usual, plan, store);
    expect(layers.map(({ name }) => sensitivity.get(name)?.value)).toEqual(errors.map(({ value }) => value));
  });
});
