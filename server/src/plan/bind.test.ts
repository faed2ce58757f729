/** Every diagnostic on the model, on names and on decisions, each at its exact place. */
import { describe, expect, it } from 'vitest';
import { makeAttribute, makeGraph, makeNode, makeValueInfo } from '../onnx/index.js';
import { checkBound, checkDiagnostics, checkFix, FED } from './check-diagnostics.js';
import { bindAny, bindText, machineWith, makeModel, NETWORK, worldFiles } from './fixture.js';

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

describe('names of layers', () => {
  it('that the model does not have, with the nearest ones as fixes', () => {
    checkBound(`
layer "stem/cnov", "stem/relu": fp16
      ^^^^^^^^^^^ unknown-layer: Did you mean "stem/conv"
`);
    checkFix(
      'layer "stem/cnov": fp16\n',
      'unknown-layer',
      'Change to "stem/conv"',
      'layer "stem/conv": fp16\n',
    );
  });

  it('that were meant as patterns', () => {
    checkBound(`
layer "stem/*": fp16
      ^^^^^^^^ unknown-layer: use \`layers\`
`);
    checkFix('layer "stem/*": fp16\n', 'unknown-layer', 'Use `layers`', 'layers "stem/*": fp16\n');
  });

  it('of nodes that are no layers, with the reason', () => {
    checkBound(`
layer "flatten": fp16
      ^^^^^^^^^ not-a-layer: takes the format of its neighbours
layer "head/argmax": fp16
      ^^^^^^^^^^^^^ not-a-layer: integers or truth values
layer "half": fp16
      ^^^^^^ not-a-layer: derives from constants alone
layer "shape": fp16
      ^^^^^^^ not-a-layer: it computes shapes
`);
    checkFix(
      'layer "stem/conv", "flatten": fp16\n',
      'not-a-layer',
      'Remove this name',
      'layer "stem/conv": fp16\n',
    );
    checkFix('layer "flatten": fp16 # why\n', 'not-a-layer', 'Remove this statement', '# why\n');
  });

  it('are the first output of a node without a name', () => {
    const { plan } = bindText('model "m.onnx"\nlayer "unnamed_out": fp16\n', worldFiles({}));
    expect(plan.decisions.filter((one) => one.wanted === 'fp16').map((one) => one.layer.node.opType)).toEqual(
      ['Sigmoid'],
    );
  });

  it('are not the outputs of a node with a name', () => {
    checkBound(`
layer "probabilities": fp16
      ^^^^^^^^^^^^^^^ unknown-layer: what the node "head/softmax" writes
`);
    checkFix(
      'layer "probabilities": fp16\n',
      'unknown-layer',
      'Change to "head/softmax"',
      'layer "head/softmax": fp16\n',
    );
  });

  const TWINS = 'input x float 4\nRelu twin x -> a\nRelu twin a -> b\nRelu b b -> c\noutput c float';

  it('that several nodes share stand for none of them; their first outputs do', () => {
    checkDiagnostics(
      `
model "m.onnx"
input "x" = zeros
layer "twin": fp16
      ^^^^^^ ambiguous-layer: Name each by its first output: "a"
layer "a": fp16
`,
      { model: TWINS },
    );
  });

  it('win over the name of an output', () => {
    const { plan } = bindText('model "m.onnx"\nlayer "b": fp16\n', worldFiles({ model: TWINS }));
    expect(plan.decisions.map((one) => [one.layer.node.outputs[0], one.wanted])).toEqual([
      ['a', 'original'],
      ['b', 'original'],
      ['c', 'fp16'],
    ]);
  });

  it('with ` > ` inside are written with a backslash', () => {
    checkDiagnostics(
      `
model "m.onnx"
input "x" = zeros
layer "a > b": fp16
      ^^^^^^^ unknown-layer: leads into a sub-graph
layer "a \\\\> b": fp16
`,
      { model: 'input x float 4\nRelu "a > b" x -> y\noutput y float' },
    );
  });

  it('inside what nobody knows are named, and not analysed', () => {
    const held = makeGraph({
      name: 'held',
      nodes: [makeNode({ opType: 'Relu', name: 'inner', inputs: ['x'], outputs: ['r'] })],
      inputs: [],
      outputs: [makeValueInfo('r', undefined)],
    });
    const model = makeModel('input x float 4\ncom.example.Block held x -> y\noutput y float', (graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) => ({
        ...node,
        attributes: [makeAttribute('body', { kind: 'graph', value: held })],
      })),
    }));
    checkDiagnostics(
      `
model "m.onnx"
input "x" = zeros
layer "held > body > inner": fp16
      ^^^^^^^^^^^^^^^^^^^^^ not-yet-analysed: not looked into
`,
      { model },
    );
  });

  it('inside a sub-graph are names as any other', () => {
    const branch = makeGraph({
      name: 'branch',
      nodes: [makeNode({ opType: 'Relu', name: 'inner', inputs: ['x'], outputs: ['r'] })],
      inputs: [],
      outputs: [makeValueInfo('r', undefined)],
    });
    const model = makeModel('input x float 4\nIf If_0 x -> y\noutput y float', (graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) => ({
        ...node,
        attributes: [
          makeAttribute('then_branch', { kind: 'graph', value: branch }),
          makeAttribute('else_branch', { kind: 'graph', value: branch }),
        ],
      })),
    }));
    checkDiagnostics(
      `
model "m.onnx"
input "x" = zeros
layer "If_0 > then_branch > inner": fp16
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ shadowed
layers "If_0 > else* > in*": fp32
layers matching "If_0 > t.*": bf16
layers "If_0*": fp16
       ^^^^^^^ no-match
layer "If_0 > then_branch > outer": fp16
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unknown-layer
layer "If_0": fp16
      ^^^^^^ not-a-layer: what it holds or calls
`,
      { model },
    );
  });

  it('that are all unknown cost suggestions for the first ones only', () => {
    const lines = Array.from({ length: 80 }, (_, index) => `layer "stem/conv${index}": fp16\n`).join('');
    const { diagnostics } = bindAny(`model "m.onnx"\n${FED}${lines}`, worldFiles({}));
    const unknown = diagnostics.filter((one) => one.code === 'unknown-layer');
    expect(unknown).toHaveLength(80);
    expect(unknown.filter((one) => one.fixes !== undefined)).toHaveLength(50);
  });
});

describe('patterns, operators and paths', () => {
  it('that match nothing', () => {
    checkBound(`
layers "stem/**", "stems/*": fp16
                  ^^^^^^^^^ no-match: matches no layer
layers "flat*": fp16
       ^^^^^^^ no-match: only 1 node that is no layer
layers matching "block[23]/.*": fp16
                ^^^^^^^^^^^^^^ no-match
op Reshape: fp16
   ^^^^^^^ no-match: is a layer
op LSTM: fp16
   ^^^^ no-match: The model has no LSTM node
`);
  });

  it('that match nothing are taken away, or get the slash that they lack', () => {
    checkFix(
      'layers "stem/**", "stems/*": fp16\n',
      'no-match',
      'Remove this pattern',
      'layers "stem/**": fp16\n',
    );
    const remove = 'Remove this statement';
    checkFix('layers "flat*": fp16 # why\nop Conv: fp16\n', 'no-match', remove, '# why\nop Conv: fp16\n');
    checkFix('layers matching "none": fp16\nop Conv: fp16\n', 'no-match', remove, 'op Conv: fp16\n');
    checkFix('op LSTM, Conv: fp16\n', 'no-match', 'Remove this operator', 'op Conv: fp16\n');
    checkFix('op Conv, Reshape: fp16\n', 'no-match', 'Remove this operator', 'op Conv: fp16\n');
    const model = NETWORK.replaceAll('"stem/', '"/stem/');
    checkFix('layers "stem/*": fp16\n', 'no-match', 'Change to "/stem/*"', 'layers "/stem/*": fp16\n', {
      model,
    });
  });

  it('operators that do not exist', () => {
    checkBound(`
op Sotfmax: fp32
   ^^^^^^^ unknown-op: Did you mean \`Softmax\`
op com.example.Majic: fp32
   ^^^^^^^^^^^^^^^^^ unknown-op: Did you mean \`com.example.Magic\`
`);
    checkFix('op Sotfmax: fp32\n', 'unknown-op', 'Change to `Softmax`', 'op Softmax: fp32\n');
  });

  it('expressions that cannot be matched in bounded time are refused', () => {
    checkBound(`
layers matching "(a)\\\\1": fp16
                ^^^^^^^^ regex-timeout: A back-reference
layers matching "(?=stem).*": fp16
                ^^^^^^^^^^^^ regex-timeout: Look-around
`);
  });

  it('expressions are anchored at both ends', () => {
    const { plan } = bindText(
      'model "m.onnx"\nlayers matching "stem", "(stem|head)/[a-m]\\\\w*": fp16\n',
      worldFiles({}),
    );
    expect(plan.decisions.filter((one) => one.wanted === 'fp16').map((one) => one.layer.name)).toEqual([
      'stem/conv',
      'head/matmul',
    ]);
  });

  it('paths take in both ends and go through what is no layer', () => {
    const { plan } = bindText(
      'model "m.onnx"\nbetween "block1/add" and "head/softmax": fp16\n',
      worldFiles({}),
    );
    expect(plan.decisions.filter((one) => one.wanted === 'fp16').map((one) => one.layer.name)).toEqual([
      'block1/add',
      'block1/celu',
      'head/matmul',
      'head/softmax',
    ]);
  });

  it('paths that do not exist', () => {
    checkBound(`
between "head/softmax" and "stem/conv": fp16
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no-path: one leads back
between "head/softmax" and "magic": fp16
        ^^^^^^^^^^^^^^^^^^^^^^^^^^ no-path: this decides nothing
between "head/sofmax" and "flatten": fp16
        ^^^^^^^^^^^^^ unknown-layer
                          ^^^^^^^^^ not-a-layer
`);
    checkFix(
      'between "head/softmax" and "stem/conv": fp16\n',
      'no-path',
      'Swap the ends',
      'between "stem/conv" and "head/softmax": fp16\n',
    );
    checkFix(
      'between "head/softmax" and "magic": fp16\nop Conv: fp16\n',
      'no-path',
      'Remove this statement',
      'op Conv: fp16\n',
    );
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

  it('are rounded to bf16 as Cast has it, and no other way', () => {
    checkBound(`
layer "stem/conv": fp8_e4m3 { weights: bf16, rounding: stochastic }
                   ^^^^^^^^ not-yet-analysed
`);
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
