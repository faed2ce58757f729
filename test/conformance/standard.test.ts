/**
 * Every test of the ONNX standard that has floating-point tensors, converted under several plans and held against all
 * that must be true of a conversion. It loads wherever ONNX Runtime loads the original, runs wherever that runs, and is
 * accepted by the standard's own checker where Python has it. What ONNX Runtime cannot do is named, one by one.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { computeForTests } from '../../server/src/analysis/testing/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { checkConversion } from '../conversion/plans.js';
import { plans } from './plans.js';
import { findChecker, refusedByChecker, type Converted } from './standard-checker.js';
import { standardData } from './standard-data.js';
import {
  baselineOf,
  floatingPointTests,
  loadModel,
  runTest,
  type Baseline,
  type StandardTest,
} from './standard-tests.js';

/** Operators that ONNX Runtime 1.30 has no FP16 kernel for on a CPU, by the tests that have them, and what it says. */
const WITHOUT_KERNEL: ReadonlyMap<string, RegExp> = new Map([
  ['test_bernoulli_double_expanded', /Could not find an implementation for RandomUniformLike/],
  ['test_bernoulli_seed_expanded', /Could not find an implementation for RandomUniformLike/],
  ['test_eyelike_populate_off_main_diagonal', /Could not find an implementation for EyeLike/],
  ['test_melweightmatrix', /Could not find an implementation for MelWeightMatrix/],
  [
    'test_scatter_elements_with_duplicate_indices',
    /MLFloat16 data type is not supported with ScatterElements/,
  ],
  ['test_scatternd_add', /MLFloat16 data type is not supported with ScatterND/],
  ['test_scatternd_multiply', /MLFloat16 data type is not supported with ScatterND/],
]);

/**
 * What checkers before 1.13 refuse though the standard allows it: its schema wanted X and grid of one type until
 * https://github.com/onnx/onnx/pull/4655 corrected it.
 */
const CORRECTED_LATER = /^test_gridsample.*grid has inconsistent type/;

const { runtime } = await computeForTests();
const tests = floatingPointTests(standardData());
const baselines = new Map<StandardTest, Baseline>();
for (const test of tests) baselines.set(test, await baselineOf(runtime, test));
const checker = findChecker();

const converted: Converted[] = [];
const counts = { conversions: 0, casts: 0, loaded: 0, ran: 0, withoutKernel: 0, correctedLater: 0 };

/** Loads a conversion, and runs it where the original runs: same inputs, same outputs. */
async function checkRun(test: StandardTest, baseline: Baseline, bytes: Uint8Array): Promise<void> {
  if (!baseline.loads) return;
  await loadModel(runtime, bytes);
  counts.loaded += 1;
  if (baseline.run === undefined) return;
  const run = await runTest(runtime, test, bytes);
  expect(run.inputs).toEqual(baseline.run.inputs);
  expect(Object.keys(run.outputs)).toEqual(Object.keys(baseline.run.outputs));
  for (const [output, { dataType, dims }] of Object.entries(baseline.run.outputs)) {
    expect(run.outputs[output]).toMatchObject({ dataType, dims });
  }
  counts.ran += 1;
}

describe.each(Object.entries(plans))('%s', (plan, format) => {
  it.each(tests.map((test) => [test.name, test] as const))('%s', async (name, test) => {
    const { model } = test;
    const layers = findLayers(model).length;
    const { bytes, graph } = checkConversion(model, (_name, at) => format(at, layers), 'inf');
    counts.conversions += 1;
    counts.casts += graph.casts.length;
    converted.push({
      name: `${name}, ${plan}`,
      before: model.source.read(0, model.source.length),
      after: bytes,
    });
    const baseline = baselines.get(test);
    // ONNX Runtime has next to no BF16 kernels on a CPU: these are neither loaded nor run.
    if (baseline === undefined || plan === 'all BF16') return;
    const missing = WITHOUT_KERNEL.get(name);
    if (missing === undefined) {
      await checkRun(test, baseline, bytes);
    } else {
      await expect(checkRun(test, baseline, bytes)).rejects.toThrow(missing);
      counts.withoutKernel += 1;
    }
  });
});

if (checker !== undefined) {
  describe(`the standard's own checker, ${checker.version}`, () => {
    it('accepts every conversion of a model that it accepts', () => {
      expect(converted.length).toBeGreaterThan(0);
      const refused = refusedByChecker(checker.python, converted);
      counts.correctedLater = refused.filter((one) => CORRECTED_LATER.test(one)).length;
      expect(refused.filter((one) => !CORRECTED_LATER.test(one))).toEqual([]);
    });
  });
}

afterAll(() => {
  const all = [...baselines.values()];
  const runs = all.filter(({ run }) => run !== undefined).length;
  const right = all.filter((baseline) => baseline.run !== undefined && baseline.isRight).length;
  console.log(
    [
      `The standard's tests: ${tests.length} models with floating-point tensors, of which ONNX Runtime loads ${
        all.filter(({ loads }) => loads).length
      }, runs ${runs} and gets ${right} right in FP32.`,
      `${counts.conversions} conversions with ${counts.casts} casts: ${counts.loaded} loaded, ${counts.ran} ran, ` +
        `${counts.withoutKernel} have no kernel in ONNX Runtime (${[...WITHOUT_KERNEL.keys()].join(', ')}).`,
      checker === undefined
        ? "Not checked by the standard's own checker: no Python here has the package onnx."
        : `Checked by the standard's own checker, ${checker.version}: it refuses ${counts.correctedLater}, all of GridSample, by a schema that the standard has corrected since.`,
    ].join('\n'),
  );
});
