/** What an editor shows of a plan as a whole: outline, folds, colours, growing selections. */
import { describe, expect, it } from 'vitest';
import { finish } from '../onnx/index.js';
import { documentSymbolSteps } from './document-symbols.js';
import { foldingRangeSteps } from './folding.js';
import { selectionRangesOf } from './selection-ranges.js';
import { SEMANTIC_TOKENS_LEGEND, semanticTokenSteps } from './semantic-tokens.js';
import { everything, header, nothing, openWorkspace } from './testing.js';

/** The outline, two blanks for each level. */
function checkOutline(text: string, expected: string): void {
  const symbols = finish(documentSymbolSteps(openWorkspace(text).open, everything));
  const lines = symbols.flatMap((symbol) => [
    symbol.name,
    ...('children' in symbol ? (symbol.children ?? []) : []).map(
      ({ name, detail }) => `  ${name}${detail === undefined ? '' : ` = ${detail}`}`,
    ),
  ]);
  expect(lines.join('\n')).toBe(expected.trim());
}

describe('document symbols', () => {
  const plan = `${header}target cpu { threads: 4 }\ntolerance "ld_3d" max_abs <= 1 # tight\n\ndefault: fp16\nlayer "a",\n  "b": fp32 { pinned: true }\n`;

  it('are the statements in groups', () => {
    checkOutline(
      plan,
      `
Model
  model "pose_landmark_lite.onnx"
  target cpu
Inputs
  input "input_1" = uniform(0, 1)
Tolerances
  tolerance "ld_3d" max_abs <= 1
Decisions
  default = fp16
  layer "a", "b" = fp32`,
    );
  });

  it('are a list for an editor that shows no tree', () => {
    const symbols = finish(documentSymbolSteps(openWorkspace(plan).open, nothing));
    expect(symbols).toHaveLength(6);
    expect(symbols[0]).toMatchObject({ containerName: 'Model', location: { range: { start: { line: 0 } } } });
  });
});

/** `START-END` or `START-END comment` for each fold, lines from 0. */
function checkFolds(text: string, expected: readonly string[]): void {
  const folds = finish(foldingRangeSteps(openWorkspace(text).open));
  expect(folds.map(({ startLine, endLine, kind = '' }) => `${startLine}-${endLine} ${kind}`.trim())).toEqual(
    expected,
  );
}

describe('folding', () => {
  it('folds comments, groups and long statements', () => {
    checkFolds(
      '# a\n# b\nmodel "m"\ndim a = 1\n\n# one\ndefault: fp16\nop Conv: fp32 {\n  pinned: true\n}\n',
      ['0-1 comment', '2-3', '6-9', '7-9'],
    );
  });

  it('folds a comment at the end, and nothing of single lines', () => {
    checkFolds('model "m"\n\ndefault: fp16\n\n# a\n# b', ['4-5 comment']);
    checkFolds('', []);
  });

  it('gives no more than the editor takes', () => {
    const { open } = openWorkspace('default: fp16\ndefault: fp32\n\n'.repeat(100));
    expect(finish(foldingRangeSteps(open))).toHaveLength(100);
    expect(finish(foldingRangeSteps(open, 7))).toHaveLength(7);
  });
});

/** `TEXT:TYPE.MODIFIER` for each token. */
function tokens(text: string, lines?: readonly [number, number]): string[] {
  const { open } = openWorkspace(text);
  const range =
    lines === undefined
      ? undefined
      : { start: { line: lines[0], character: 3 }, end: { line: lines[1], character: 0 } };
  const { data } = finish(semanticTokenSteps(open, range));
  const found: string[] = [];
  let line = 0;
  let character = 0;
  for (let index = 0; index < data.length; index += 5) {
    const [lineStep = 0, step = 0, length = 0, type = 0, modifiers = 0] = data.slice(index, index + 5);
    character = lineStep === 0 ? character + step : step;
    line += lineStep;
    const end = { line, character: character + length };
    const modifier = SEMANTIC_TOKENS_LEGEND.tokenModifiers
      .filter((_, bit) => (modifiers >> bit) & 1)
      .join('');
    const word = open.document.getText({ start: { line, character }, end });
    found.push(
      `${word}:${SEMANTIC_TOKENS_LEGEND.tokenTypes[type] ?? ''}${modifier === '' ? '' : `.${modifier}`}`,
    );
  }
  return found;
}

describe('semantic tokens', () => {
  const plan = `${header}layer "conv2d/Conv", "gone": fp32 { reason: "x", weights: int8 } # why\nbetween "a" and "b": fp99\n`;

  it('tell what each word is, and which layers there are', () => {
    expect(tokens(plan)).toEqual([
      'model:keyword',
      '"pose_landmark_lite.onnx":string',
      'input:keyword',
      '"input_1":variable',
      'uniform:function',
      '0:number',
      '1:number',
      'layer:keyword',
      '"conv2d/Conv":variable.known',
      '"gone":variable.unknown',
      'fp32:type',
      'reason:property',
      '"x":string',
      'weights:property',
      'int8:type',
      '# why:comment',
      'between:keyword',
      '"a":variable.unknown',
      'and:keyword',
      '"b":variable.unknown',
      'fp99:type',
    ]);
  });

  it('of some lines are those of the whole plan', () => {
    const all = tokens(plan);
    expect(tokens(plan, [2, 2])).toEqual(all.slice(7, 16));
    expect(tokens(plan, [0, 3])).toEqual(all);
  });

  it('of a statement over several lines are right from its middle on', () => {
    expect(tokens('layer "a",\n  "b",\n  "c": fp16\n', [1, 1])).toEqual(['"b":variable']);
  });
});

describe('selection ranges', () => {
  it('grow from the content of a string to the plan', () => {
    const { open, cursor } = openWorkspace(`${header}layer "conv$02d/Conv": fp32 { reason: "x" }\n`);
    const texts: string[] = [];
    let selection = selectionRangesOf(open, [cursor])[0];
    while (selection !== undefined) {
      texts.push(open.document.getText(selection.range));
      selection = selection.parent;
    }
    expect(texts).toEqual([
      'conv2d/Conv',
      '"conv2d/Conv"',
      'layer "conv2d/Conv": fp32 { reason: "x" }',
      open.document.getText(),
    ]);
  });
});
