/** Hovers on what a plan and its model say, whatever is measured. */
import { describe, expect, it } from 'vitest';
import { checkHover, everything, header, hover, longModel, longName, nothing } from './testing.js';

describe('hover on a layer', () => {
  it('tells operator, decision with its statement, tensors and work', () => {
    checkHover(
      `${header}default: fp16\nlayer "conv2d$0/Conv": fp32 { pinned: true }\n`,
      '"conv2d/Conv"',
      '**conv2d/Conv**: `Conv`, layer 1 of ',
      'Runs in `fp32`, pinned.',
      'Decided by `layer "conv2d/Conv": fp32 { pinned: true }` (line 4).',
      '| input | ',
      '| float | `[1, 3, 256, 256]` |',
      '| constant | ',
      ' KB |',
      '| output | ',
      'multiply-adds (',
      'of weights; ',
    );
  });

  it('names the later statement that decides it, also in another file', () => {
    checkHover(
      `${header}layer "conv2d$0/Conv": fp32\nop Conv: bf16\n`,
      '"conv2d/Conv"',
      '`op Conv: bf16` (line 4)',
    );
    checkHover(
      `//- a.precision\n${header}layer "conv2d$0/Conv": fp32\ninclude "b.precision"\n//- b.precision\n# ours\nop Conv: fp16\n`,
      '"conv2d/Conv"',
      '`op Conv: fp16` (line 2 of b.precision)',
    );
  });

  it('is plain text for an editor that shows no Markdown', () => {
    const { text, kind } = hover(`${header}layer "conv2d$0/Conv": fp32\n`, nothing);
    expect(kind).toBe('plaintext');
    expect(text).toContain('conv2d/Conv: Conv, layer 1 of ');
    expect(text).not.toMatch(/[`|*]/u);
  });

  it('says of a node that is no layer what it is, and nothing of what the model has not', () => {
    const { text } = hover('model "m.onnx"\nlayer "nothing$0": fp32\n', everything, longModel(2));
    expect(text).toBe('');
  });
});

describe('hover on an input or output', () => {
  it('tells type, shape and what feeds or writes it', () => {
    checkHover(
      'model "pose_landmark_lite.onnx"\ninput "in$0put_1" = uniform(0, 1)',
      '"input_1"',
      'float [1, 256, 256, 3]',
      '`uniform(0, 1), seed',
    );
    checkHover(
      `${header}tolerance "ld$0_3d" max_abs <= 1`,
      '"ld_3d"',
      'output, `float [1, 195]`',
      'Written by ',
    );
  });
});

describe('hover on a number', () => {
  it('tells what it becomes in every format, and its neighbours there', () => {
    checkHover(
      `${header}tolerance "ld_3d" max_abs <= 1e$0-3`,
      '1e-3',
      '**1e-3**',
      '`fp16`',
      '0.00100040436',
      '4.044e-7 (0.04044 %)',
      '`bf16`',
    );
    checkHover(`${header}tolerance "ld_3d" max_abs <= 70$0000`, '70000', '`fp16` | `inf`', '65504');
    checkHover(
      `${header}input "input_1" from "a.png" { scale: 1/2$055 }`,
      '1/255',
      '= `0.00392156863`',
      '`fp16`',
    );
    checkHover(`${header}tolerance "ld_3d" max_abs <= 0.5$0`, '0.5', '| none |');
    checkHover(
      `${header}tolerance "ld_3d" max_abs <= 0.39$052`,
      '0.3952',
      '| `fp8_e4m3` | `0.40625` | 0.01105 (2.796 %) | `0.375` | `0.40625` |',
      '| `dlfloat16` | `0.395019531` |',
      '| `fp8_152` | `0.375` |',
      '| `fp4_radix4` | `0.25` |',
      '`int8` and `int4` hold multiples of a scale',
    );
  });
});

describe('hover on the language', () => {
  it('tells range and precision of a format', () => {
    checkHover(
      `${header}default: fp$016`,
      'fp16',
      'half precision',
      '`65504`',
      '`6.10351563e-5`',
      '`5.96046448e-8`',
    );
    checkHover(`${header}default: int$08`, 'int8', '8-bit integers', 'from -128 to 127', 'times a scale');
    checkHover(
      `${header}default: dlfl$0oat16`,
      'dlfloat16',
      '16: 1 sign, 6 exponent, 9 fraction',
      '| smallest subnormal | none |',
      'no infinity, but NaN',
      'away from zero',
    );
    checkHover(`${header}default: fp4_rad$0ix4`, 'fp4_radix4', '3 exponent of 4', '`64`', '`0.015625`');
  });

  it('explains metrics, options and their values, targets and generators', () => {
    checkHover(`${header}tolerance "ld_3d" cos$0ine >= 0.9`, 'cosine', 'More is better', '`>=`', '`worst`');
    checkHover(
      `${header}default: fp16 { over$0flow: inf }`,
      'overflow',
      'beyond the range',
      '`error`, `saturate`, `inf`',
    );
    checkHover(`${header}default: fp16 { overflow: in$0f }`, 'inf');
    checkHover(`${header}target web$0gpu`, 'webgpu', 'Dawn');
    checkHover('model "pose_landmark_lite.onnx"\ninput "input_1" = uni$0form(0, 1)', 'uniform', 'Evenly');
  });

  it('explains a statement and what it does in this plan', () => {
    checkHover(
      `${header}o$0p Conv: fp16\nlayer "conv2d/Conv": fp32`,
      'op',
      '`op TYPE, ...: FORMAT`',
      'Matches 66 layers and decides 65',
      'and 45 more',
      'Options: ',
    );
    checkHover(
      `${header}op Co$0nv: fp16\nlayer "conv2d/Conv": fp32`,
      'Conv',
      '66 layers',
      '| `fp32` | 1 |',
      '| `fp16` | 65 |',
    );
    checkHover(`${header}layers "**/Co$0nv": fp16`, '"**/Conv"', 'Decides ');
  });

  it('is silent where there is nothing to say', () => {
    checkHover(`${header}# a com$0ment`, '');
    checkHover(`${header}default: fp99$0`, '');
  });
});

describe('a hover', () => {
  it('is short, whatever the plan', () => {
    const { text } = hover('model "m.onnx"\nde$0fault: fp16', everything, longModel(3000));
    expect(text).toContain('and 2980 more');
    expect(text.length).toBeLessThan(5000);
  });

  it('shows names as they are, escaped', () => {
    const { text } = hover(
      `model "m.onnx"\nlayer "${longName(1).replace('/en', '/e$0n')}": fp16`,
      everything,
      longModel(3),
    );
    expect(text).toContain(`**${longName(1)}**`);
  });
});
