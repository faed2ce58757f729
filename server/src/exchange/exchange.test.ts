/** Plans in the languages of other tools and back: the same decisions where the tool can hold them, a loss where not. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from '../language/index.js';
import {
  bufferSource,
  encodeBytes,
  encodeModel,
  openModel,
  readModel,
  withNode,
  type Model,
} from '../onnx/index.js';
import { bindPlan, type PlanFiles, type TracedPlan } from '../plan/index.js';
import { EXCHANGE_KINDS, intoPlan, type ExchangeKind, type Exported, type Loss } from './index.js';
import { layerFormats } from './layer-formats.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const POSE = modelAt('samples/pose/pose_landmark_lite.onnx');
const LINES = modelAt('node_modules/jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx');
const NO_DECISION = 'model "m.onnx"\n';

function modelAt(path: string): Model {
  const opened = openModel(join(ROOT, path));
  if ('problem' in opened) throw new Error(opened.problem.message);
  return opened.model;
}

function bind(text: string, model: Model = POSE): TracedPlan {
  const files: PlanFiles = { readText: () => undefined, openModel: () => ({ model }) };
  const plan = bindPlan({ path: '/plans/p.precision', tree: parse(text), files });
  if (plan.model === undefined) throw new Error('the plan has no model');
  return plan;
}

function kindOf(name: string): ExchangeKind {
  const kind = EXCHANGE_KINDS.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`there is no kind ${name}`);
  return kind;
}

function written(name: string, plan: TracedPlan): Exported {
  const exported = kindOf(name).exported?.(plan);
  if (exported === undefined) throw new Error(`${name} cannot be written`);
  return exported;
}

/** What a plan without decisions becomes by a text of another tool. */
function readInto(
  name: string,
  text: string,
  plan = NO_DECISION,
  model = POSE,
): { readonly plan: TracedPlan; readonly text: string; readonly losses: readonly Loss[] } {
  const kind = kindOf(name);
  if (kind.imported.from !== 'text') throw new Error(`${name} is not read from text`);
  const imported = kind.imported.read(bind(plan, model), text);
  if ('problem' in imported) throw new Error(imported.problem);
  const into = intoPlan(parse(plan), bind(plan, model), imported);
  return { plan: bind(into.text, model), ...into };
}

function problemOf(name: string, text: string): string | undefined {
  const kind = kindOf(name);
  if (kind.imported.from !== 'text') return undefined;
  const imported = kind.imported.read(bind(NO_DECISION), text);
  return 'problem' in imported ? imported.problem : undefined;
}

const formatsOf = (plan: TracedPlan) => layerFormats(plan).map(({ layer, format }) => [layer.name, format]);
const codes = (losses: readonly Loss[]) => losses.map(({ code }) => code);

/** Plans over the pose model with layers in FP32 and `low` here and there. */
function arbitraryPlan(low: readonly string[]): fc.Arbitrary<string> {
  const names = bind(NO_DECISION).layers.map(({ name }) => name);
  const operators = [...new Set(bind(NO_DECISION).layers.map(({ node }) => node.opType))];
  const format = fc.constantFrom('fp32', ...low);
  const statement = fc.oneof(
    fc
      .tuple(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }), format)
      .map(([list, wanted]) => `layer ${list.map((name) => JSON.stringify(name)).join(', ')}: ${wanted}\n`),
    fc.tuple(fc.constantFrom(...operators), format).map(([type, wanted]) => `op ${type}: ${wanted}\n`),
  );
  return fc
    .tuple(format, fc.array(statement, { maxLength: 6 }))
    .map(([wanted, statements]) => `${NO_DECISION}default: ${wanted}\n${statements.join('')}`);
}

describe('a plan that another tool can hold', () => {
  it.each([
    ['onnxconverter-common', ['fp16']],
    ['tensorrt', ['fp16', 'bf16']],
    ['autocast', ['fp16']],
    ['autocast', ['bf16']],
    ['coremltools', ['fp16']],
    ['model-explorer', ['fp16', 'bf16']],
    ['json', ['fp16', 'bf16']],
  ])('comes back from %s with the same decisions (%s)', (name, low) => {
    fc.assert(
      fc.property(arbitraryPlan(low), (text) => {
        const plan = bind(text);
        const exported = written(name, plan);
        expect(codes(exported.losses).filter((code) => !['own-rules', 'other-names'].includes(code))).toEqual(
          [],
        );
        expect(formatsOf(readInto(name, exported.text).plan)).toEqual(formatsOf(plan));
      }),
      { numRuns: 40 },
    );
  });

  it('comes back from plain JSON with its options', () => {
    const text = `${NO_DECISION}default: fp16
layer "conv2d/Conv": fp32 { pinned: true, reason: "say \\"why\\"" }
layer "conv2d_1/Conv": fp16 { overflow: saturate }
`;
    const back = readInto('json', written('json', bind(text)).text);
    expect(written('json', back.plan).text).toBe(written('json', bind(text)).text);
    expect(back.text).toContain('layer "conv2d/Conv": fp32 { pinned: true, reason: "say \\"why\\"" }');
  });
});

describe('what other tools read', () => {
  const plan = bind(`${NO_DECISION}default: fp16
layer "conv2d/Conv", "convld_3d/Conv": fp32
op Sigmoid: fp32
`);

  it('is a list of nodes and operators for onnxconverter-common', () => {
    const lists: unknown = JSON.parse(written('onnxconverter-common', plan).text);
    expect(lists).toEqual({
      op_block_list: [],
      node_block_list: expect.arrayContaining(['conv2d/Conv', 'convld_3d/Conv']) as unknown,
      keep_io_types: true,
    });
    const whole: unknown = JSON.parse(
      written('onnxconverter-common', bind(`${NO_DECISION}default: fp16\nop Conv: fp32\n`)).text,
    );
    expect(whole).toMatchObject({ op_block_list: ['Conv'], node_block_list: [] });
  });

  it('is one value for trtexec', () => {
    const entries = written('tensorrt', plan).text.trim().split(',');
    expect(entries).toContain('conv2d/Conv:fp32');
    expect(entries).toContain('conv2d_1/Conv:fp16');
    expect(entries).toHaveLength(plan.layers.length);
  });

  it('is a list of anchored expressions for AutoCast', () => {
    const { nodes_to_exclude: nodes } = JSON.parse(written('autocast', plan).text) as {
      nodes_to_exclude: string[];
    };
    expect(nodes).toContain('^conv2d/Conv$');
  });

  it('is a table for coremltools and node data for Model Explorer', () => {
    const table = JSON.parse(written('coremltools', plan).text) as Record<string, boolean>;
    expect([table['conv2d/Conv'], table['conv2d_1/Conv']]).toEqual([false, true]);
    const data = JSON.parse(written('model-explorer', plan).text) as Record<
      string,
      { results: Record<string, { value: string }> }
    >;
    expect(Object.keys(data)).toEqual([POSE.graph.name]);
    expect(data[POSE.graph.name]?.results['conv2d/Conv']?.value).toBe('fp32');
  });
});

describe('what other tools cannot say', () => {
  it('is a loss', () => {
    const mixed = bind(`${NO_DECISION}default: fp16\nop Add: bf16\n`);
    expect(codes(written('onnxconverter-common', mixed).losses)).toEqual(['other-low-format']);
    expect(codes(written('coremltools', mixed).losses)).toContain('other-low-format');
    const options = bind(`${NO_DECISION}default: fp16 { overflow: inf }\nlayer "conv2d/Conv": int8\n`);
    expect(codes(written('tensorrt', options).losses)).toEqual(['format-not-run', 'overflow-option']);
  });

  it('is a name that the model does not have', () => {
    const lists = '{ "op_block_list": [], "node_block_list": ["conv2d/Conv", "nobody"] }';
    const { losses } = readInto('onnxconverter-common', lists);
    expect(losses.map(({ code, message }) => [code, message])).toEqual([
      ['unknown-node', 'The model has no node named "nobody".'],
    ]);
    expect(codes(readInto('tensorrt', 'nobody:fp16,conv2d/Conv:fp32').losses)).toContain('unknown-node');
    expect(codes(readInto('autocast', '{ "nodes_to_exclude": ["nobody"] }').losses)).toContain(
      'unknown-node',
    );
  });

  it('is a decision against what the plan pins', () => {
    const pinned = `${NO_DECISION}layer "conv2d/Conv": fp32 { pinned: true }\n`;
    const { plan, losses } = readInto('tensorrt', 'conv2d*:fp16', pinned);
    expect(codes(losses)).toEqual(['undecided', 'pinned']);
    expect(plan.decisions.find(({ layer }) => layer.name === 'conv2d/Conv')?.format).toBe('fp32');
  });
});

describe('what other tools write', () => {
  const kept = (plan: TracedPlan) =>
    layerFormats(plan).flatMap(({ layer, format }) => (format === 'fp32' ? [layer.name] : []));

  it('blocks the operators of onnxconverter-common itself where none are given', () => {
    const { plan } = readInto('onnxconverter-common', '{ "node_block_list": [] }', NO_DECISION, LINES);
    const operators = layerFormats(plan).flatMap(({ layer, format }) =>
      format === 'fp32' ? [layer.node.opType] : [],
    );
    expect(new Set(operators)).toEqual(new Set(['Resize']));
  });

  it('matches the beginning of names for AutoCast, and what is included is converted', () => {
    const { plan } = readInto(
      'autocast',
      '{ "nodes_to_exclude": ["conv2d_1", "up_sampling2d\\\\Z"], "nodes_to_include": ["conv2d_10"] }',
    );
    const names = plan.layers.map(({ name }) => name).filter((name) => name.startsWith('conv2d_1'));
    expect(kept(plan)).toEqual(names.filter((name) => !name.startsWith('conv2d_10')));
  });

  it('has wildcards and later entries for TensorRT, and exact names above them', () => {
    const value = `--layerPrecisions='*:fp32,conv2d_1/Conv:bf16,conv2d*:fp16,conv2d_2/Conv:fp32'`;
    const { plan } = readInto('tensorrt', value);
    const formats = new Map(plan.decisions.map((one) => [one.layer.name, one.wanted]));
    expect(
      ['conv2d/Conv', 'conv2d_1/Conv', 'conv2d_2/Conv', 'convld_3d/Conv'].map((name) => formats.get(name)),
    ).toEqual(['fp16', 'bf16', 'fp32', 'fp32']);
  });

  it.each([
    ['onnxconverter-common', '[]'],
    ['onnxconverter-common', '{}'],
    ['onnxconverter-common', '{ "node_block_list": "conv" }'],
    ['autocast', '{ "nodes_to_exclude": ["("] }'],
    ['autocast', '{ "nodes_to_exclude": ["(?=a)"] }'],
    ['tensorrt', ''],
    ['tensorrt', 'conv2d/Conv'],
    ['tensorrt', 'conv2d/Conv:half'],
    ['coremltools', '{ "conv2d/Conv": "fp16" }'],
    ['coremltools', 'None'],
    ['model-explorer', '{ "main": { "results": { "conv2d/Conv": { "value": 1 } } } }'],
    ['json', '{ "layers": { "conv2d/Conv": "half" } }'],
    ['json', '{ "conv2d/Conv": "fp16" }'],
  ])('is refused with a reason where it is none of %s: %s', (name, text) => {
    expect(problemOf(name, text)).toMatch(/\.$/);
  });
});

describe('a mixed model that another tool wrote', () => {
  /** The pose model with other names of nodes and of the tensors between them. */
  const rewritten = (nodeName: (name: string) => string, tensorName: (name: string) => string): Model => {
    const { graph } = POSE;
    const kept = new Set([...graph.inputs, ...graph.outputs, ...graph.initializers].map(({ name }) => name));
    const rename = (name: string): string => (name === '' || kept.has(name) ? name : tensorName(name));
    const nodes = graph.nodes.map((node) =>
      withNode(node, {
        name: nodeName(node.name),
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
      }),
    );
    const bytes = encodeBytes(encodeModel(POSE, { graph: { ...graph, nodes, valueInfo: [] } }));
    const read = readModel(bufferSource(bytes));
    if ('problem' in read) throw new Error(read.problem.message);
    return read.model;
  };
  const readModelInto = (plan: TracedPlan, mixed: Model) => {
    const kind = kindOf('mixed-model');
    if (kind.imported.from !== 'model') throw new Error('mixed-model is read from a model');
    return kind.imported.read(plan, mixed);
  };
  const same = (text: string): string => text;

  it('is read by the names of its nodes, and by tensors where nodes had none', () => {
    const plan = bind(NO_DECISION);
    const otherTensors = readModelInto(
      plan,
      rewritten(same, (name) => `${name}_casted`),
    );
    expect('decisions' in otherTensors && [otherTensors.decisions.size, otherTensors.losses]).toEqual([
      plan.layers.length,
      [],
    ]);
    const unnamed = bind(
      NO_DECISION,
      rewritten(() => '', same),
    );
    const named = readModelInto(
      unnamed,
      rewritten((name) => `node_${name}`, same),
    );
    expect('decisions' in named && [named.decisions.size, named.losses]).toEqual([plan.layers.length, []]);
  });

  it('is refused where it is another model, and what it lacks is a loss', () => {
    expect(readModelInto(bind(NO_DECISION), LINES)).toHaveProperty('problem');
    const partly = readModelInto(
      bind(NO_DECISION),
      rewritten(
        (name) => (name === 'conv2d/Conv' ? 'other' : name),
        (name) => `${name}_casted`,
      ),
    );
    expect('losses' in partly && partly.losses.map(({ code, layers }) => [code, layers])).toEqual([
      ['not-found', ['conv2d/Conv']],
    ]);
  });
});
