import { describe, expect, it } from 'vitest';
import { MarkupContent } from 'vscode-languageserver';
import { hoverOf } from './hover.js';
import { latencySourceFindings, type PlanNumbers } from '../analysis/index.js';
import type { Model } from '../onnx/index.js';
import { rangeOfValues } from '../formats/index.js';
import type { ClientAbilities } from './capabilities.js';
import type { OpenPlan } from './open-plan.js';
import {
  everything,
  exceeded,
  header,
  inThreeFormats,
  longModel,
  longName,
  measured,
  nothing,
  openWorkspace,
  ranged,
  sensitivities,
} from './testing.js';

function hover(
  fixture: string,
  abilities: ClientAbilities = everything,
  model?: Model,
  numbersOf: (open: OpenPlan) => PlanNumbers = () => measured({}),
) {
  const { open, cursor } = openWorkspace(fixture, model);
  const found = hoverOf(open, cursor, abilities, numbersOf(open));
  const contents = found?.contents;
  return {
    text: MarkupContent.is(contents) ? contents.value : '',
    kind: MarkupContent.is(contents) ? contents.kind : undefined,
    on: found?.range === undefined ? '' : open.document.getText(found.range),
  };
}

/** The hover at `$0` stands on a text and has these pieces in this order. */
function checkHover(fixture: string, on: string, ...pieces: readonly string[]): void {
  const found = hover(fixture);
  expect(found.on).toBe(on);
  checkPieces(found.text, pieces);
}

/** The hover at `$0` has these pieces in this order, once so much is known. */
function checkNumbers(
  fixture: string,
  numbers: PlanNumbers | ((open: OpenPlan) => PlanNumbers),
  ...pieces: readonly string[]
): void {
  const numbersOf = typeof numbers === 'function' ? numbers : () => numbers;
  checkPieces(hover(fixture, everything, undefined, numbersOf).text, pieces);
}

function checkPieces(text: string, pieces: readonly string[]): void {
  let rest = text;
  for (const piece of pieces) {
    expect(rest).toContain(piece);
    rest = rest.slice(rest.indexOf(piece) + piece.length);
  }
}

describe('hover on a layer', () => {
  it('tells operator, decision with its statement, tensors and work', () => {
    checkHover(
      `${header}default: fp16\nlayer "conv2d$0/Conv": fp32 { pinned: true }\n`,
      '"conv2d/Conv"',
      '**conv2d/Conv**: `Conv`, layer 1 of ',
      'Runs in `fp32`, pinned.',
      'Decided by `layer "conv2d/Conv": fp32 { pinned: true }` (line 4).',
      '| input | ',
      '| float | `[1, 3, 256, 256]` |',
      '| constant | ',
      ' KB |',
      '| output | ',
      'multiply-adds (',
      'of weights; ',
    );
  });

  it('names the later statement that decides it, also in another file', () => {
    checkHover(
      `${header}layer "conv2d$0/Conv": fp32\nop Conv: bf16\n`,
      '"conv2d/Conv"',
      '`op Conv: bf16` (line 4)',
    );
    checkHover(
      `//- a.precision\n${header}layer "conv2d$0/Conv": fp32\ninclude "b.precision"\n//- b.precision\n# ours\nop Conv: fp16\n`,
      '"conv2d/Conv"',
      '`op Conv: fp16` (line 2 of b.precision)',
    );
  });

  it('is plain text for an editor that shows no Markdown', () => {
    const { text, kind } = hover(`${header}layer "conv2d$0/Conv": fp32\n`, nothing);
    expect(kind).toBe('plaintext');
    expect(text).toContain('conv2d/Conv: Conv, layer 1 of ');
    expect(text).not.toMatch(/[`|*]/u);
  });

  it('says of a node that is no layer what it is, and nothing of what the model has not', () => {
    const { text } = hover('model "m.onnx"\nlayer "nothing$0": fp32\n', everything, longModel(2));
    expect(text).toBe('');
  });
});

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
      '1 layer goes beyond the range of `fp16`.',
      '**Latency**: 1.20 → 2.15 ms together, casts included.',
      '| layer | operator | format |',
    );
    checkNumbers(
      `${header}la$0yer "conv2d_5/Conv", "conv2d/Conv": fp16\n`,
      measured({ sensitivity }),
      'Each alone, they add up to 94 % of the tolerance',
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

describe('hover on an input or output', () => {
  it('tells type, shape and what feeds or writes it', () => {
    checkHover(
      'model "pose_landmark_lite.onnx"\ninput "in$0put_1" = uniform(0, 1)',
      '"input_1"',
      'float [1, 256, 256, 3]',
      '`uniform(0, 1), seed',
    );
    checkHover(
      `${header}tolerance "ld$0_3d" max_abs <= 1`,
      '"ld_3d"',
      'output, `float [1, 195]`',
      'Written by ',
    );
  });
});

describe('hover on a number', () => {
  it('tells what it becomes in every format, and its neighbours there', () => {
    checkHover(
      `${header}tolerance "ld_3d" max_abs <= 1e$0-3`,
      '1e-3',
      '**1e-3**',
      '`fp16`',
      '0.00100040436',
      '4.044e-7 (0.04044 %)',
      '`bf16`',
    );
    checkHover(`${header}tolerance "ld_3d" max_abs <= 70$0000`, '70000', '`fp16` | `inf`', '65504');
    checkHover(
      `${header}input "input_1" from "a.png" { scale: 1/2$055 }`,
      '1/255',
      '= `0.00392156863`',
      '`fp16`',
    );
    checkHover(`${header}tolerance "ld_3d" max_abs <= 0.5$0`, '0.5', '| none |');
    checkHover(
      `${header}tolerance "ld_3d" max_abs <= 0.39$052`,
      '0.3952',
      '| `fp8_e4m3` | `0.40625` | 0.01105 (2.796 %) | `0.375` | `0.40625` |',
      '| `dlfloat16` | `0.395019531` |',
      '| `fp8_152` | `0.375` |',
      '| `fp4_radix4` | `0.25` |',
      '`int8` and `int4` hold multiples of a scale',
    );
  });
});

describe('hover on the language', () => {
  it('tells range and precision of a format', () => {
    checkHover(
      `${header}default: fp$016`,
      'fp16',
      'half precision',
      '`65504`',
      '`6.10351563e-5`',
      '`5.96046448e-8`',
    );
    checkHover(`${header}default: int$08`, 'int8', '8-bit integers', 'from -128 to 127', 'times a scale');
    checkHover(
      `${header}default: dlfl$0oat16`,
      'dlfloat16',
      '16: 1 sign, 6 exponent, 9 fraction',
      '| smallest subnormal | none |',
      'no infinity, but NaN',
      'away from zero',
    );
    checkHover(`${header}default: fp4_rad$0ix4`, 'fp4_radix4', '3 exponent of 4', '`64`', '`0.015625`');
  });

  it('explains metrics, options and their values, targets and generators', () => {
    checkHover(`${header}tolerance "ld_3d" cos$0ine >= 0.9`, 'cosine', 'More is better', '`>=`', '`worst`');
    checkHover(
      `${header}default: fp16 { over$0flow: inf }`,
      'overflow',
      'beyond the range',
      '`error`, `saturate`, `inf`',
    );
    checkHover(`${header}default: fp16 { overflow: in$0f }`, 'inf');
    checkHover(`${header}target web$0gpu`, 'webgpu', 'Dawn');
    checkHover('model "pose_landmark_lite.onnx"\ninput "input_1" = uni$0form(0, 1)', 'uniform', 'Evenly');
  });

  it('explains a statement and what it does in this plan', () => {
    checkHover(
      `${header}o$0p Conv: fp16\nlayer "conv2d/Conv": fp32`,
      'op',
      '`op TYPE, ...: FORMAT`',
      'Matches 66 layers and decides 65',
      'and 45 more',
      'Options: ',
    );
    checkHover(
      `${header}op Co$0nv: fp16\nlayer "conv2d/Conv": fp32`,
      'Conv',
      '66 layers',
      '| `fp32` | 1 |',
      '| `fp16` | 65 |',
    );
    checkHover(`${header}layers "**/Co$0nv": fp16`, '"**/Conv"', 'Decides ');
  });

  it('is silent where there is nothing to say', () => {
    checkHover(`${header}# a com$0ment`, '');
    checkHover(`${header}default: fp99$0`, '');
  });
});

describe('a hover', () => {
  it('is short, whatever the plan', () => {
    const { text } = hover('model "m.onnx"\nde$0fault: fp16', everything, longModel(3000));
    expect(text).toContain('and 2980 more');
    expect(text.length).toBeLessThan(5000);
  });

  it('shows names as they are, escaped', () => {
    const { text } = hover(
      `model "m.onnx"\nlayer "${longName(1).replace('/en', '/e$0n')}": fp16`,
      everything,
      longModel(3),
    );
    expect(text).toContain(`**${longName(1)}**`);
  });
});
