/** The table and the sentences in which `npm run bench:targets` ends. */
import { expect, it } from 'vitest';
import { summarySentences, summaryTable, type ModelFigures } from './target-summary.js';

const GOOD: ModelFigures = {
  model: 'good.onnx',
  sums: [{ target: 'cpu', kernels: 9, whole: 10, spread: 0.2 }],
  predictions: [{ target: 'cpu', errors: [0.05, -0.02], misfit: 0.01, spread: 0.1 }],
  executed: [
    {
      target: 'webgpu',
      outputs: [
        { output: 'y', emulated: 1e-3, executed: 2e-3 },
        { output: 'exact', emulated: 0, executed: 0 },
      ],
      suspicious: [],
      elsewhere: 0,
    },
  ],
  latencies: [{ target: 'webgpu', medians: { fp32: 4, plan: 3, fp16: 2 } }],
  problems: [],
  busy: false,
};

const BAD: ModelFigures = {
  model: 'bad.onnx',
  sums: [{ target: 'cpu', kernels: 5, whole: 10, spread: 0.1 }],
  predictions: [{ target: 'cpu', errors: [0.5], misfit: undefined, spread: 0.1 }],
  executed: [
    {
      target: 'webgpu',
      outputs: [{ output: 'y', emulated: 0.1, executed: 2 }],
      suspicious: ['pool'],
      elsewhere: 3,
    },
  ],
  latencies: [],
  problems: ['latency on cuda: refused'],
  busy: true,
};

const EMPTY: ModelFigures = {
  model: '',
  sums: [],
  predictions: [],
  executed: [],
  latencies: [],
  problems: [],
  busy: false,
};

it('has a row for each model, with what was found of it', () => {
  const [head, good, bad, none] = summaryTable([GOOD, BAD, { ...EMPTY, model: 'none.onnx' }]);
  expect(head).toMatch(/^model\s+kernels\/run/);
  expect(good).toMatch(
    /^good\.onnx\s+90 %\s+20 %\s+\+5\.0 % -2\.0 %\s+2\.0×\s+0\s+webgpu: fp32 4\.00, plan 3\.00, fp16 2\.00 ms$/,
  );
  expect(bad).toMatch(/^bad\.onnx\s+50 %\s+10 %\s+\+50 %\s+20×\s+1\s+–$/);
  expect(none).toMatch(/^none\.onnx(\s+–){6}$/);
});

it('says what holds and what does not', () => {
  expect(summarySentences([GOOD, BAD])).toEqual([
    expect.stringMatching(/take 50 % to 90 % of a run.*within its spread in 1 of 2 cases\.$/),
    expect.stringMatching(/off by 5\.0 % in the median, 50 % at worst; within 10 % for 2 of 3 plans\.$/),
    expect.stringMatching(
      /at most 4 times as large for 1 of 2 outputs, 20 times at worst; .* in 1 of 2 models\.$/,
    ),
    '3 kernels had none on the target and ran on the CPU.',
    'bad.onnx: latency on cuda: refused',
    expect.stringMatching(/^This machine was busy/),
  ]);
  expect(summarySentences([EMPTY])).toEqual([]);
});
