/** `latency from` in plans: the files that it names, and what is wrong with them. */
import { describe, expect, it } from 'vitest';
import { isTimedElsewhere } from './latency-sources.js';
import { checkBound } from '../testing/check-diagnostics.js';
import { bindText, worldFiles } from '../testing/fixture.js';

const TRACE = JSON.stringify([
  { cat: 'Session', name: 'model_run', ts: 0, dur: 900, ph: 'X', args: {} },
  {
    ...{ cat: 'Node', name: 'stem/conv_kernel_time', ts: 10, dur: 500, ph: 'X' },
    args: {
      op_name: 'Conv',
      provider: 'CUDAExecutionProvider',
      input_type_shape: [{ float16: [1, 3, 8, 8] }],
    },
  },
]);
const TRTEXEC = JSON.stringify([
  { count: 10 },
  { name: 'stem/conv', timeMs: 2, averageMs: 0.2, percentage: 100 },
]);

const files = {
  'run.json': TRACE.replace('CUDAExecutionProvider', 'CPUExecutionProvider'),
  'cuda.json': TRACE,
  'casts.json': TRACE.replace('CUDAExecutionProvider', 'CPUExecutionProvider').replace(
    'stem/conv_kernel_time',
    'InsertedPrecisionFreeCast_a_kernel_time',
  ),
  'engine.json': TRTEXEC,
  'empty.json': '[]',
  'text.json': 'times of my model',
};

describe('profiles from elsewhere', () => {
  it('are read, in the format that the plan says', () => {
    const plan = bindText(
      'model "m.onnx"\nlatency from "run.json"\nlatency from "engine.json" { format: fp16 }\n',
      worldFiles({ files }),
    ).plan;
    const sources = plan.latencySources ?? [];
    expect(sources.map(({ profile, format }) => [profile.kind, format])).toEqual([
      ['onnxruntime', undefined],
      ['tensorrt', 'fp16'],
    ]);
    expect(plan.diagnostics.filter(({ code }) => code.startsWith('latency'))).toEqual([]);
  });

  it('are the same objects while the files stay the same', () => {
    const read = () =>
      bindText('model "m.onnx"\nlatency from "run.json"\n', worldFiles({ files })).plan.latencySources?.[0]
        ?.profile;
    expect(read()).toBe(read());
  });

  it('that are too large are refused, and push none that can be read out of what is kept', () => {
    const read = () => bindText('model "m.onnx"\nlatency from "run.json"\n', worldFiles({ files })).plan;
    const first = read().latencySources?.[0]?.profile;
    const large = Array.from({ length: 8 }, (_, at) => [`${at}.json`, ' '.repeat(64e6 + 1 + at)] as const);
    const statements = large.map(([name]) => `latency from "${name}"\n`).join('');
    const world = worldFiles({ files: Object.fromEntries(large) });
    const { diagnostics } = bindText(`model "m.onnx"\n${statements}`, world).plan;
    expect(diagnostics.filter(({ message }) => message.includes('larger than 64 MB'))).toHaveLength(8);
    expect(first).toBeDefined();
    expect(read().latencySources?.[0]?.profile).toBe(first);
  });

  it('that are no profiles are said to be none, with what would be one', () => {
    checkBound(
      `
latency from "gone.json"
             ^^^^^^^^^^^ latency-missing: trtexec --exportProfile
latency from "text.json"
             ^^^^^^^^^^^ latency-unreadable: a profile of ONNX Runtime
latency from "empty.json"
             ^^^^^^^^^^^^ latency-unreadable: no times of kernels
latency from "run.json" { format: float17 }
                                  ^^^^^^^ unknown-format
`,
      { files },
    );
  });

  it('that cannot be read leave a plan that takes its times from elsewhere', () => {
    const planOf = (text: string) => bindText(`model "m.onnx"\n${text}`, worldFiles({ files })).plan;
    const broken = planOf('latency from "gone.json"\nlatency from "text.json"\n');
    expect(broken.unreadLatencies).toEqual(['gone.json', 'text.json']);
    expect([broken, planOf('latency from "run.json"\n'), planOf('')].map(isTimedElsewhere)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('that leave something open say what', () => {
    checkBound(
      `
latency from "engine.json"
             ^^^^^^^^^^^^^ latency-format: { format: fp16 }
latency from "casts.json"
             ^^^^^^^^^^^^ latency-format: types do not tell
latency from "cuda.json"
             ^^^^^^^^^^^ latency-handed-over
`,
      { files },
    );
  });
});
