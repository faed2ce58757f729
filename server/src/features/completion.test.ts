import { describe, expect, it } from 'vitest';
import { type CompletionItem, InsertTextFormat, type TextEdit } from 'vscode-languageserver';
import type { Model } from '../onnx/index.js';
import type { ClientAbilities } from './capabilities.js';
import { completionOf } from './completion.js';
import { edited, everything, header, longModel, longName, nothing, openWorkspace } from './testing.js';

const long = longModel(5000);

interface Options {
  readonly model?: Model;
  readonly abilities?: ClientAbilities;
  readonly trigger?: string;
}

function complete(fixture: string, { model, abilities = everything, trigger }: Options = {}) {
  const { open, cursor } = openWorkspace(fixture, model);
  return { open, ...completionOf(open, cursor, abilities, trigger) };
}

/** The first labels that are offered at `$0`, in their order. */
function checkOffered(fixture: string, expected: readonly string[], options?: Options): void {
  const { items } = complete(fixture, options);
  expect(items.slice(0, expected.length || 1).map(({ label }) => label)).toEqual(expected);
}

/** The last line of the plan once the item of that label is taken. */
function checkTaken(fixture: string, label: string, expected: string, options?: Options): void {
  const { items, open } = complete(fixture, options);
  const item = items.find((one) => one.label === label);
  expect(items.map((one) => one.label)).toContain(label);
  expect(
    edited(open.document, [editOf(item)])
      .trimEnd()
      .split('\n')
      .at(-1),
  ).toBe(expected);
}

function editOf(item: CompletionItem | undefined): TextEdit {
  if (item?.textEdit === undefined || !('range' in item.textEdit))
    throw new Error('the item has no plain edit');
  return item.textEdit;
}

describe('completion of statements', () => {
  it('offers keywords where a line begins, `model` only once', () => {
    checkOffered('$0', ['model', 'include', 'input']);
    checkOffered(`${header}$0`, ['include', 'input', 'dim', 'target']);
    checkOffered(`${header}la$0`, ['include']);
  });

  it('has places to fill in for editors that can, and the keyword alone for others', () => {
    checkTaken(`${header}lay$0`, 'layer', 'layer "$1": ${2:fp32}');
    checkTaken(`${header}lay$0`, 'layer', 'layer', { abilities: nothing });
    checkTaken(`${header}def$0`, 'default', 'default:', { abilities: nothing });
    const { items } = complete(`${header}$0`, { abilities: nothing });
    expect(items.filter(({ insertTextFormat }) => insertTextFormat === InsertTextFormat.Snippet)).toEqual([]);
  });

  it('offers nothing in comments and numbers, nor at each blank', () => {
    checkOffered(`${header}# la$0`, []);
    checkOffered(`${header}tolerance "ld_3d" relative_l2 <= 1e$0`, []);
    checkOffered(`${header} $0`, [], { trigger: ' ' });
    checkOffered(`${header}target $0`, ['cpu', 'webgpu'], { trigger: ' ' });
  });

  it('offers the words that join the parts of a statement', () => {
    checkOffered(`${header}between "conv2d/Conv" a$0`, ['and']);
    checkOffered(`${header}input "input_1" $0`, ['from', '=']);
  });
});

describe('completion of names', () => {
  it('replaces the content of a string, whatever is in it', () => {
    checkTaken(`${header}layer "conv2d_5/Co$0": fp32`, 'conv2d_5/Conv', 'layer "conv2d_5/Conv": fp32');
    checkTaken(`${header}layer "con$0v2d_4/Conv": fp32`, 'conv2d_5/Conv', 'layer "conv2d_5/Conv": fp32');
    checkTaken(
      `${header}between "conv2d/Conv" and "$0": fp32`,
      'conv2d_5/Conv',
      'between "conv2d/Conv" and "conv2d_5/Conv": fp32',
    );
  });

  it('closes a string that is still open, and opens one that is not', () => {
    checkTaken(`${header}layer "conv2d_5$0`, 'conv2d_5/Conv', 'layer "conv2d_5/Conv"');
    checkTaken(
      `${header}layer "conv2d_5$0: fp32 { reason: "x" }`,
      'conv2d_5/Conv',
      'layer "conv2d_5/Conv": fp32 { reason: "x" }',
    );
    checkTaken(`${header}layer conv$0`, 'conv2d_5/Conv', 'layer "conv2d_5/Conv"');
  });

  it('leaves out what the statement names already', () => {
    const labels = complete(`${header}layer "conv2d/Conv",\n  "$0"`).items.map(({ label }) => label);
    expect(labels).toContain('conv2d_5/Conv');
    expect(labels).not.toContain('conv2d/Conv');
  });

  it('gives the edit a range that begins with what is typed, so that names with `/` and `:` are matched', () => {
    const { items, open, isIncomplete } = complete(
      `model "m.onnx"\nlayer "/encoder/block.7/layer.3/Op:14$0"`,
      { model: long },
    );
    expect(isIncomplete).toBe(true);
    for (const item of items) {
      expect(open.document.getText(editOf(item).range)).toBe('/encoder/block.7/layer.3/Op:14');
      expect(item.filterText).toBe(item.label);
    }
    expect(items[0]?.label).toBe(longName(143));
    expect(items[0]?.detail).toBe('Exp');
  });

  it('gives at most 500 of many, the ones that begin with what is typed first', () => {
    const { items, isIncomplete } = complete(`model "m.onnx"\nlayer "$0`, { model: long });
    expect(items).toHaveLength(500);
    expect(isIncomplete).toBe(true);
    checkOffered(`model "m.onnx"\nlayer "4999$0`, [longName(4999)], { model: long });
    checkOffered(`model "m.onnx"\nlayer "op4999$0`, [longName(4999)], { model: long });
  });

  it('offers globs over what names have in common', () => {
    checkOffered(`model "m.onnx"\nlayers "$0": fp32`, ['/encoder/block.0/**', '/encoder/block.1/**'], {
      model: longModel(40),
    });
    const labels = complete(`${header}layers "$0": fp32`).items.map(({ label }) => label);
    expect(labels).toContain('**/Conv');
    checkTaken(`${header}layers mat$0`, 'matching', 'layers matching');
  });

  it('offers the operators that the model has, most used first', () => {
    const { items } = complete(`${header}op $0`);
    expect(items[0]).toMatchObject({ label: 'Conv', detail: '66 layers' });
    checkTaken(`${header}op Conv, $0: fp32`, 'Sigmoid', 'op Conv, Sigmoid: fp32');
  });

  it('offers inputs and outputs with their types, and dimensions that nothing binds yet', () => {
    checkTaken(`${header}tolerance "$0"`, 'ld_3d', 'tolerance "ld_3d"');
    expect(complete(`${header}input "$0"`).items[0]).toMatchObject({
      label: 'input_1',
      detail: 'float [1, 256, 256, 3]',
    });
    const model = longModel(2);
    checkOffered('model "m.onnx"\ndim $0', ['batch', '"x"[2]'], { model });
    checkTaken('model "m.onnx"\ndim ba$0', 'batch', 'dim batch =', { model });
    checkOffered('model "m.onnx"\ndim batch = 2\ndim $0', ['"x"[2]'], { model });
  });

  it('offers nothing where the model is not there', () => {
    const { open, cursor } = openWorkspace('layer "$0"');
    expect(completionOf(open, cursor, everything).items).toEqual([]);
  });
});

describe('completion of the words of the language', () => {
  it('offers formats behind the colon with their range and precision', () => {
    checkOffered(`${header}default: $0`, ['fp32', 'fp16', 'bf16', 'original']);
    expect(complete(`${header}default: f$0`).items[1]?.detail).toBe(
      '11 bits of significand (9.766e-4 at 1), up to 65504',
    );
    checkTaken(`${header}default:$0`, 'fp16', 'default: fp16', { trigger: ':' });
    checkTaken(`${header}default: fp$032`, 'fp16', 'default: fp16');
  });

  it('offers metrics of the user before all others', () => {
    const { items } = complete(`${header}metric mine from "m.mjs"\ntolerance "ld_3d" $0`);
    expect(items[0]).toMatchObject({ label: 'mine', detail: 'a metric of your own' });
    checkTaken(
      `${header}metric mine from "m.mjs"\ntolerance "ld_3d" mi$0 <= 1`,
      'mine',
      'tolerance "ld_3d" mine <= 1',
    );
  });

  it('offers metrics with the direction that is right for them', () => {
    checkTaken(`${header}tolerance "ld_3d" co$0`, 'cosine', 'tolerance "ld_3d" cosine >= 0.999', {
      abilities: nothing,
    });
    checkTaken(
      `${header}tolerance "ld_3d" rel$0`,
      'relative_l2',
      'tolerance "ld_3d" relative_l2 <= ${2:1e-3}',
    );
    checkTaken(`${header}tolerance "ld_3d" m$0 <= 1e-3`, 'max_abs', 'tolerance "ld_3d" max_abs <= 1e-3');
    checkOffered(`${header}tolerance "ld_3d" cosine $0`, ['>=']);
    checkOffered(`${header}tolerance pck(0.01) $0`, ['>=']);
  });

  it('offers the options of the statement that are not there yet, and their values', () => {
    checkOffered(`${header}default: fp16 { $0 }`, ['weights', 'accumulate', 'rounding']);
    checkOffered(`${header}default: fp16 { weights: int8, $0 }`, ['accumulate', 'rounding']);
    checkOffered(`${header}target cpu { $0`, ['threads']);
    checkOffered(`${header}latency from "a.json" { $0 }`, ['format']);
    checkOffered(`${header}latency from "a.json" { format: $0 }`, ['fp32', 'fp16', 'bf16', 'int8']);
    checkOffered(`${header}input "input_1" = uniform(0, 1) { $0 }`, ['seed', 'count']);
    checkOffered(`${header}input "input_1" from "a" { mean: [1, 2], $0 }`, ['axis', 'layout', 'std']);
    checkOffered(`${header}tolerance kl <= 1 { $0 }`, ['over', 'softmax', 'axis']);
    checkOffered(`${header}model "x" { $0 }`, []);
    checkOffered(`${header}default: fp16 {\n  overflow: $0`, ['error', 'saturate', 'inf']);
    checkTaken(
      `${header}default: fp16 { accumulate: $0 }`,
      'chunked(n)',
      'default: fp16 { accumulate: chunked(${1:n}) }',
    );
    checkOffered(`${header}default: fp16 { reason: $0 }`, []);
  });

  it('offers targets, objectives, generators and accumulations', () => {
    checkOffered(`${header}objective $0`, ['latency', 'macs']);
    checkOffered(`${header}accumulate: $0`, ['fp32', 'fp16', 'chunked(n)', 'lanes(n)']);
    checkTaken(`${header}input "x" = u$0`, 'uniform', 'input "x" = uniform(0, 1)', { abilities: nothing });
  });
});

describe('completion of paths', () => {
  it('offers files of the right kind and folders beside the plan', () => {
    checkOffered('model "$0"', ['pose_landmark_lite.onnx', 'inputs/']);
    checkTaken('model "pose$0"', 'pose_landmark_lite.onnx', 'model "pose_landmark_lite.onnx"');
    checkOffered('include "$0', ['pose_landmark_lite.precision', 'inputs/']);
  });

  it('goes into folders, and offers samples by glob', () => {
    const { items } = complete('input "x" from "inputs/$0"');
    expect(items[0]).toMatchObject({ label: 'inputs/*.npy' });
    expect(items[1]?.label).toMatch(/^inputs\/.+\.npy$/u);
    checkOffered('input "x" from "nowhere/$0"', []);
  });
});
