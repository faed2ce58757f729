/** Every diagnostic that the text alone gives, where it stands, and its ways out. */
import { describe, expect, it } from 'vitest';
import { annotate, fixtureText, uselessFixes } from './testing/diagnostic-fixture.js';
import { DIAGNOSTIC_LIMIT } from './complaints.js';
import { fileDiagnostics } from './file-diagnostics.js';
import { parse } from './parse.js';

function checkDiagnostics(fixture: string): void {
  const text = fixtureText(fixture);
  const diagnose = (plan: string): ReturnType<typeof fileDiagnostics> => parse(plan).diagnostics;
  expect(annotate(text, diagnose(text))).toBe(fixture.replace(/^\n/u, ''));
  expect(uselessFixes(text, diagnose)).toEqual([]);
}

function messages(text: string): string[] {
  return parse(text).diagnostics.map((diagnostic) => diagnostic.message);
}

describe('statements', () => {
  it('a correct plan has none', () => {
    checkDiagnostics(`
# Pose landmarks: the early projections stay FP32, the trunk runs in FP16.
model "pose_landmark_lite.onnx"

input  "input_1" from "inputs/*.npy"
target webgpu
objective latency

tolerance "ld_3d" relative_l2 <= 1e-3
tolerance "ld_3d" nme <= 0.002 { points: 0..32, stride: 5, dims: 2, normalize: torso(11, 12, 23, 24) }

default: fp16
op Softmax, LayerNormalization: fp32
layer "conv2d_5/Conv": fp32 { reason: "no Clip bounds it" }
layers "up_sampling2d/**": fp16
between "conv2d/Conv" and "add_3/add": fp32
layer "head/Gemm": fp16 { accumulate: fp32, weights: int8, pinned: true }
`);
  });

  it('unknown keywords, with the nearest', () => {
    checkDiagnostics(`
layr "conv1": fp16
^^^^ unknown-statement [Change to \`layer\`]
tolerence "y" max_abs <= 1
^^^^^^^^^ unknown-statement [Change to \`tolerance\`]
Model "m.onnx"
^^^^^ unknown-statement [Change to \`model\`]
zzzzzzzzzzzzzzzz
^^^^^^^^^^^^^^^^ unknown-statement
`);
  });

  it('lines that begin with no word', () => {
    checkDiagnostics(`
"conv1": fp16
^^^^^^^ syntax [Insert \`layer\`]
@@ %% &&
^^ syntax
`);
  });

  it('missing and misplaced pieces', () => {
    checkDiagnostics(`
model
^^^^^ syntax
model "a.onnx" "b.onnx"
^^^^^^^^^^^^^^^^^^^^^^^ duplicate (warning) [Remove this statement]
               ^^^^^^^^ syntax
layer "a" fp16
          ^^^^ syntax [Insert \`:\`]
layer "a"
      ^^^ syntax [Insert \`:\`]
layer "a" = fp16
          ^ syntax [Change to \`:\`]
layer "a" "b": fp16
          ^^^ syntax [Insert a comma]
layer : fp16
      ^ syntax
layer "a":
         ^ syntax
op Conv, : fp16
         ^ syntax
between "a" to "b": fp16
            ^^ syntax [Change to \`and\`]
between "a" "b": fp16
            ^^^ syntax [Insert \`and\`]
input "x"
      ^^^ syntax
dim N: 3
     ^ syntax [Change to \`=\`]
dim "x"[0 = 3
          ^ syntax
default: fp16,
             ^ syntax [Remove it]
`);
  });

  it('one error for a statement, and the next line is read as ever', () => {
    checkDiagnostics(`
layer "a" "b" fp16 { pinned true, reason "x"
          ^^^ syntax [Insert a comma]
layer "c": fp61
           ^^^^ unknown-format [Change to \`fp16\`]
`);
  });

  it('a comma at the end of a line does not swallow the next statement', () => {
    checkDiagnostics(`
layer "a",
         ^ syntax
layer "b": fp16
op Conv,
       ^ syntax
default: fp16
op Conv, Gemm,
  Softmax: fp32
`);
  });

  it('braces that stay open end at the next statement', () => {
    checkDiagnostics(`
layer "a": fp16 {
                ^ syntax [Insert \`}\`]
layer "b": fp16 { pinned: true
                          ^^^^ syntax [Insert \`}\`]
default: fp16
layer "c": fp16 {
  accumulate: fp32
}
`);
  });
});

describe('strings', () => {
  it('a string that the line ends', () => {
    checkDiagnostics(`
layer "conv1: fp16
      ^^^^^^^^^^^^ syntax
model "m.onnx
      ^^^^^^^ syntax
`);
  });

  it('escapes that JSON does not have', () => {
    checkDiagnostics(String.raw`
layers matching "conv\d+", "a\u12": fp16
                     ^^ syntax [Double the backslash]
                             ^^ syntax [Double the backslash]
model "C:\models\x.onnx"
         ^^ syntax [Double the backslash]
                ^^ syntax [Double the backslash]
layer "tab\tquote\"slash\/u\u0041": fp16
`);
  });

  it('control characters', () => {
    checkDiagnostics('\nlayer "a\u0001b": fp16\n        ^ syntax [Write it as `\\u0001`]\n');
  });

  it('other quotes, or none', () => {
    checkDiagnostics(`
layer 'conv1': fp16
      ^^^^^^^ syntax [Put it in double quotes]
layer /model/conv.1: fp16
      ^^^^^^^^^^^^^ syntax [Put it in double quotes]
input "x" from inputs/*.npy
               ^^^^^^^^^^^^ syntax [Put it in double quotes]
op "Softmax": fp32
   ^^^^^^^^^ syntax [Remove the quotes]
`);
  });
});

describe('numbers', () => {
  it('every form of the language', () => {
    checkDiagnostics(`
tolerance "a" max_abs <= 1
tolerance "b" max_abs <= -0.5e+10
tolerance "c" max_abs <= 1/255
tolerance "d" max_abs <= 2^-12
tolerance "e" max_abs <= inf
`);
  });

  it('what is no number, and what it may have been', () => {
    checkDiagnostics(`
tolerance "a" max_abs <= .5
                         ^^ number [Change to \`0.5\`]
tolerance "b" max_abs <= 007
                         ^^^ number [Change to \`7\`]
tolerance "c" max_abs <= 1e999
                         ^^^^^ number
tolerance "d" max_abs <= 1/0
                         ^^^ number
tolerance "e" max_abs <= 0x10
                         ^^^^ number
tolerance "f" max_abs <= 0..3
                         ^^^^ number
dim N = 1.5
        ^^^ number
dim "x"[-1] = 2
        ^^ number
input "p" from "*.png" { mean: 0.5, axis: inf }
                               ^^^ number
                                          ^^^ number
tolerance "g" nme <= 1 { points: 3..1, stride: 2, dims: 3, normalize: -1 }
                                 ^^^^ number [Change to \`1..3\`]
                                                        ^ number
                                                                      ^^ number
`);
  });
});

describe('options', () => {
  it('unknown ones, by statement', () => {
    checkDiagnostics(`
model "m.onnx" { threads: 2 }
                 ^^^^^^^ option-unknown
target cpu { thread: 2 }
             ^^^^^^ option-unknown [Change to \`threads\`]
input "x" from "*.npy" { seed: 7 }
                         ^^^^ option-unknown
input "y" = zeros { sed: 7 }
                    ^^^ option-unknown [Change to \`seed\`]
layer "a": fp16 { pined: true }
                  ^^^^^ option-unknown [Change to \`pinned\`]
tolerance "y" relative_l2 <= 1 { softmax: true }
                                 ^^^^^^^ option-unknown
`);
  });

  it('values that an option does not take', () => {
    checkDiagnostics(`
layer "a": fp16 { pinned: yes, overflow: saturated, rounding: "nearest", per: 3 }
                          ^^^ option-unknown
                                         ^^^^^^^^^ option-unknown [Change to \`saturate\`]
                                                              ^^^^^^^^^ option-unknown [Change to \`nearest\`]
                                                                              ^ option-unknown
layer "b": fp16 { weights: in8, accumulate: bf16, reason: because, scale: "x" }
                           ^^^ unknown-format [Change to \`int8\`]
                                            ^^^^ unknown-format
                                                          ^^^^^^^ syntax
                                                                          ^^^ number
layer "c": fp16 { quantize: percentile(101), accumulate: chunked(0) }
                                       ^^^ number
                                                                 ^ number
layer "d": fp16 { accumulate: lanes(0) }
                                    ^ number
layer "d": fp16 { accumulate: lanes(4097) }
                                    ^^^^ number
layer "d": fp16 { scale: 3, per: tensor }
                         ^ number
layer "d": fp16 { quantize: percentile, accumulate: chunked(1, 2) }
                            ^^^^^^^^^^ option-unknown
                                                    ^^^^^^^^^^^^^ unknown-format
input "p" from "*.png" { layout: nchw, mean: [0.5, "x"], std: [], scale: 1/255 }
                                                   ^^^ number
                                                              ^^ number
`);
  });

  it('given twice', () => {
    checkDiagnostics(`
layer "a": fp16 { pinned: true, pinned: false }
                                ^^^^^^^^^^^^^ duplicate (warning)
`);
  });

  it('commas and colons', () => {
    checkDiagnostics(`
layer "a": fp16 { pinned: true reason: "x" }
                               ^^^^^^ syntax [Insert a comma]
layer "b": fp16 { pinned = true }
                         ^ syntax [Change to \`:\`]
layer "c": fp16 { pinned true }
                         ^^^^ syntax [Insert \`:\`]
layer "c": fp16 { pinn }
                       ^ syntax
layer "d": fp16 { , }
                  ^ syntax
input "p" from "*.png" { mean: [1, 2, ] }
                                      ^ syntax
input "q" = uniform(0, 1
                       ^ syntax [Insert \`)\`]
`);
  });
});

describe('formats', () => {
  it('unknown ones, with the nearest or the familiar one', () => {
    checkDiagnostics(`
default: fp61
         ^^^^ unknown-format [Change to \`fp16\`]
default: half
         ^^^^ unknown-format [Change to \`fp16\`]
default: bfloat16
         ^^^^^^^^ unknown-format [Change to \`bf16\`]
default: fp8-e4m3
         ^^^^^^^^ unknown-format [Change to \`fp8_e4m3\`]
accumulate: int8
            ^^^^ unknown-format
`);
  });
});

describe('metrics', () => {
  it('unknown ones; those of the file are known', () => {
    checkDiagnostics(`
tolerance "y" relativ_l2 <= 1
              ^^^^^^^^^^ unknown-metric [Change to \`relative_l2\`]
tolerance "y" mine <= 1
tolerance "y" other <= 1
              ^^^^^ unknown-metric
metric mine from "mine.mjs"
`);
  });

  it('thresholds and landmarks', () => {
    checkDiagnostics(`
tolerance "m" iou >= 0.9
              ^^^ unknown-metric [Change to \`iou(0.5)\`]
tolerance "m" iou(0.5, 2) >= 0.9
              ^^^^^^^^^^^ unknown-metric [Change to \`iou(0.5)\`]
tolerance "m" max_abs(3) <= 0.9
              ^^^^^^^^^^ unknown-metric [Change to \`max_abs\`]
tolerance "p" nme <= 0.1 { points: 0..3, stride: 2 }
              ^^^ unknown-metric
tolerance "p" pck(0) >= 0.9 { points: 0..3, stride: 2, dims: 2, normalize: bbox }
                  ^ number
tolerance "p" pck(0.1) >= 0.9 { points: 3, stride: 0, dims: 2, normalize: torso(1, 2) }
                                        ^ number
                                                   ^ number
                                                            ^ number
                                                                          ^^^^^^^^^^^ option-unknown
`);
  });

  it('the operator that points the wrong way', () => {
    checkDiagnostics(`
tolerance "y" relative_l2 >= 1e-3
                          ^^ bad-direction [Change to \`<=\`]
tolerance "y" cosine <= 0.9
                     ^^ bad-direction [Change to \`>=\`]
tolerance "y" max_abs < 1
                      ^ syntax [Change to \`<=\`]
tolerance "y" sqnr ≥ 40
                   ^ syntax [Change to \`>=\`]
tolerance "y" kl 3
                 ^ syntax
`);
  });
});

describe('generators', () => {
  it('names, counts and bounds', () => {
    checkDiagnostics(`
input "a" = uniforms(0, 1)
            ^^^^^^^^ generator [Change to \`uniform\`]
input "b" = uniform(1)
            ^^^^^^^^^^ generator
input "c" = zeros(1)
            ^^^^^^^^ generator
input "d" = integers(3, 1)
                     ^^^^ generator [Swap the bounds]
input "e" = normal(0, -1)
                      ^^ generator
input "f" = integers(0.5, 2)
                     ^^^ number
input "g" = uniform(0, inf)
                       ^^^ number
input "h" = constant
            ^^^^^^^^ generator
input "i" = zeros()
`);
  });
});

describe('other names', () => {
  it('targets and objectives', () => {
    checkDiagnostics(`
target gpu
       ^^^ unknown-target [Change to \`webgpu\`]
objective latancy
          ^^^^^^^ unknown-objective [Change to \`latency\`]
`);
  });

  it('regular expressions', () => {
    checkDiagnostics(String.raw`
layers matching "conv(\\d+": fp16
                ^^^^^^^^^^^ regex-invalid
layers matching "\\p{L}+", "(?<n>a)\\k<n>": fp16
layers matching "\\-": fp16
                ^^^^^ regex-invalid
`);
    expect(messages('layers matching "(": fp16')[0]).toMatch(/Unterminated group\.$/u);
  });
});

describe('repeated statements', () => {
  it('are warned of', () => {
    checkDiagnostics(`
model "a.onnx"
model "b.onnx"
^^^^^^^^^^^^^^ duplicate (warning) [Remove this statement]
target cpu
target webgpu
target cpu
^^^^^^^^^^ duplicate (warning) [Remove this statement]
objective latency
objective size
^^^^^^^^^^^^^^ duplicate (warning) [Remove this statement]
input "x" = zeros
input "x" from "*.npy"
^^^^^^^^^^^^^^^^^^^^^^ duplicate (warning) [Remove this statement]
dim N = 1
dim "N" = 2
^^^^^^^^^^^ duplicate (warning) [Remove this statement]
dim "N"[0] = 2
dim "N"[1] = 2
accumulate: fp32
accumulate: fp16
^^^^^^^^^^^^^^^^ duplicate (warning) [Remove this statement]
tolerance "y" relative_l2 <= 1
tolerance "y" relative_l2 <= 2
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ duplicate (warning) [Remove this statement]
tolerance "y" relative_l2 <= 2 { over: mean }
tolerance relative_l2 <= 2
tolerance "z" relative_l2 <= 2
`);
  });
});

describe('fileDiagnostics', () => {
  const codes = (text: string): string[] => fileDiagnostics(parse(text)).map((diagnostic) => diagnostic.code);

  it('asks a plan for its model', () => {
    expect(codes('default: fp16\n')).toEqual(['model-statement-missing']);
    expect(codes('')).toEqual(['model-statement-missing']);
    expect(codes('model "m.onnx"\n')).toEqual([]);
    expect(codes('model\n')).toEqual(['syntax']);
  });

  it('does not ask a fragment', () => {
    expect(parse('default: fp16\n').diagnostics).toEqual([]);
  });
});

describe('too many diagnostics', () => {
  it('are counted in a last one', () => {
    const { diagnostics } = parse('layr\n'.repeat(DIAGNOSTIC_LIMIT + 40));
    expect(diagnostics).toHaveLength(DIAGNOSTIC_LIMIT + 1);
    expect(diagnostics.at(-1)?.message).toMatch(/^40 more problems/u);
    expect(diagnostics.at(-1)?.range.start).toBe(DIAGNOSTIC_LIMIT * 5);
  });

  it('of one kind do not hide those of another that stand before them', () => {
    const text = `default: fp61\n${'layr\n'.repeat(DIAGNOSTIC_LIMIT)}`;
    const { diagnostics } = parse(text);
    expect(diagnostics[0]?.code).toBe('unknown-format');
    expect(diagnostics.at(-1)?.message).toMatch(/^1 more problem is/u);
  });

  it('show characters that cannot be seen by their numbers', () => {
    expect(messages('\0\n')[0]).toMatch(/keyword/u);
    expect(messages('model "a" \u00a0\n')[0]).not.toMatch(/\u00a0/u);
  });
});
