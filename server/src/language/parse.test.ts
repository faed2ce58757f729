/** Each statement of the language and the parts that it is read into. */
import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { meaningOf } from './testing/tree-meaning.js';
import type { SyntaxTree } from './tree.js';

/** The statements match the expected parts; nothing is complained of. */
function checkStatements(text: string, expected: readonly object[]): void {
  const tree = parse(text);
  expect(tree.diagnostics).toEqual([]);
  expect(tree.statements).toHaveLength(expected.length);
  expect(tree.statements).toMatchObject(expected);
}

function slices(text: string, tree: SyntaxTree): string[] {
  return tree.statements.map((statement) => text.slice(statement.range.start, statement.range.end));
}

const string = (value: string): object => ({ kind: 'string', value });
const word = (text: string): object => ({ kind: 'word', text });
const number = (value: number): object => ({ kind: 'number', value });

describe('parse', () => {
  it('reads what a plan is about', () => {
    checkStatements('model "m.onnx"\ninclude "team.precision"\ntarget cpu { threads: 4 }\nobjective size', [
      { kind: 'model', path: string('m.onnx') },
      { kind: 'include', path: string('team.precision') },
      {
        kind: 'target',
        name: word('cpu'),
        options: { options: [{ name: word('threads'), value: number(4) }] },
      },
      { kind: 'objective', name: word('size') },
    ]);
  });

  it('reads inputs', () => {
    checkStatements(
      'input "x" from "*.npy" { axis: 0 }\ninput "y" = integers(0, 9) { seed: 7 }\ninput "z" = zeros',
      [
        { kind: 'input', name: string('x'), files: string('*.npy'), generator: undefined },
        {
          kind: 'input',
          files: undefined,
          generator: { kind: 'call', name: word('integers'), items: [number(0), number(9)] },
        },
        { kind: 'input', generator: word('zeros') },
      ],
    );
  });

  it('reads dimensions', () => {
    checkStatements('dim batch = 1\ndim "seq len" = 128\ndim "x"[2] = 0', [
      { kind: 'dim', name: word('batch'), axis: undefined, value: number(1) },
      { kind: 'dim', name: string('seq len'), value: number(128) },
      { kind: 'dim', name: string('x'), axis: number(2), value: number(0) },
    ]);
  });

  it('reads tolerances', () => {
    checkStatements(
      'tolerance "y" pck(1/20) >= 0.9 { points: 0..32, stride: 5, dims: 2, normalize: torso(1, 2, 3, 4) }\n' +
        'tolerance max_abs <= inf',
      [
        {
          kind: 'tolerance',
          output: string('y'),
          metric: { kind: 'call', name: word('pck'), items: [number(0.05)] },
          operator: { text: '>=' },
          limit: number(0.9),
          options: {
            options: [
              { value: { kind: 'range', first: 0, last: 32 } },
              { value: number(5) },
              { value: number(2) },
              { value: { kind: 'call', items: [number(1), number(2), number(3), number(4)] } },
            ],
          },
        },
        { kind: 'tolerance', output: undefined, metric: word('max_abs'), limit: number(Infinity) },
      ],
    );
  });

  it('reads decisions', () => {
    checkStatements(
      'default: fp16\nlayer "a", "b": fp32\nlayers "c/**": bf16\nlayers matching "d.*": original\n' +
        'op Conv, com.microsoft.Gelu: int8\nbetween "e" and "f": fp16',
      [
        { kind: 'default', format: word('fp16') },
        { kind: 'layer', names: [string('a'), string('b')], format: word('fp32') },
        { kind: 'layers', globs: [string('c/**')], format: word('bf16') },
        { kind: 'layers matching', patterns: [string('d.*')], format: word('original') },
        { kind: 'op', types: [word('Conv'), word('com.microsoft.Gelu')], format: word('int8') },
        { kind: 'between', from: string('e'), to: string('f'), format: word('fp16') },
      ],
    );
  });

  it('reads the rest', () => {
    checkStatements(
      'accumulate: chunked(64)\nlatency from "p.json"\nmetric mine from "m.mjs"\nlabels "l/*"\nstate "in" from "out"',
      [
        { kind: 'accumulate', value: { kind: 'call', name: word('chunked'), items: [number(64)] } },
        { kind: 'latency', file: string('p.json') },
        { kind: 'metric', name: word('mine'), file: string('m.mjs') },
        { kind: 'labels', files: string('l/*') },
        { kind: 'state', input: string('in'), output: string('out') },
      ],
    );
  });

  it('takes `inf` for a number, except as what becomes of an overflow', () => {
    checkStatements('layer "a": fp16 { overflow: inf }', [
      { options: { options: [{ value: word('inf') }] } },
    ]);
  });

  it('takes keywords for words where no statement can begin', () => {
    checkStatements('dim layer = 1\ndim from = 2\nop op, model,\n  input: fp16\nmetric metric from "m.mjs"', [
      { name: word('layer') },
      { name: word('from') },
      { types: [word('op'), word('model'), word('input')] },
      { name: word('metric') },
    ]);
  });

  it('reads on after a comma and inside braces, past comments and blank lines', () => {
    const text =
      'layer "a", # one\n\n  # two\n  "b": fp16 {\n  reason: "x",\n\n  pinned: true, # last\n} # end\nmodel "m"\n';
    const oneLine = 'layer "a", "b": fp16 { reason: "x", pinned: true }\nmodel "m"\n';
    expect(parse(text).diagnostics).toEqual([]);
    expect(meaningOf(parse(text))).toEqual(meaningOf(parse(oneLine)));
  });

  it('gives each statement its exact extent, without a trailing comment', () => {
    const text = '  model "m"  # c\nlayer "a",\n "b": fp16 { pinned: true } # c\nlayr 1 2  # c\n';
    expect(slices(text, parse(text))).toEqual([
      'model "m"',
      'layer "a",\n "b": fp16 { pinned: true }',
      'layr 1 2',
    ]);
  });

  it('reads lines that end in any way', () => {
    const plan = (end: string): unknown => meaningOf(parse(['model "m"', 'op A,', 'B: fp16', ''].join(end)));
    expect(plan('\r\n')).toEqual(plan('\n'));
    expect(plan('\r')).toEqual(plan('\n'));
  });

  it('steps over a byte order mark', () => {
    checkStatements('\ufeffmodel "m"', [{ kind: 'model', path: string('m') }]);
  });

  it('keeps what can be understood of a statement with an error', () => {
    const { statements, broken } = parse('layer "a" "b" fp16 { pinned: true } junk\nlayer "c" = fp32\n');
    expect(statements).toMatchObject([
      {
        names: [string('a'), string('b')],
        format: word('fp16'),
        options: { options: [{ value: word('true') }] },
      },
      { names: [string('c')], format: word('fp32') },
    ]);
    expect(broken).toHaveLength(2);
  });

  it('does not exhaust the stack on values within values', () => {
    const { diagnostics } = parse(`input "x" from "y" { mean: ${'['.repeat(100_000)} }`);
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain('syntax');
  });
});
