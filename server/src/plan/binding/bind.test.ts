/** Every diagnostic on the model, on decisions and on included files, each at its exact place. */
import { describe, expect, it } from 'vitest';
import { checkBound, checkDiagnostics, checkFix, FED } from '../testing/check-diagnostics.js';
import { bindAny, bindText, machineWith, worldFiles } from '../testing/fixture.js';

describe('the model', () => {
  it('is missing in a file that is opened as a plan', () => {
    checkDiagnostics(`
default: fp16
^^^^^^^ model-statement-missing
`);
  });

  it('is not there', () => {
    checkDiagnostics(`
model "gone.onnx"
      ^^^^^^^^^^^ model-not-found: no such file
default: fp16
`);
  });

  it('cannot be read; what needs no model is reported all the same', () => {
    const files = worldFiles({});
    const broken = {
      ...files,
      openModel: () => ({
        problem: { code: 'model-unreadable' as const, message: 'this is no protobuf message', offset: 17 },
      }),
    };
    const plan = bindAny('model "m.onnx"\nlatency from "p.json"\ntarget cuda\ninclude "gone.precision"\n', {
      ...broken,
      ...machineWith('cpu'),
    });
    expect(plan.model).toBeUndefined();
    expect(plan.diagnostics.map((one) => one.code).sort()).toEqual([
      'include-missing',
      'latency-missing',
      'model-unreadable',
      'target-unavailable',
    ]);
    expect(plan.diagnostics.find((one) => one.code === 'model-unreadable')?.message).toContain('byte 17');
  });
});

describe('statements that decide nothing', () => {
  it('are shadowed where later ones decide all that they match', () => {
    checkBound(`
default: fp16
^^^^^^^^^^^^^ shadowed
default: fp32
layer "stem/conv": fp16
^^^^^^^^^^^^^^^^^^^^^^^ shadowed: later statements decide
op Conv: original
`);
    checkFix(
      'layer "stem/conv": fp16\n\nop Conv: fp32\n',
      'shadowed',
      'Remove this statement',
      '\nop Conv: fp32\n',
    );
  });

  it('are redundant where nothing changes without them', () => {
    const diagnostics = checkBound(`
op Conv, Relu, Add: fp16
layer "stem/conv": fp16
^^^^^^^^^^^^^^^^^^^^^^^ redundant
layer "stem/relu": fp16 { pinned: true }
layer "block1/add": fp16 { reason: "measured" }
`);
    expect(diagnostics.find((one) => one.code === 'redundant')).toMatchObject({
      severity: 'hint',
      unnecessary: true,
    });
  });

  it('of two equal ones only the first is in the way', () => {
    checkBound(`
layer "stem/conv": fp16
^^^^^^^^^^^^^^^^^^^^^^^ shadowed
layer "stem/conv": fp16
`);
  });
});

describe('formats', () => {
  it('that an operator does not allow are clamped, once for each statement', () => {
    const fixture = `
default: fp16
         ^^^^ format-not-in-schema: 2 layers cannot run in fp16 ("block1/celu" and "magic")
`;
    checkBound(fixture);
    const { plan } = bindText(`model "m.onnx"\n${FED}default: fp16\n`, worldFiles({}));
    const byName = new Map(plan.decisions.map((one) => [one.layer.name, one]));
    expect(byName.get('block1/celu')).toMatchObject({ wanted: 'fp16', format: 'fp32' });
    expect(byName.get('magic')).toMatchObject({ wanted: 'fp16', format: 'original' });
    expect(byName.get('stem/conv')).toMatchObject({ wanted: 'fp16', format: 'fp16', clamped: undefined });
  });

  it('that a layer has already need no schema', () => {
    checkBound('default: fp32\n');
  });

  it('below 16 bits are decided like any other, with what their options say', () => {
    checkBound(`
default: int8
         ^^^^ format-not-in-schema: no schema of
layer "stem/conv": fp16 { weights: int8, overflow: saturate }
layer "stem/relu": fp16 { weights: fp16, accumulate: fp32, rounding: nearest }
`);
    const numericsOf = (text: string): unknown => {
      const { plan } = bindText(`model "m.onnx"\n${text}\n`, worldFiles({}));
      const decision = plan.decisions.find((one) => one.layer.name === 'stem/conv');
      return [decision?.format, decision?.clamped, decision?.numerics];
    };
    expect(numericsOf('op Conv: fp8_e4m3')).toEqual(['fp8_e4m3', undefined, undefined]);
    expect(numericsOf('op Conv: fp16 { accumulate: chunked(64) }')).toEqual([
      'fp16',
      undefined,
      { accumulate: { kind: 'chunked', length: 64 } },
    ]);
    expect(numericsOf('accumulate: fp16\nop Conv: fp8_e5m2')).toMatchObject([
      'fp8_e5m2',
      undefined,
      { accumulate: { kind: 'fp16' } },
    ]);
    expect(numericsOf('accumulate: fp16\nop Conv: fp32')).toEqual(['fp32', undefined, undefined]);
    expect(numericsOf('accumulate: fp16\nop Conv: fp16 { accumulate: fp32 }')).toEqual([
      'fp16',
      undefined,
      undefined,
    ]);
    expect(
      numericsOf(
        'op Conv: int8 { weights: int4, per: channel, quantize: percentile(99.9), rounding: stochastic }',
      ),
    ).toEqual([
      'int8',
      undefined,
      {
        weights: 'int4',
        stochastic: true,
        quantize: { name: 'percentile', percent: 99.9 },
        perChannel: true,
      },
    ]);
    expect(numericsOf('op Conv: fp16 { scale: 2^-3 }')).toEqual(['fp16', undefined, { scale: 0.125 }]);
  });

  it('are rounded to bf16 stochastically, too', () => {
    checkBound(`
layer "stem/conv": fp8_e4m3 { weights: bf16, rounding: stochastic }
`);
  });

  it('round what is read and written stochastically, and sums as well', () => {
    checkBound(`
layer "stem/conv": fp16 { accumulate: fp16, rounding: stochastic }
layer "block1/conv": fp16 { rounding: stochastic }
`);
  });

  it('that draw random numbers are said to be in no table', () => {
    const model = 'input x float 2\nRandomNormalLike "noise" x -> n\nAdd "sum" x n -> y\noutput y float 2';
    const { plan } = bindText('model "m.onnx"\n', worldFiles({ model }));
    expect(plan.diagnostics.filter(({ code }) => code === 'random-numbers')).toMatchObject([
      { severity: 'information', message: expect.stringContaining('1 layer ("noise") draws') as string },
    ]);
  });

  it('take a scale only where the output grows with the input', () => {
    checkBound(`
op Conv, Softmax: fp16 { scale: 2^-3 }
                         ^^^^^^^^^^^ option-unknown: Softmax
`);
  });

  it('take their options with them', () => {
    const { plan } = bindText(
      'model "m.onnx"\nop Conv: fp16 { pinned: true, overflow: inf }\nlayer "stem/conv": fp16\n',
      worldFiles({}),
    );
    const byName = new Map(plan.decisions.map((one) => [one.layer.name, one]));
    expect(byName.get('stem/conv')).toMatchObject({ pinned: false, overflow: 'error' });
    expect(byName.get('block1/conv')).toMatchObject({ pinned: true, overflow: 'inf' });
  });
});

describe('included files', () => {
  const include = (text: string, files: Record<string, string>): void => {
    checkDiagnostics(`model "m.onnx"\n${FED}${text.replace(/^\n/, '')}`, { files });
  };

  it('count where their include stands, and later statements win', () => {
    const { plan } = bindText(
      'model "m.onnx"\nop Conv: fp16\ninclude "team/deny.precision"\nlayer "stem/conv": bf16\n',
      worldFiles({
        files: {
          'team/deny.precision': 'include "more.precision"\n',
          'team/more.precision': 'op Conv, Add: fp32\n',
        },
      }),
    );
    const byName = new Map(plan.decisions.map((one) => [one.layer.name, one]));
    expect(byName.get('stem/conv')?.wanted).toBe('bf16');
    expect(byName.get('block1/conv')).toMatchObject({
      wanted: 'fp32',
      source: { path: '/plans/team/more.precision', kind: 'op' },
    });
  });

  it('that are missing, or include themselves', () => {
    include(
      `
include "gone.precision"
        ^^^^^^^^^^^^^^^^ include-missing
include "./p.precision"
        ^^^^^^^^^^^^^^^ include-cycle: "p.precision" → "p.precision"
`,
      {},
    );
  });

  it('have their diagnostics under their own path', () => {
    const { diagnostics } = bindAny(
      `model "m.onnx"\n${FED}include "a.precision"\nlayer "stem/conv": fp32\n`,
      worldFiles({
        files: {
          'a.precision':
            'model "b.onnx"\nlayer "nobody": fp16\nlayer "stem/conv": fp16\nop LSTM: fp32\ninclude "b.precision"\n',
          'b.precision': 'include "a.precision"\nlayr "x": fp16\n',
        },
      }),
    );
    expect(diagnostics.map((one) => [one.path, one.code]).sort()).toEqual([
      ['/plans/a.precision', 'syntax'],
      ['/plans/a.precision', 'unknown-layer'],
      ['/plans/b.precision', 'include-cycle'],
      ['/plans/b.precision', 'unknown-statement'],
    ]);
  });

  it('that include each other twice over do not grow without bound', () => {
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, depth) => [
        `f${depth}.precision`,
        `include "f${depth + 1}.precision"\ninclude "f${depth + 1}.precision"\n`,
      ]),
    );
    const { diagnostics } = bindAny(`model "m.onnx"\n${FED}include "f0.precision"\n`, worldFiles({ files }));
    expect(diagnostics.some((one) => one.message.includes('are included'))).toBe(true);
  });
});
