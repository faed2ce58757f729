/** Hovers with numbers that are given: what they say of layers, statements, tolerances and profiles. */
import { describe, expect, it } from 'vitest';
import { latencySourceFindings, type PlanNumbers } from '../analysis/index.js';
import { rangeOfValues } from '../formats/index.js';
import type { OpenPlan } from './open-plan.js';
import {
  checkNumbers,
  everything,
  exceeded,
  header,
  hover,
  inThreeFormats,
  measured,
  ranged,
  sensitivities,
} from './testing.js';

describe('hover on what is measured', () => {
  const sensitivity = sensitivities([
    { name: 'conv2d_5/Conv', value: 4.1e-3, share: 0.82 },
    { name: 'conv2d/Conv', value: 1e-3, share: 0.124 },
  ]);
  const counts = { elements: 1000, nonZero: 500 };
  const output = { tensor: 'out', maxAbs: 70000, sample: 1, index: 42, overflow: 2, underflow: 15 };
  const weight = { tensor: 'w', kind: 'weight' as const, maxAbs: 0.5, sample: undefined, index: 3 };
  const { histogram } = rangeOfValues(Float32Array.of(0.5, 0.25, 0.5));
  const range = ranged({ ...output, ...counts }, { ...weight, ...counts, histogram });
  const ranges = new Map([['conv2d/Conv', range]]);
  const whole = { fp32: 4.3, plan: 5.58 };
  const fusedInto = { fp32: undefined, plan: undefined };
  const layers = new Map([
    ['conv2d/Conv', { fp32: 0.2, plan: 0.1, casts: 0.05, fusedInto }],
    ['conv2d_5/Conv', { fp32: 1, plan: 2, casts: 0, fusedInto: { fp32: undefined, plan: 'add/add' } }],
  ]);
  const parts = { others: whole, unmapped: whole, outside: whole, p10: whole, p90: whole, notes: [] };
  const latency = { layers, whole, ...parts };

  it('tells error, rank, range with its place, and latency of a layer', () => {
    checkNumbers(
      `${header}layer "conv2d$0/Conv": fp16\n`,
      measured({ sensitivity, ranges, latency, sampleNames: ['a', 'walker_b'] }),
      '**Error** alone in `fp16`: 1.00e-3 relative at the model',
      's outputs (measured, 5.00e-4 to 2.00e-3 over the samples), 12 % of the tolerance. Rank 2 of 2.',
      '**Why**: 2 of 1000 values of "out" beyond fp16, largest 70000 (sample walker\\_b, index 42)',
      '| `out` | 70000 | sample walker\\_b, index 42 | 2 of 1000 | 3.0 % | none |',
      '| `w` | 0.5 | weight, index 3 | none | 0 % | 2^-2 ▆█ 2^0 |',
      '**Latency**: 0.200 ms in the model, 0.100 ms in the plan and 0.0500 ms for its casts.',
    );
  });

  it('tells them in the format that the layer has, and of an operator apart for each format', () => {
    const text = 'layer "conv2d/Conv": fp8_e4m3\nlayer "add/add": int8\n';
    checkNumbers(
      `${header}${text.replace('conv2d/', 'conv$02d/')}`,
      inThreeFormats(),
      '**Error** alone in `fp8_e4m3`: 8.00e-3 relative',
      '90 % of the tolerance. Rank 1 of 1.',
    );
    checkNumbers(
      `${header}${text.replace('add/', 'a$0dd/')}`,
      inThreeFormats(),
      '**Error** alone in `int8`: 0.04 relative at its own output (local,',
      '| range | largest | at | beyond int8 |',
    );
    checkNumbers(
      `${header}op Co$0nv: fp16\n${text}`,
      inThreeFormats(),
      '**Conv**: ',
      'Those in `fp8_e4m3`:',
      'Most sensitive: `conv2d/Conv` (90 % of the tolerance)',
    );
  });

  it('tells what the layer does with its options, or which of them an error leaves out', () => {
    const text = `${header}layer "conv2d$0/Conv": fp16 { scale: 4, rounding: stochastic }\n`;
    const left = [
      '**Error** alone in `fp16`: 1.00e-3',
      'Without `rounding: stochastic, scale: 4`, which',
    ] as const;
    checkNumbers(text, inThreeFormats(), ...left);
    const withOptions = ({ plan }: OpenPlan): PlanNumbers => {
      const decision = plan?.decisions.find(({ layer }) => layer.name === 'conv2d/Conv');
      if (decision === undefined) throw new Error('the model has the layer');
      const known = { decision, value: 0.02, low: 0.01, high: 0.04, share: 19 };
      return { ...inThreeFormats(), optioned: new Map([['conv2d/Conv', known]]) };
    };
    checkNumbers(
      text,
      withOptions,
      '**Error** alone in `fp16`: 1.00e-3',
      "**Error** alone in `fp16` with `rounding: stochastic, scale: 4`: 0.02 (0.01 to 0.04) relative at the model's outputs (predicted), 19 times",
    );
    checkNumbers(
      text.replace('conv2d$0/', 'conv2d/').replace('layer', 'la$0yer'),
      withOptions,
      'Most sensitive: `conv2d/Conv` (19 times the tolerance with rounding: stochastic, scale: 4)',
    );
  });

  it('names the device that latencies come from, and what of them is an estimate', () => {
    const elsewhere = { ...latency, files: ['jetson.json'], estimated: new Set(['conv2d/Conv']) };
    checkNumbers(
      `${header}layer "conv2d$0/Conv": fp16\n`,
      measured({ latency: elsewhere }),
      'for its casts (measured on another device, `jetson.json`)',
      'an estimate by the roofline.',
      'µJ for its arithmetic (by operation counts).',
    );
    checkNumbers(
      `${header}layer "conv2d$0/Conv": fp16\n`,
      measured({ latency: { ...latency, target: 'webgpu' } }),
      'for its casts (on `webgpu`).',
    );
  });

  it('says why a layer stands out, and what explains its figures', () => {
    const local = { value: 1e-4, low: 1e-4, high: 1e-4 };
    const amplified = new Map([...sensitivity].map(([name, one]) => [name, { ...one, local }]));
    const long = { ...ranged({ maxAbs: 1 }), terms: 4608 };
    checkNumbers(
      `${header}layer "conv2d$0/Conv": fp16\n`,
      measured({ sensitivity: amplified, ranges: new Map([['conv2d/Conv', long]]) }),
      '**Why**: what follows amplifies its error 10 times: 1.00e-4 of its own output, 1.00e-3 of an output of the model.',
      'Note: adds up 4608 terms, and a sum in fp16 stands still after 2048 equal ones, where the target holds sums in it.',
    );
    checkNumbers(
      `${header}layer "conv2d$0/Conv": fp16 { accumulate: fp16 }\n`,
      measured({ ranges: new Map([['conv2d/Conv', long]]) }),
      '**Why**: adds up 4608 terms, and a sum in fp16 stands still after 2048 equal ones.',
    );
  });

  it('says what is local, fused, of an earlier plan, or still being measured', () => {
    const local = sensitivities([{ name: 'conv2d_5/Conv', value: 2e-4 }]);
    const working = { state: 'working' as const, message: 'ranges', measured: { done: 3, total: 133 } };
    checkNumbers(
      `${header}layer "conv2d_5$0/Conv": fp16\n`,
      measured({ sensitivity: local, latency, latencyIsStale: true, ...working }),
      '2.00e-4 relative at its own output (local,',
      '1.00 ms in the model, 2.00 ms in the plan; fused into `add/add` (measured before the last change).',
      'Being measured: ranges, 3 of 133 layers measured.',
    );
    checkNumbers(
      `${header}layer "conv2d$0/Conv": fp16\n`,
      measured({ notes: ['no kernel'], message: 'stopped' }),
      'Not found out: no kernel',
      'The analysis was stopped.',
    );
  });

  it('tells of a statement the sums over what it decides', () => {
    checkNumbers(
      `${header}def$0ault: fp16\n`,
      measured({ sensitivity, ranges, latency }),
      'Decides 133 layers',
      'Most sensitive: `conv2d_5/Conv` (82 % of the tolerance), `conv2d/Conv` (12 % of the tolerance).',
      '1 layer writes, holds or reads values beyond the range of `fp16`.',
      '**Latency**: 1.20 → 2.15 ms together, casts included.',
      '| layer | operator | format |',
    );
    checkNumbers(
      `${header}la$0yer "conv2d_5/Conv", "conv2d/Conv": fp16\n`,
      measured({ sensitivity }),
      'Each alone, they add up to 94 % of the tolerance',
    );
  });

  it('tells what a layer reads and cannot hold, or loses, and counts it with those that write such values', () => {
    const read = { kind: 'input' as const, ...counts };
    const reading = ranged(
      { tensor: 'far', ...read, maxAbs: 1e5, overflow: 3 },
      { tensor: 'faint', ...read, underflow: 15 },
      { tensor: 'fine', ...read, underflow: 1 },
    );
    const numbers = measured({ sensitivity, ranges: new Map([...ranges, ['conv2d_5/Conv', reading]]) });
    checkNumbers(
      `${header}layer "conv2d_5$0/Conv": fp16\n`,
      numbers,
      'reads 3 of 1000 values of "far" beyond fp16',
      '3.0 % of the values of "faint" that it reads become subnormal or zero',
      '| `far` | 100000 |',
      '| `faint` | 0 | sample 0, index 7 | none | 3.0 % | none |',
    );
    expect(
      hover(`${header}layer "conv2d_5$0/Conv": fp16\n`, everything, undefined, () => numbers).text,
    ).not.toContain('fine');
    checkNumbers(
      `${header}la$0yer "conv2d_5/Conv", "conv2d/Conv": fp16\n`,
      numbers,
      '2 layers write, hold or read values beyond the range of `fp16`.',
    );
  });

  it('tells of a tolerance what was measured, and when', () => {
    checkNumbers(
      `${header}toler$0ance "ld_3d" relative_l2 <= 1e-3\ndefault: fp16\n`,
      (open) => measured({ verdict: exceeded(open, 4e-3), verdictIsStale: true }),
      'Measured on 3 samples before the last change, sums in fp32.',
      '| `ld_3d` | 4.00e-3 | 1.00e-3 | 1.00e-6 | exceeded |',
    );
  });
});

describe('hover on a tolerance that is predicted', () => {
  const text = `${header}toler$0ance "ld_3d" relative_l2 <= 8\ndefault: fp16\n`;
  const value = { value: 5, low: 4, high: 6 };
  type Predicted = NonNullable<PlanNumbers['prediction']>['tolerances'][number];
  const withPrediction = (one: Omit<Predicted, 'tolerance'>) => (open: OpenPlan) => {
    const tolerances = (open.plan?.tolerances ?? []).map((tolerance) => ({ tolerance, ...one }));
    return measured({
      verdict: exceeded(open, 9),
      verdictIsStale: true,
      prediction: { outputs: [], tolerances },
    });
  };

  const at = { decisions: [], tolerances: [], at: '2026-11-22T19:05:11.000Z' };

  it('says from which measured plan that is told, and when that was', () => {
    checkNumbers(
      text,
      withPrediction({ value, holds: true, after: { differing: 2, weight: 0.5, plan: at } }),
      'Predicted of `ld_3d`: 5 (4 to 6), limit 8; told from the measured plan that is 2 flips away, measured 2026-11-22 19:05 UTC.',
      'Measured on 3 samples before the last change',
    );
    checkNumbers(
      text,
      withPrediction({ value, holds: true }),
      'from what single roundings do, no plan near it is measured.',
    );
  });

  it('says why there is none', () => {
    const reason = 'what "conv2d/Conv" does is not known yet';
    checkNumbers(
      text,
      withPrediction({ value: undefined, holds: undefined, reason }),
      'Not predicted of `ld_3d`: what "conv2d/Conv" does is not known yet.',
    );
  });

  it('is silent once that plan is measured', () => {
    const after = { differing: 0, weight: 1, plan: at };
    const { text: said } = hover(text, everything, undefined, (open) => ({
      ...withPrediction({ value, holds: true, after })(open),
      verdictIsStale: false,
    }));
    expect(said).toContain('Measured on 3 samples, sums');
    expect(said).not.toContain('Predicted');
  });
});

describe('hover on a profile from elsewhere', () => {
  const fixture = (statement: string): string =>
    `model "pose_landmark_lite.onnx"\n${statement.replace('FILE', '../../test/profiles/pose-cpu-fp32.json')}`;
  const mapped = ({ plan }: OpenPlan): PlanNumbers => {
    if (plan !== undefined) latencySourceFindings(plan);
    return measured({});
  };

  it('tells what it is where its layers are not found yet', () => {
    expect(hover(fixture('latency from "$0FILE"')).text).toMatch(
      /^A profile of ONNX Runtime of \d+ runs\.\s*$/,
    );
  });

  it.each(['lat$0ency from "FILE"', 'latency from "$0FILE"'])(
    'tells at `%s` how long a run took there, and what of it belongs to which layers',
    (statement) => {
      checkNumbers(
        fixture(statement),
        mapped,
        'A profile of ONNX Runtime of 2 runs: 3.50 ms, warm-up left out. It has 133 of 133 layers: 133 in fp32. Casts take 0 ms',
      );
    },
  );

  it('tells nothing of files of other statements', () => {
    expect(hover('labels "$0a/*.npy"').text).toBe('');
  });
});
