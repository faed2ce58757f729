import { describe, expect, it } from 'vitest';
import type { CodeAction } from 'vscode-languageserver';
import type { Model } from '../onnx/index.js';
import { codeActionsOf } from './code-actions.js';
import { flipsOf, readPostponedEdit, resolveRewrite } from './flips.js';
import { edited, everything, header, longModel, longName, nothing, openWorkspace } from './testing.js';

function actions(fixture: string, abilities = nothing, model?: Model) {
  const { open, cursor } = openWorkspace(fixture, model);
  return { open, cursor, found: flipsOf(open, { start: cursor, end: cursor }, abilities) };
}

function checkTitles(fixture: string, expected: readonly string[]): void {
  expect(actions(fixture).found.map(({ title }) => title)).toEqual(expected);
}

/** The plan's lines behind the header after the action whose title begins so. */
function checkFlip(fixture: string, title: string, expected: string, model?: Model): void {
  const { open, found } = actions(fixture, nothing, model);
  const action = found.find((one) => one.title.startsWith(title));
  expect(found.map((one) => one.title).join('\n')).toContain(title);
  expect(textAfter(open, action).replace(header, '').replace('model "m.onnx"\n', '')).toBe(expected);
}

function textAfter({ document }: ReturnType<typeof actions>['open'], action: CodeAction | undefined): string {
  return edited(document, action?.edit?.changes?.[document.uri] ?? []);
}

describe('flips', () => {
  it('are offered for the statement under the cursor, in the formats that its layers can run in', () => {
    checkTitles(`${header}o$0p Sigmoid: fp16\n`, [
      'Run this statement in FP32 (1 layer)',
      'Run this statement in BF16 (1 layer)',
      'Expand into one line per layer (1 line)',
    ]);
    checkTitles(`${header}# no$0thing\ndefault: fp16\n`, []);
    checkTitles(`${header}tar$0get cpu\n`, []);
  });

  it('are those of the layer where the statement names one that it decides', () => {
    checkTitles(`${header}lay$0er "conv2d/Conv": fp16\n`, ['Run "conv2d/Conv" in FP32']);
    checkFlip(
      `${header}lay$0er "conv2d/Conv": fp16\n`,
      'Run "conv2d/Conv" in FP32',
      'layer "conv2d/Conv": fp32\n',
    );
  });

  it('are those of the layer under the cursor among several', () => {
    checkFlip(
      `${header}layer "conv2d/Conv", "conv2d_5/C$0onv": fp16\n`,
      'Run "conv2d_5/Conv" in FP32',
      'layer "conv2d/Conv", "conv2d_5/Conv": fp16\nlayer "conv2d_5/Conv": fp32\n',
    );
    checkFlip(
      `${header}layer "conv2d/Conv", "conv2d_5/C$0onv": fp16\n`,
      'Run this statement in FP32 (2 layers)',
      'layer "conv2d/Conv", "conv2d_5/Conv": fp32\n',
    );
  });

  it('change the whole statement and keep its options', () => {
    checkFlip(
      `${header}def$0ault: fp16 { reason: "x" }\n`,
      'Run this statement in FP32',
      'default: fp32 { reason: "x" }\n',
    );
  });
});

describe('rewrites', () => {
  const model = longModel(6);

  it('expand a statement into one line for each layer that it decides', () => {
    checkFlip(
      `model "m.onnx"\no$0p Sigmoid: fp32 { pinned: true }\n`,
      'Expand into one line per layer',
      `layer \"${longName(1)}\": fp32 { pinned: true }\n`,
      model,
    );
  });

  it('fold lines for single layers', () => {
    const lines = [0, 1, 2, 3, 4, 5].map((layer) => `layer "${longName(layer)}": fp16\n`).join('');
    checkFlip(`model "m.onnx"\n$0${lines}`, 'Fold the decisions', 'default: fp16\n', model);
  });

  it('come without their edit where the editor asks for it later, and not for a plan that has changed', () => {
    const { open, found } = actions(`model "m.onnx"\nop Sig$0moid, Relu: fp32\n`, everything, model);
    const action = found.find(({ title }) => title.startsWith('Expand'));
    if (action === undefined) throw new Error('nothing to expand');
    expect(action.edit).toBeUndefined();
    const postponed = readPostponedEdit(JSON.parse(JSON.stringify(action.data)));
    if (postponed === undefined) throw new Error('the data are not read back');
    expect(textAfter(open, resolveRewrite(open, action, postponed))).toBe(
      `model "m.onnx"\n${[0, 1, 5].map((layer) => `layer "${longName(layer)}": fp32\n`).join('')}`,
    );
    expect(resolveRewrite(open, action, { ...postponed, version: 7 }).edit).toBeUndefined();
  });
});

describe('code actions', () => {
  it('are of the kinds that the editor asks for', () => {
    const { open, cursor } = openWorkspace(`${header}layer "conv2d/Conv", "conv2d_5/Co$0nvv": fp16\n`);
    const range = { start: cursor, end: cursor };
    const kinds = (only?: string[]) =>
      new Set(
        codeActionsOf(open, range, only === undefined ? {} : { only }, nothing).map(({ kind }) => kind),
      );
    expect(kinds(['quickfix'])).toEqual(new Set(['quickfix']));
    expect(kinds(['refactor'])).toEqual(new Set(['refactor.rewrite']));
    expect(kinds()).toEqual(new Set(['quickfix', 'refactor.rewrite']));
    expect(kinds(['source'])).toEqual(new Set());
  });
});
