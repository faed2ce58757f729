/** `layer-moved`: a model is exported again, its names shift, and the plan's lock tells what they meant. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdits, type Diagnostic } from '../../language/index.js';
import { finish, openModel, type Model } from '../../onnx/index.js';
import { modelOf, realModels } from '../../onnx/testing/index.js';
import { arbitraryNetwork, networkModel } from '../testing/arbitrary-network.js';
import {
  bindAny,
  bindText,
  describeDiagnostics,
  describeMark,
  makeModel,
  readMarks,
  worldFiles,
} from '../testing/fixture.js';
import { knowModel } from '../knowledge.js';
import { lockTextSteps } from './lock-plan.js';
import { layerRecordSteps } from './layer-records.js';
import { NAMINGS, renamed } from '../testing/renamed.js';
import type { TracedPlan } from '../types.js';

const LOCK = 'p.precision.lock';

/** A chain whose layers are told apart by their place. */
const CHAIN = `
  input x float 1 4
  weight w1 4 4
  weight w2 4 4
  MatMul "MatMul_0" x w1 -> a
  Relu "Relu_0" a -> b
  MatMul "MatMul_1" b w2 -> c
  Sigmoid "Sigmoid_0" c -> d
  output d float 1 4
`;
/** The same with a layer more at its beginning, numbered as before. */
const LONGER = `
  input x float 1 4
  weight w0 4 4
  weight w1 4 4
  weight w2 4 4
  MatMul "MatMul_0" x w0 -> z
  Tanh "Tanh_0" z -> y
  MatMul "MatMul_1" y w1 -> a
  Relu "Relu_0" a -> b
  MatMul "MatMul_2" b w2 -> c
  Sigmoid "Sigmoid_0" c -> d
  output d float 1 4
`;
const HEAD = 'model "m.onnx"\ninput "x" = zeros\n';

/** The model with weights that differ, each by its name. */
function weighted(text: string): Model {
  return makeModel(text, (graph) => ({
    ...graph,
    initializers: graph.initializers.map((one) => {
      const values = Float32Array.from({ length: 16 }, (_, index) =>
        Math.sin(Number(one.name.slice(1)) * 31 + index),
      );
      return { ...one, data: { kind: 'made' as const, bytes: new Uint8Array(values.buffer) } };
    }),
  }));
}

/** The lock that is written beside a plan while its names are right. */
function lockOf(text: string, model: Model): string {
  const { plan } = bindText(text, worldFiles({ model }));
  return finish(lockTextSteps(plan)) ?? '';
}

/** Locks a plan with one model and binds it with another. */
function bindAgain(text: string, before: Model, after: Model, present = text): TracedPlan {
  return bindText(present, worldFiles({ model: after, files: { [LOCK]: lockOf(text, before) } })).plan;
}

/** Checks the diagnostics of a plan that was written for `before` under the model `after`. */
function checkMoved(fixture: string, before: Model, after: Model): readonly Diagnostic[] {
  const { text, marks } = readMarks(HEAD + fixture.replace(/^\n/, ''));
  const { diagnostics } = bindAgain(text, before, after);
  expect(describeDiagnostics(text, diagnostics)).toEqual(
    marks.map((mark) => describeMark(text, mark.start, mark.end, mark.code)).sort(),
  );
  for (const { start, message } of marks) {
    const found = diagnostics.find((one) => one.range.start === start);
    if (message !== undefined) expect(found?.message).toContain(message);
  }
  return diagnostics;
}

const fixesOf = (diagnostics: readonly Diagnostic[]) => diagnostics.flatMap((one) => one.fixes ?? []);

describe('layer-moved', () => {
  const chain = weighted(CHAIN);
  const renamedChain = renamed(chain, (node) => `/net/${node.name}`);

  it('says what a layer is called now, and changes one name or all', () => {
    const fixture = `
layer "MatMul_0": fp16
      ^^^^^^^^^^ layer-moved: it is called "/net/MatMul_0" now (MatMul, weights 4x4)
between "Relu_0" and "MatMul_1": fp32
        ^^^^^^^^ layer-moved
                     ^^^^^^^^^^ layer-moved
`;
    const diagnostics = checkMoved(fixture, chain, renamedChain);
    const { text } = readMarks(HEAD + fixture.replace(/^\n/, ''));
    const [single, whole] = diagnostics[0]?.fixes ?? [];
    expect(single?.title).toBe('Change to "/net/MatMul_0"');
    expect(applyEdits(text, single?.edits ?? [])).toContain('layer "/net/MatMul_0": fp16\nbetween "Relu_0"');
    expect(whole?.title).toBe('Change all 3 names that have moved');
    expect(applyEdits(text, whole?.edits ?? [])).toBe(
      `${HEAD}layer "/net/MatMul_0": fp16\nbetween "/net/Relu_0" and "/net/MatMul_1": fp32\n`,
    );
    // One object: an editor offers it once for a range with many of these errors.
    expect(new Set(fixesOf(diagnostics).filter((fix) => fix.title === whole?.title)).size).toBe(1);
  });

  it('sees names that came to mean other layers, and changes them only together', () => {
    const longer = weighted(LONGER);
    const diagnostics = checkMoved(
      `
layer "MatMul_0": fp16
      ^^^^^^^^^^ layer-moved: "MatMul_0" is another layer now
layer "MatMul_1", "Sigmoid_0": fp32
      ^^^^^^^^^^ layer-moved: the one that the plan named is called "MatMul_2"
`,
      chain,
      longer,
    );
    const fixes = fixesOf(diagnostics);
    expect(new Set(fixes.map(({ title }) => title))).toEqual(new Set(['Change all 2 names that have moved']));
    const before = `${HEAD}layer "MatMul_0": fp16\nlayer "MatMul_1", "Sigmoid_0": fp32\n`;
    const after = applyEdits(before, fixes[0]?.edits ?? []);
    expect(after).toBe(`${HEAD}layer "MatMul_1": fp16\nlayer "MatMul_2", "Sigmoid_0": fp32\n`);
    // With the new names the plan is right, though the lock still is the old one.
    expect(bindAgain(before, chain, longer, after).diagnostics).toEqual([]);
  });

  it('lets a name that came to mean another layer decide nothing', () => {
    const plan = bindAgain(`${HEAD}layer "MatMul_0", "Sigmoid_0": fp16\n`, chain, weighted(LONGER));
    const decided = plan.decisions.filter((one) => one.wanted === 'fp16').map((one) => one.layer.name);
    expect(decided).toEqual(['Sigmoid_0']);
  });

  it('leaves a name alone whose layer the model has no more', () => {
    checkMoved(
      `
layer "Sigmoid_0": fp16
      ^^^^^^^^^^^ unknown-layer
`,
      chain,
      weighted(CHAIN.replace('Sigmoid "Sigmoid_0"', 'Softmax "Softmax_0"')),
    );
  });

  it('changes the names of an included file in that file', () => {
    const text = `${HEAD}include "deny.precision"\nlayer "MatMul_1": fp16\n`;
    const fragment = 'layer "MatMul_0": fp32\nlayer "Relu_0": fp32\n';
    const files = { 'deny.precision': fragment };
    const { plan } = bindText(text, worldFiles({ model: chain, files }));
    const lock = finish(lockTextSteps(plan)) ?? '';
    const { diagnostics } = bindAny(
      text,
      worldFiles({ model: renamedChain, files: { ...files, [LOCK]: lock } }),
    );
    const inFragment = diagnostics.filter((one) => one.path !== undefined);
    expect(applyEdits(fragment, inFragment[0]?.fixes?.[1]?.edits ?? [])).toBe(
      'layer "/net/MatMul_0": fp32\nlayer "/net/Relu_0": fp32\n',
    );
    expect(diagnostics.filter((one) => one.path === undefined).map((one) => one.fixes?.length)).toEqual([1]);
  });

  it('is not there without a lock', () => {
    const { diagnostics } = bindAny(`${HEAD}layer "MatMul_0": fp16\n`, worldFiles({ model: renamedChain }));
    expect(diagnostics.map(({ code }) => code)).toEqual(['unknown-layer']);
  });

  it('says of a lock that cannot be read why', () => {
    const world = { model: chain, files: { [LOCK]: '<<<<<<< HEAD' } };
    const { diagnostics } = bindAny(`${HEAD}layer "MatMul_0": fp16\n`, worldFiles(world));
    expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([
      ['lock-unreadable', 'warning'],
    ]);
  });
});

describe('the lock of a plan', () => {
  const chain = weighted(CHAIN);

  it('is not written for a plan without names, nor over one that is still needed', () => {
    expect(lockOf(`${HEAD}default: fp16\n`, chain)).toBe('');
    const text = `${HEAD}layer "MatMul_0": fp16\nlayer "Sigmoid_0": fp32\n`;
    const moved = bindAgain(text, chain, weighted(LONGER));
    expect(finish(lockTextSteps(moved))).toBeUndefined();
  });

  it('has one line for each layer', () => {
    const lines = lockOf(`${HEAD}layer "MatMul_0": fp16\n`, chain).split('\n');
    expect(lines.filter((line) => line.startsWith('{"name"'))).toHaveLength(4);
    expect(lines.find((line) => line.includes('"Relu_0"'))).toBe(
      '{"name":"Relu_0","operator":"Relu","from":["0 @0"]},',
    );
  });
});

/** Locks a plan that names every layer, exports the model under other names, mends the plan by its one fix. */
function checkMended(model: Model, after: Model): void {
  const before = knowModel(model);
  const head = 'model "m.onnx"\n';
  const text = head + before.layers.map(({ name }) => `layer ${JSON.stringify(name)}: fp16\n`).join('');
  const lock = lockOf(text, model);
  const { plan } = bindText(text, worldFiles({ model: after, files: { [LOCK]: lock } }));
  const moved = plan.diagnostics.filter(({ code }) => code === 'layer-moved');
  const fix = moved[0]?.fixes?.at(-1);
  const mended = bindText(
    applyEdits(text, fix?.edits ?? []),
    worldFiles({ model: after, files: { [LOCK]: lock } }),
  );
  const codes = new Set(mended.plan.diagnostics.map(({ code }) => code));
  expect(codes.has('layer-moved') || codes.has('unknown-layer')).toBe(false);
  // By statement: the layer that it named, and the layer that it names now.
  const [old, now] = [
    finish(layerRecordSteps(before, 'contents')),
    finish(layerRecordSteps(knowModel(after), 'contents')),
  ];
  const named = mended.plan.statements.map(({ matches }) => matches[0] ?? -1);
  expect(named).toHaveLength(old.length);
  named.forEach((layer, statement) => {
    const [was, is] = [old[statement], now[layer]];
    expect(is?.operator).toBe(was?.operator);
    expect(is?.weights).toEqual(was?.weights);
    expect(is?.to).toEqual(was?.to);
    expect(is?.from.map((source) => source.layer)).toEqual(
      was?.from.map((source) => (source.layer === undefined ? undefined : named[source.layer])),
    );
  });
}

describe('a plan after a new export', () => {
  it('is mended by one fix so that every name means the layer with the same operator, weights and place', () => {
    for (const path of realModels()) {
      const model = modelOf(openModel(path));
      for (const naming of Object.values(NAMINGS)) checkMended(model, renamed(model, naming));
    }
  });

  it('is mended for random networks too', () => {
    fc.assert(
      fc.property(arbitraryNetwork, fc.constantFrom(...Object.values(NAMINGS)), (network, naming) => {
        const { model } = networkModel(network);
        checkMended(model, renamed(model, naming));
      }),
    );
  });

  it('has no error where the names are right and the weights were trained further', () => {
    fc.assert(
      fc.property(arbitraryNetwork, (network) => {
        const own = { ...network, names: 'numbered' as const };
        const [before, after] = [networkModel(own).model, networkModel({ ...own, training: 1 }).model];
        const names = knowModel(before).layers.map(({ name }) => `layer ${JSON.stringify(name)}: fp16\n`);
        const plan = bindAgain(`model "m.onnx"\n${names.join('')}`, before, after);
        expect(plan.diagnostics.filter(({ code }) => code === 'layer-moved')).toEqual([]);
      }),
    );
  });
});
