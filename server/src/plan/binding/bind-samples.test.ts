/** What a plan says beside its decisions: inputs, dimensions, tolerances, targets. Each diagnostic at its exact place. */
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../language/index.js';
import { checkBound, checkDiagnostics, checkFix, FED } from '../testing/check-diagnostics.js';
import { bindText, NETWORK, worldFiles } from '../testing/fixture.js';

describe('inputs', () => {
  it('that the model does not have', () => {
    checkBound(`
input "xx" from "*.npy"
      ^^^^ input-unknown: Did you mean "x"
input "w1" = zeros
      ^^^^ input-unknown: constant of the model
`);
  });

  it('that nothing feeds get a generator that fits, said in a hint', () => {
    const diagnostics = checkDiagnostics(`
model "m.onnx"
      ^^^^^^^^ input-missing: uniform(0, 1)
      ^^^^^^^^ input-missing: integers(0, 1)
      ^^^^^^^^ dim-unbound: 1 is taken
`);
    expect(
      diagnostics.filter((one) => one.code === 'input-missing').every((one) => one.severity === 'hint'),
    ).toBe(true);
    const fixed = diagnostics.reduce(
      (text, one) => applyEdits(text, one.fixes?.[0]?.edits ?? []),
      'model "m.onnx"\n',
    );
    checkDiagnostics(fixed);
  });

  it('are indexes into a table of so many rows', () => {
    const model =
      'input ids int64 4\nweight table 30 2\nGather "" table ids -> y\nRelu r y -> z\noutput z float';
    const { plan } = bindText('model "m.onnx"\n', worldFiles({ model }));
    expect(plan.inputs[0]?.source).toMatchObject({ name: 'integers', parameters: [0, 29] });
  });

  it('of whole numbers take no fractions', () => {
    checkDiagnostics(`
model "m.onnx"
      ^^^^^^^^ input-missing
dim batch = 1
input "x" = normal(0, 1)
input "ids" = uniform(0, 1)
              ^^^^^^^^^^^^^ generator: takes whole numbers
`);
  });

  it('of texts need files', () => {
    checkDiagnostics(
      `
model "m.onnx"
      ^^^^^^^^ input-missing: no generator makes string
`,
      {
        model: 'input s string 1\ninput x float 1\nRelu r x -> y\noutput y float'.replace(
          'input x float 1\n',
          'weight x 1\n',
        ),
      },
    );
  });

  it('take pictures as the statement says', () => {
    const { plan } = bindText(
      'model "m.onnx"\ninput "x" from "*.png" { layout: nhwc, scale: 1/2, mean: [1, 2, 3], std: [4] }\n',
      worldFiles({}),
    );
    expect(plan.inputs[0]?.source).toEqual({
      kind: 'files',
      glob: '*.png',
      axis: undefined,
      pictures: { layout: 'nhwc', scale: 0.5, mean: [1, 2, 3], std: [4] },
    });
  });

  it('of pictures are not divided by zero, and not scaled where the input takes whole numbers', () => {
    checkDiagnostics(`
model "m.onnx"
dim batch = 2
input "x" from "*.png" { std: [1, 0, 1] }
                         ^^^^^^^^^^^^^^ number: deviation of 0
input "ids" from "*.png" { layout: nchw, scale: 1/255 }
                                         ^^^^^^^^^^^^ input-shape: as it is
`);
  });

  it('have the shapes that the plan binds', () => {
    const { plan } = bindText(`model "m.onnx"\n${FED}`, worldFiles({}));
    expect(plan.inputs.map((one) => [one.name, one.shape])).toEqual([
      ['x', [1, 3, 8, 8]],
      ['ids', [1, 4]],
    ]);
    expect([...plan.dims]).toEqual([['batch', 1]]);
  });
});

describe('dimensions', () => {
  it('that no input has, or that are fixed', () => {
    checkBound(`
dim bacth = 2
    ^^^^^ no-match: There is "batch"
dim "x"[7] = 2
        ^ input-shape: the last index is 3
dim "x"[1] = 4
             ^ input-shape: is 3 in the model
dim "y"[0] = 4
    ^^^ input-unknown
`);
  });

  it('without a name are bound by place, and make multiply-adds known', () => {
    const model = 'input x float ? 4\nweight w 4 8\nMatMul m x w -> y\noutput y float';
    const open = bindText('model "m.onnx"\n', worldFiles({ model })).plan;
    expect(open.layers[0]?.multiplyAdds).toBeUndefined();
    expect(open.diagnostics.find((one) => one.code === 'dim-unbound')?.fixes?.[0]?.title).toBe(
      'Insert `dim "x"[0] = 1`',
    );
    const bound = bindText('model "m.onnx"\ndim "x"[0] = 5\n', worldFiles({ model })).plan;
    expect(bound.inputs[0]?.shape).toEqual([5, 4]);
    expect(bound.layers[0]?.multiplyAdds).toBe(5 * 4 * 8);
    expect(bound.decisions[0]?.layer).toBe(bound.layers[0]);
  });
});

describe('tolerances', () => {
  it('on outputs that the model does not have', () => {
    checkBound(`
tolerance "probability" max_abs <= 1e-3
          ^^^^^^^^^^^^^ unknown-output: Did you mean "probabilities"
`);
  });

  it('whose metric does not suit the output', () => {
    checkBound(`
tolerance "label" max_abs <= 1
                  ^^^^^^^ metric-type: compare floating-point numbers: let the model give out "g" too
tolerance "probabilities" nme <= 0.1 { points: 0..2, stride: 2, dims: 2, normalize: bbox }
                          ^^^ metric-type: Landmark 2 ends at value 6
tolerance "probabilities" nme <= 0.1 { points: 0..1, stride: 2, dims: 2, normalize: torso(0, 1, 2, 3) }
                          ^^^ metric-type: Landmark 3 ends at value 8
tolerance "probabilities" top1 >= 0.9 { axis: 2 }
                          ^^^^ metric-type: there is no axis 2
`);
  });

  it('without a name are for every floating-point output', () => {
    const { plan } = bindText(`model "m.onnx"\n${FED}tolerance  relative_l2   <= 1e-3\n`, worldFiles({}));
    expect(plan.tolerances.map((one) => [one.output, one.text, one.over])).toEqual([
      ['probabilities', 'relative_l2 <= 1e-3', 'worst'],
      ['magic_out', 'relative_l2 <= 1e-3', 'worst'],
    ]);
  });

  it('carry what the metric needs', () => {
    const { plan } = bindText(
      'model "m.onnx"\n' +
        'tolerance "probabilities" pck(0.05) >= 0.9 { points: 0..1, stride: 2, dims: 2, normalize: diagonal, over: mean }\n' +
        'tolerance "probabilities" kl <= 0.1 { softmax: true, axis: -1 }\n' +
        'tolerance "probabilities" iou(0.5) >= 0.9\n',
      worldFiles({}),
    );
    expect(plan.tolerances.map((one) => [one.metric, one.over])).toEqual([
      [
        {
          name: 'pck',
          threshold: 0.05,
          landmarks: { first: 0, last: 1, stride: 2, dims: 2, normalize: { kind: 'diagonal' } },
        },
        'mean',
      ],
      [{ name: 'kl', softmax: true, axis: -1 }, 'worst'],
      [{ name: 'iou', threshold: 0.5 }, 'pooled'],
    ]);
  });

  it('with errors of their own are left out', () => {
    const { plan } = bindText(
      'model "m.onnx"\ntolerance max_abs >= 1\ntolerance pck >= 1\ntolerance iou(0.5) >=\ntolerance sqnr >= 20\n',
      worldFiles({}),
    );
    expect(plan.tolerances.map((one) => one.text)).toEqual(['sqnr >= 20', 'sqnr >= 20']);
  });
});

describe('targets and what comes later', () => {
  it('that this machine does not offer', () => {
    checkBound(
      `
target cpu { threads: 4 }
target cuda
       ^^^^ target-unavailable: There is no cuda here. Get cuda.
`,
      { targets: ['cpu'] },
    );
    const { plan } = bindText(
      'model "m.onnx"\ntarget cpu { threads: 4 }\ntarget cuda\nobjective macs\n',
      worldFiles({}),
    );
    expect(plan.targets).toEqual([
      { name: 'cpu', threads: 4 },
      { name: 'cuda', threads: undefined },
    ]);
    expect(plan.objective).toBe('macs');
  });

  it('whose latencies are not those that are shown while one types', () => {
    checkBound('target webgpu\n');
    checkBound(`
target cuda
       ^^^^ not-yet-analysed: those of \`cpu\`; \`bench\` and \`verify --executed\` run on \`cuda\`
`);
    checkBound(`
target dml
       ^^^ not-yet-analysed: those of \`webgpu\`
target webgpu
target cpu
       ^^^ not-yet-analysed: those of \`webgpu\`
`);
  });

  it('that this machine does not offer can be changed to those that it does', () => {
    const world = { targets: ['cpu', 'webgpu'] };
    const text = 'target cuda { deviceId: 1, threads: 2 } # why\n';
    const after = 'target webgpu { threads: 2 } # why\n';
    checkFix(text, 'target-unavailable', 'Target `webgpu`, which this machine has', after, world);
    const both = 'target webgpu\ntarget dml\n';
    const cpu = 'target webgpu\ntarget cpu\n';
    checkFix(both, 'target-unavailable', 'Target `cpu`, which this machine has', cpu, world);
  });

  it('have options of their own, which go through as far as they can be understood', () => {
    const options = (text: string): unknown =>
      bindText(`model "m.onnx"\n${text}\n`, worldFiles({})).plan.targets[0]?.options;
    expect(options('target webgpu { preferredLayout: NHWC, threads: 2, enableRobustness: true }')).toEqual({
      preferredLayout: 'NHWC',
      enableRobustness: true,
    });
    expect(options('target webgpu { forceCpuNodeNames: ["a/Conv", "b"] }')).toEqual({
      forceCpuNodeNames: ['a/Conv', 'b'],
    });
    expect(options('target cuda { deviceId: 1 }')).toEqual({ deviceId: 1 });
    for (const wrong of [
      'cuda { deviceId: first }',
      'cuda { preferredLayout: NHWC }',
      'webgpu { validationMode: 5 }',
    ]) {
      expect(options(`target ${wrong}`)).toBeUndefined();
      const { plan } = bindText(`model "m.onnx"\ntarget ${wrong}\n`, worldFiles({}));
      expect(plan.diagnostics.map(({ severity, code }) => `${severity} ${code}`).join()).toMatch(
        /error (option-unknown|number)/,
      );
    }
  });

  it('name nodes of the model in options, as the model calls them', () => {
    checkBound(`
target webgpu { forceCpuNodeNames: ["stem/conv", "stem/cnov", "unnamed_out", "zzzzzzzzzzz"] }
                                                 ^^^^^^^^^^^ unknown-node: Did you mean "stem/conv"
                                                              ^^^^^^^^^^^^^ unknown-node: has no name in the model
                                                                             ^^^^^^^^^^^^^ unknown-node: no node "zzzzzzzzzzz"
`);
    const before = 'target webgpu { forceCpuNodeNames: ["stem/cnov"] }\n';
    const after = 'target webgpu { forceCpuNodeNames: ["stem/conv"] }\n';
    checkFix(before, 'unknown-node', 'Change to "stem/conv"', after);
    checkBound('target webgpu { forceCpuNodeNames: ["flatten", "shape"] }\n');
  });

  it('are cpu where the plan says nothing', () => {
    expect(bindText('model "m.onnx"\n', worldFiles({})).plan.targets).toEqual([
      { name: 'cpu', threads: undefined, isAssumed: true },
    ]);
  });

  it.each([
    ["import { norm } from './norm.mjs';", './norm.mjs'],
    ['import"../norm.mjs"', '../norm.mjs'],
    ['import {\n  norm,\n} from "/tmp/norm.mjs";', '/tmp/norm.mjs'],
    ["import fs from 'node:fs'; export * from 'file:///norm.mjs';", 'file:///norm.mjs'],
    ["const { norm } = await import('./norm.mjs');", './norm.mjs'],
  ])('a metric of the user is one file: %s', (module, named) => {
    checkBound(
      `
metric mine from "mine.mjs"
                 ^^^^^^^^^^ metric-imports: "${named}"
`,
      { files: { 'mine.mjs': module } },
    );
  });

  it.each([
    "import fs from 'node:fs';\nimport { norm } from 'norm';\nexport const measure = norm;",
    "export const from = './norm.mjs', important = ['./a'];\nexport function measure(from = './a') {}",
  ])('a metric of the user may import packages: %s', (module) => {
    checkBound('metric mine from "mine.mjs"\n', { files: { 'mine.mjs': module } });
  });

  it('a metric of the user needs its file', () => {
    checkBound(`
accumulate: fp32
metric mine from "mine.mjs"
                 ^^^^^^^^^^ metric-missing: There is no file
labels "*.json"
`);
    checkBound(`
accumulate: fp16
`);
  });
});

const RECURRENT = `
  input x float 1 4
  input h float 1 4
  Add "sum" x h -> a
  Tanh "squash" a -> next
  output next float 1 4
`;

describe('states', () => {
  it('are outputs that feed inputs of the next sample, which begin with zeros', () => {
    const { plan } = bindText(
      'model "m.onnx"\ninput "x" = ones\nstate "h" from "next"\n',
      worldFiles({ model: RECURRENT }),
    );
    expect(plan.diagnostics.map(({ code }) => code)).toEqual([]);
    expect(plan.inputs).toMatchObject([
      { name: 'x', source: { name: 'ones' } },
      { name: 'h', source: { kind: 'generator', name: 'zeros' }, carriedFrom: 'next' },
    ]);
    expect(plan.inputs[0]).not.toHaveProperty('carriedFrom');
  });

  it('begin with what the plan feeds, where it says so', () => {
    const { plan } = bindText(
      'model "m.onnx"\ninput "x" = ones\ninput "h" from "h.npy"\nstate "h" from "next"\n',
      worldFiles({ model: RECURRENT }),
    );
    expect(plan.inputs[1]).toMatchObject({ source: { kind: 'files', glob: 'h.npy' }, carriedFrom: 'next' });
  });

  it('are of a model that has both, of one type and shape', () => {
    checkBound(`
state "x" from "probabilities"
               ^^^^^^^^^^^^^^^ input-shape: it is of shape [1, 5], and [1, 3, 8, 8] is wanted
state "y" from "probabilities"
      ^^^ input-unknown: "x"
state "x" from "probability"
               ^^^^^^^^^^^^^ unknown-output: "probabilities"
`);
  });
});

describe('a plan without decisions', () => {
  it('leaves every layer as it is', () => {
    const { plan } = bindText(`model "m.onnx"\n${FED}`, worldFiles({ model: NETWORK }));
    expect(
      plan.decisions.every((one) => one.wanted === 'original' && one.format === 'original' && !one.source),
    ).toBe(true);
  });
});
