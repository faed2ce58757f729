/**
 * The TextMate grammar, on fixture lines: `^^^ scope` under a piece of text says that all of it has this scope (or one
 * that it is the beginning of) and `^^^ !scope` that none of it has.
 */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import * as language from '../../server/src/language/index.js';
import { type LineTokenizer, loadTokenizer, syntaxesFile } from './tokenize-line.js';

let tokenize: LineTokenizer;

beforeAll(async () => {
  tokenize = await loadTokenizer('source.onnx-precision');
});

function checkScopes(fixture: string, tokenizer = tokenize): void {
  const lines = fixture.replace(/^\n/u, '').split('\n');
  const isMark = (line: string): boolean => /^ *\^+ /u.test(line);
  const scoped = tokenizer(lines.filter((line) => !isMark(line)));
  const failures: string[] = [];
  let number = -1;
  for (const line of lines) {
    const mark = /^( *)(\^+) (!?)(\S+)$/u.exec(line);
    if (mark === null) {
      number++;
      continue;
    }
    const [, before = '', carets = '', not = '', scope = ''] = mark;
    const start = before.length;
    const end = start + carets.length;
    const marked = (scoped[number] ?? []).filter((token) => token.end > start && token.start < end);
    if (marked.length === 0) failures.push(`${line}   marks no text`);
    for (const token of marked) {
      const has = token.scopes.some((candidate) => candidate === scope || candidate.startsWith(`${scope}.`));
      if (has === (not === '!')) failures.push(`${line}   has ${token.scopes.slice(1).join(' ')}`);
    }
  }
  expect(failures).toEqual([]);
}

/** The innermost scope of the last character of a line. */
function lastScope(line: string): string {
  return tokenize([line])[0]?.at(-1)?.scopes.at(-1) ?? '';
}

describe('statements', () => {
  it('what a plan is about', () => {
    checkScopes(`
# Pose landmarks.
^^^^^^^^^^^^^^^^^ comment.line.number-sign
model "pose.onnx" # why
^^^^^ keyword.control
      ^^^^^^^^^^^ string.quoted.double
                  ^^^^^ comment.line
input  "input_1" from "inputs/*.npy"
^^^^^ keyword.control
                 ^^^^ keyword.other
input "x" = uniform(-1, 1/255) { seed: 7 }
          ^ keyword.operator.assignment
            ^^^^^^^ support.function.generator
                    ^^ constant.numeric
                        ^^^^^ constant.numeric
                               ^^^^^^^^^^^ meta.options
                                 ^^^^ variable.parameter.option
                                       ^ constant.numeric
dim batch-size = 1
^^^ keyword.control
    ^^^^^^^^^^ variable.other
                 ^ constant.numeric
dim "x"[0] = 2^-3
       ^ punctuation.section.brackets
             ^^^^ constant.numeric
target webgpu
^^^^^^ keyword.control
       ^^^^^^ support.constant.target
objective latency
          ^^^^^^^ support.constant.objective
`);
  });

  it('tolerances', () => {
    checkScopes(`
tolerance "ld_3d" relative_l2 <= 1e-3
^^^^^^^^^ keyword.control
                  ^^^^^^^^^^^ support.function.metric
                              ^^ keyword.operator.comparison
                                 ^^^^ constant.numeric
tolerance "y" pck(0.05) >= 0.9 { points: 0..32, normalize: torso(11, 12, 23, 24), over: worst }
              ^^^ support.function.metric
                  ^^^^ constant.numeric
                                 ^^^^^^ variable.parameter.option
                                         ^^^^^ constant.numeric
                                                           ^^^^^ support.function
                                                                 ^^ constant.numeric
                                                                                        ^^^^^ support.constant
tolerance max_abs <= inf
                     ^^^ constant.language.infinity
`);
  });

  it('decisions', () => {
    checkScopes(`
default: fp16
^^^^^^^ keyword.control
       ^ punctuation.separator.key-value
         ^^^^ storage.type.format
op Softmax, com.microsoft.Gelu: fp32
^^ keyword.control
   ^^^^^^^ entity.name.type.operator
          ^ punctuation.separator
            ^^^^^^^^^^^^^^^^^^ entity.name.type.operator
                                ^^^^ storage.type.format
layer "conv2d_5/Conv": fp32 { reason: "no { Clip # here", pinned: true, overflow: inf }
^^^^^ keyword.control
      ^^^^^^^^^^^^^^^ string.quoted.double
                       ^^^^ storage.type.format
                              ^^^^^^ variable.parameter.option
                                      ^^^^^^^^^^^^^^^^^^ string.quoted.double
                                                          ^^^^^^ variable.parameter.option
                                                                  ^^^^ constant.language.boolean
layers matching "conv\\\\d+", "b": bf16
^^^^^^ keyword.control
       ^^^^^^^^ keyword.control
                ^^^^^^^^^^ string.regexp
                     ^^ constant.character.escape
                            ^^^ string.regexp
                                 ^^^^ storage.type.format
between "conv2d/Conv" and "add_3/add": fp32
^^^^^^^ keyword.control
                      ^^^ keyword.other
accumulate: chunked(64)
^^^^^^^^^^ keyword.control
            ^^^^^^^ support.function
layer "a": fp16 { accumulate: lanes(64) }
                              ^^^^^ support.function
`);
  });
});

describe('lines that go on', () => {
  it('after a comma', () => {
    checkScopes(`
op Conv,
  Gemm: fp16
  ^^^^ entity.name.type.operator
        ^^^^ storage.type.format
layer "a",
  "b": fp16
  ^^^ string.quoted.double
       ^^^^ storage.type.format
`);
  });

  it('inside braces', () => {
    checkScopes(`
layer "a": fp16 {
  # why
  ^^^^^ comment.line
  accumulate: fp32,
  ^^^^^^^^^^ variable.parameter.option
              ^^^^ storage.type.format
  reason: "x"
  ^^^^^^ variable.parameter.option
}
^ punctuation.section.braces.end
model "m"
^^^^^ keyword.control
`);
  });
});

describe('what is not finished', () => {
  it('does not spill over the next statement', () => {
    checkScopes(`
layer "a: fp16
      ^^^^^^^^ string.quoted.double
layer "b": fp16 {
^^^^^ keyword.control
default: fp16
^^^^^^^ keyword.control
        ^ !meta.options
op Conv,
layer "c": fp16 { pinned: true
^^^^^ keyword.control
model "m"
^^^^^ keyword.control
^^^^^ !meta.options
layers matching "a",
tolerance max_abs <= 1
^^^^^^^^^ keyword.control
`);
  });

  it('shows bad escapes and unknown formats', () => {
    checkScopes(`
model "C:\\x"
         ^^ invalid.illegal.escape
default: fp61
         ^^^^ !storage.type.format
default: fp16.x
         ^^^^^^ !storage.type.format
layr "x": fp16
^^^^ !keyword.control
input: fp16
^^^^^ !keyword.control
`);
  });
});

describe('agreement with the vocabulary', () => {
  it('colours every keyword', () => {
    for (const { form } of language.STATEMENTS) {
      expect([form, tokenize([form])[0]?.[0]?.scopes]).toEqual([
        form,
        ['source.onnx-precision', 'keyword.control.onnx-precision'],
      ]);
    }
  });

  it('colours every format, metric, target, objective and generator', () => {
    for (const { name } of language.FORMATS) {
      expect([name, lastScope(`default: ${name}`)]).toEqual([name, 'storage.type.format.onnx-precision']);
    }
    for (const { name } of language.TARGETS) {
      expect([name, lastScope(`target ${name}`)]).toEqual([name, 'support.constant.target.onnx-precision']);
    }
    for (const { name } of language.OBJECTIVES) {
      expect([name, lastScope(`objective ${name}`)]).toEqual([
        name,
        'support.constant.objective.onnx-precision',
      ]);
    }
    for (const { name } of language.GENERATORS) {
      expect([name, lastScope(`input "x" = ${name}`)]).toEqual([
        name,
        'support.function.generator.onnx-precision',
      ]);
    }
    for (const { name } of language.METRICS) {
      const scopes = tokenize([`tolerance ${name} <= 1`])[0]?.map((token) => token.scopes.at(-1));
      expect([name, scopes]).toEqual([
        name,
        expect.arrayContaining(['support.function.metric.onnx-precision']),
      ]);
    }
  });

  it('colours every word that an option takes', () => {
    const options = [
      ...language.DECISION_OPTIONS,
      ...language.INPUT_FILE_OPTIONS,
      ...language.TOLERANCE_OPTIONS,
      ...language.METRICS.flatMap((metric) => metric.options),
    ];
    for (const { name, value } of options) {
      if (value.kind !== 'choice') continue;
      for (const word of value.words) {
        expect(lastScope(`layer "a": fp16 { ${name}: ${word}`)).toMatch(
          /^(?:support\.constant|constant\.language|storage\.type)\./u,
        );
      }
    }
  });
});

describe('in Markdown', () => {
  it('colours fenced blocks', async () => {
    const inMarkdown = await loadTokenizer('markdown.onnx-precision.codeblock');
    checkScopes(
      `
\`\`\`precision
   ^^^^^^^^^ fenced_code.block.language
model "m"
^^^^^ keyword.control
\`\`\`
^^^ punctuation.definition.markdown
model "m"
^^^^^ !keyword.control
`,
      inMarkdown,
    );
  });
});

describe('the editor configuration', () => {
  it('takes a layer name for one word', async () => {
    const parsed: unknown = JSON.parse(await readFile(syntaxesFile('language-configuration.json'), 'utf8'));
    const pattern = (parsed as { readonly wordPattern: string }).wordPattern;
    const words = 'layer "/model/layers.0/self-attn/MatMul_1": fp16 # x'.match(new RegExp(pattern, 'gu'));
    expect(words).toEqual(['layer', '/model/layers.0/self-attn/MatMul_1', 'fp16', 'x']);
  });
});
