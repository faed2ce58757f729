/** Edits of plans, as a reader of the text sees them. */
import { describe, expect, it } from 'vitest';
import { isDecision, parse } from '../../language/index.js';
import { bindText, edited, worldFiles, type PlanWorld } from '../testing/fixture.js';
import { flipLayer, flipStatement } from './flip.js';
import type { DecidedFormat } from './fold.js';
import { foldPlan, writeDecisions } from './write-decisions.js';

const MODEL = 'model "m.onnx"\n';

function checkFlip(
  text: string,
  layer: string,
  format: DecidedFormat,
  after: string,
  world: PlanWorld = {},
): void {
  const files = worldFiles(world);
  const before = bindText(MODEL + text, files);
  expect(edited(before, flipLayer(before.plan, before.tree, layer, format), files).text).toBe(MODEL + after);
}

describe('a flip of a layer', () => {
  it('changes its own statement', () => {
    checkFlip(
      'layer "stem/conv": fp16 { reason: "why" } # kept\nop Relu: fp32\n',
      'stem/conv',
      'bf16',
      'layer "stem/conv": bf16 { reason: "why" } # kept\nop Relu: fp32\n',
    );
  });

  it('adds a statement after the last one that matches it', () => {
    checkFlip(
      'default: fp16\nop Conv: fp32 # wide\nlayers "head/*": fp16\n',
      'stem/conv',
      'fp16',
      'default: fp16\nop Conv: fp32 # wide\nlayer "stem/conv": fp16\nlayers "head/*": fp16\n',
    );
    checkFlip(
      'layer "stem/conv", "stem/relu": fp16\n',
      'stem/relu',
      'fp32',
      'layer "stem/conv", "stem/relu": fp16\nlayer "stem/relu": fp32\n',
    );
  });

  it('adds a statement where its own does not decide it', () => {
    checkFlip(
      'layer "stem/conv": fp16\nop Conv: fp32\n',
      'stem/conv',
      'bf16',
      'layer "stem/conv": fp16\nop Conv: fp32\nlayer "stem/conv": bf16\n',
    );
  });

  it('adds a statement after the default, or at the end, or after the include that decides', () => {
    checkFlip(
      'default: fp16\ntarget cpu\n',
      'stem/conv',
      'fp32',
      'default: fp16\nlayer "stem/conv": fp32\ntarget cpu\n',
    );
    checkFlip('target cpu', 'stem/conv', 'fp16', 'target cpu\nlayer "stem/conv": fp16');
    checkFlip(
      'include "a.precision"\ntarget cpu\n',
      'stem/conv',
      'fp16',
      'include "a.precision"\nlayer "stem/conv": fp16\ntarget cpu\n',
      { files: { 'a.precision': 'layer "stem/conv": fp32\n' } },
    );
  });

  it('keeps the line breaks of the text', () => {
    const files = worldFiles({});
    const before = bindText('model "m.onnx"\r\ndefault: fp16\r\n', files);
    expect(edited(before, flipLayer(before.plan, before.tree, 'stem/conv', 'fp32'), files).text).toBe(
      'model "m.onnx"\r\ndefault: fp16\r\nlayer "stem/conv": fp32\r\n',
    );
  });

  it('does nothing for a layer that has the format, or is none', () => {
    const { plan, tree } = bindText(`${MODEL}default: fp16\n`, worldFiles({}));
    expect(flipLayer(plan, tree, 'stem/conv', 'fp16')).toEqual([]);
    expect(flipLayer(plan, tree, 'flatten', 'fp32')).toEqual([]);
    expect(flipLayer(plan, tree, 'nobody', 'fp32')).toEqual([]);
  });
});

describe('a flip of a statement', () => {
  it('changes its format', () => {
    const statement = parse('op Conv: fp16').statements.find(isDecision);
    expect(statement && flipStatement(statement, 'fp32')).toEqual([
      { range: { start: 9, end: 13 }, newText: 'fp32' },
    ]);
    expect(statement && flipStatement(statement, 'fp16')).toEqual([]);
  });
});

function checkWrite(
  text: string,
  decisions: Readonly<Record<string, DecidedFormat>>,
  after: string,
  world: PlanWorld = {},
): void {
  const files = worldFiles(world);
  const before = bindText(MODEL + text, files);
  const wanted = new Map(
    before.plan.layers.map((layer) => [layer.name, decisions[layer.name] ?? decisions['*'] ?? 'fp16']),
  );
  expect(edited(before, writeDecisions(before.tree, before.plan, wanted), files).text).toBe(MODEL + after);
}

describe('writing decisions', () => {
  it('chooses the default that most layers have, operators where they agree, and names the rest', () => {
    checkWrite(
      '\ntolerance max_abs <= 1e-3\n\ndefault: fp32\n',
      { '*': 'fp16', 'stem/conv': 'fp32', 'block1/conv': 'fp32', 'head/softmax': 'fp32' },
      '\ntolerance max_abs <= 1e-3\n\ndefault: fp16\nop Conv: fp32\nlayer "head/softmax": fp32\n',
    );
  });

  it('keeps comments, what is pinned, and what has a reason and is still right', () => {
    checkWrite(
      `
default: fp16 # most of it

# The first layers.
layer "stem/conv": fp32 { reason: "no Clip bounds it" }
layer "stem/relu": fp32 # measured
layer "block1/conv": fp16 # was slow
layer "head/matmul": bf16 { pinned: true }

# The end.
op Softmax: fp32
`,
      { '*': 'fp16', 'stem/conv': 'fp32', 'block1/conv': 'fp32', 'head/matmul': 'fp32' },
      `
default: fp16 # most of it

# The first layers.
layer "block1/conv": fp32
layer "stem/conv": fp32 { reason: "no Clip bounds it" }
# measured
# was slow
layer "head/matmul": bf16 { pinned: true }

# The end.
`,
    );
  });

  it('begins a plan without decisions after everything else', () => {
    checkWrite(
      'target cpu\n',
      { '*': 'fp16', 'stem/conv': 'fp32' },
      'target cpu\n\ndefault: fp16\nlayer "stem/conv": fp32\n',
    );
  });

  it('overrules what an included file decides, after it', () => {
    checkWrite(
      'default: fp16\ninclude "deny.precision"\ntarget cpu\n',
      { '*': 'fp16', 'head/softmax': 'bf16', 'block1/add': 'bf16' },
      'default: fp16\ninclude "deny.precision"\nlayer "block1/add": bf16\nlayer "head/softmax": bf16\ntarget cpu\n',
      { files: { 'deny.precision': 'op Softmax: fp32\n' } },
    );
  });

  it('keeps the options of a format, with the layers that keep it and for those that get it', () => {
    checkWrite(
      'default: fp32\nop Conv: int8 { quantize: mse, per: channel, reason: "small" }\nlayer "head/matmul": int8 { quantize: sawb }\n',
      { '*': 'fp32', 'block1/conv': 'int8', 'head/matmul': 'int8', 'head/softmax': 'int8' },
      'default: fp32\nop Conv: int8 { quantize: mse, per: channel, reason: "small" }\nlayer "head/matmul": int8 { quantize: sawb }\nlayer "stem/conv": fp32\nlayer "head/softmax": int8 { per: channel, quantize: mse }\n',
    );
    checkWrite(
      'default: fp16 { accumulate: chunked(64) }\n',
      { '*': 'fp32', 'stem/conv': 'fp16' },
      'default: fp32\nlayer "stem/conv": fp16 { accumulate: chunked(64) }\n',
    );
    // A scale belongs to a layer, and not to its format.
    checkWrite(
      'default: fp32\nlayer "stem/conv": fp16 { scale: 4 }\n',
      { '*': 'fp32', 'stem/conv': 'fp16', 'block1/conv': 'fp16' },
      'default: fp32\nlayer "block1/conv": fp16\nlayer "stem/conv": fp16 { scale: 4 }\n',
    );
  });

  it('leaves a plan alone that decides as asked', () => {
    const text = 'default: fp32\nop Conv: fp16\nlayer "stem/conv": fp16\n';
    checkWrite(text, { '*': 'fp32', 'stem/conv': 'fp16', 'block1/conv': 'fp16' }, text);
  });
});

describe('folding', () => {
  it('puts many lines into few statements', () => {
    const files = worldFiles({});
    const { plan } = bindText(MODEL, files);
    const lines = plan.layers.map(
      ({ name, node }) => `layer "${name}": ${node.opType === 'Conv' ? 'fp32' : 'fp16'}\n`,
    );
    const expanded = bindText(`${MODEL}\n${lines.join('')}`, files);
    expect(edited(expanded, foldPlan(expanded.tree, expanded.plan), files).text).toBe(
      `${MODEL}\ndefault: fp16\nop Conv: fp32\n`,
    );
  });
});
