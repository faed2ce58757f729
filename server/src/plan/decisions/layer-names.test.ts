/** Diagnostics on names of layers, each at its exact place, and their fixes. */
import { describe, expect, it } from 'vitest';
import { makeAttribute, makeGraph, makeNode, makeValueInfo } from '../../onnx/index.js';
import { checkBound, checkDiagnostics, checkFix, FED } from '../testing/check-diagnostics.js';
import { bindAny, bindText, makeModel, worldFiles } from '../testing/fixture.js';

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
