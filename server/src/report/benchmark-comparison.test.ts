/** A benchmark beside an earlier one. */
import { expect, it } from 'vitest';
import {
  comparableBench,
  compareBenches,
  comparisonSentences,
  type BenchFigures,
} from './benchmark-comparison.js';

const FIGURES: BenchFigures = {
  target: 'cpu',
  device: 'a processor',
  onnxRuntime: '1.30.0',
  threads: 1,
  busy: false,
  decisions: 'one',
  at: '2026-03-04T05:06:07.000Z',
  rows: [
    { name: 'fp32', median: 4, p10: 3.5, p90: 5 },
    { name: 'plan', median: 2, p10: 1.9, p90: 2.1 },
  ],
};

function checkComparison(
  change: Partial<BenchFigures>,
  differences: readonly (string | RegExp)[],
  ratios: Readonly<Record<string, number>>,
): void {
  const found = compareBenches({ ...FIGURES, ...change }, FIGURES);
  expect(found.ratios).toEqual(ratios);
  expect(found.differences).toEqual(differences.map((one) => expect.stringMatching(one) as string));
}

it('tells how much slower each row is, and what makes that meaningless', () => {
  checkComparison({}, [], { fp32: 1, plan: 1 });
  checkComparison({ rows: [{ name: 'plan', median: 3 }] }, [], { plan: 1.5 });
  checkComparison({ threads: 2, busy: true }, ['threads was 1, is 2', /busy in this run/], {
    fp32: 1,
    plan: 1,
  });
  checkComparison(
    { onnxRuntime: '1.31.0', decisions: 'another' },
    [/onnxRuntime was 1\.30\.0/, /decided otherwise/],
    {
      fp32: 1,
      plan: 1,
    },
  );
});

it('tells that the graphics device or the options of the target were others, where both are known', () => {
  const options = { validationMode: 'full', preferredLayout: 'NHWC' };
  const earlier: BenchFigures = { ...FIGURES, graphics: 'a card', options };
  const differencesOf = (change: Partial<BenchFigures>) =>
    compareBenches({ ...earlier, ...change }, earlier).differences;
  expect(differencesOf({ options: { preferredLayout: 'NHWC', validationMode: 'full' } })).toEqual([]);
  expect(differencesOf({ graphics: 'another card', options: {} })).toEqual([
    'graphics was a card, is another card',
    'options were preferredLayout NHWC, validationMode full, are none',
  ]);
  expect(compareBenches(earlier, FIGURES).differences).toEqual([]);
});

it('tells a graphics device by its name, and of the same one that its driver was another', () => {
  const earlier: BenchFigures = { ...FIGURES, graphics: 'files', graphicsDevice: 'a card' };
  const differencesOf = (change: Partial<BenchFigures>) =>
    compareBenches({ ...earlier, ...change }, earlier).differences;
  expect(differencesOf({ graphics: 'other files', graphicsDevice: 'llvmpipe' })).toEqual([
    'the graphics device was a card, is llvmpipe',
  ]);
  expect(differencesOf({ graphics: 'other files' })).toEqual([
    'the driver of the graphics device, or the system, was another',
  ]);
});

it('compares nothing with another model, and says where it is not known which it was', () => {
  const pose: BenchFigures = { ...FIGURES, model: 'a1', modelPath: '/m/pose.onnx' };
  const mlp: BenchFigures = { ...FIGURES, model: 'b2', modelPath: '/m/mlp.onnx' };
  const found = compareBenches(mlp, pose);
  expect(found).toMatchObject({ isOtherModel: true, ratios: {}, withinSpread: [] });
  expect(comparisonSentences(found)).toEqual([
    'not compared, the earlier benchmark is of another model: the model was /m/pose.onnx, is /m/mlp.onnx',
  ]);
  const changed = compareBenches({ ...pose, model: 'a2' }, pose);
  expect(comparisonSentences(changed).join()).toMatch(/is another one at the same path$/u);
  expect(compareBenches({ ...pose, modelPath: '/moved/pose.onnx' }, pose).differences).toEqual([]);
  expect(comparisonSentences(compareBenches(pose, FIGURES)).at(-1)).toMatch(/does not say which model/);
});

it('says that one run tells no spread', () => {
  const single: BenchFigures = { ...FIGURES, runs: 1 };
  expect(compareBenches(single, { ...FIGURES, runs: 9 }).differences).toEqual([
    'one run was timed in this one, which tells no spread',
  ]);
  expect(compareBenches(FIGURES, single).differences).toHaveLength(1);
});

it('calls no difference within the spread a difference', () => {
  const rows = [
    { name: 'fp32', median: 5, p10: 4.5, p90: 6 },
    { name: 'plan', median: 3, p10: 2.5, p90: 3.5 },
  ];
  const found = compareBenches({ ...FIGURES, rows }, FIGURES);
  expect(found.withinSpread).toEqual(['fp32']);
  expect(comparisonSentences(found)).toEqual([
    'fp32: 1.25 times the median of 2026-03-04 05:06, within the spread',
    'plan: 1.50 times the median of 2026-03-04 05:06',
  ]);
});

it('is with the newest run of the same plan, or else with the newest', () => {
  const earlier = [{ ...FIGURES, decisions: 'two', threads: 9 }, FIGURES, { ...FIGURES, threads: 8 }];
  expect(comparableBench(earlier, 'one')).toBe(FIGURES);
  expect(comparableBench(earlier, 'three')).toBe(earlier[0]);
  const none: BenchFigures[] = [];
  expect(comparableBench(none, 'one')).toBeUndefined();
});
