/** Diagnostics on patterns, operators and paths, each at its exact place, and their fixes. */
import { describe, expect, it } from 'vitest';
import { checkBound, checkFix } from '../testing/check-diagnostics.js';
import { bindText, NETWORK, worldFiles } from '../testing/fixture.js';

describe('patterns, operators and paths', () => {
  it('that match nothing', () => {
    checkBound(`
layers "stem/**", "stems/*": fp16
                  ^^^^^^^^^ no-match: matches no layer
layers "flat*": fp16
       ^^^^^^^ no-match: only 1 node that is no layer
layers matching "block[23]/.*": fp16
                ^^^^^^^^^^^^^^ no-match
op Reshape: fp16
   ^^^^^^^ no-match: is a layer
op LSTM: fp16
   ^^^^ no-match: The model has no LSTM node
`);
  });

  it('that match nothing are taken away, or get the slash that they lack', () => {
    checkFix(
      'layers "stem/**", "stems/*": fp16\n',
      'no-match',
      'Remove this pattern',
      'layers "stem/**": fp16\n',
    );
    const remove = 'Remove this statement';
    checkFix('layers "flat*": fp16 # why\nop Conv: fp16\n', 'no-match', remove, '# why\nop Conv: fp16\n');
    checkFix('layers matching "none": fp16\nop Conv: fp16\n', 'no-match', remove, 'op Conv: fp16\n');
    checkFix('op LSTM, Conv: fp16\n', 'no-match', 'Remove this operator', 'op Conv: fp16\n');
    checkFix('op Conv, Reshape: fp16\n', 'no-match', 'Remove this operator', 'op Conv: fp16\n');
    const model = NETWORK.replaceAll('"stem/', '"/stem/');
    checkFix('layers "stem/*": fp16\n', 'no-match', 'Change to "/stem/*"', 'layers "/stem/*": fp16\n', {
      model,
    });
  });

  it('operators that do not exist', () => {
    checkBound(`
op Sotfmax: fp32
   ^^^^^^^ unknown-op: Did you mean \`Softmax\`
op com.example.Majic: fp32
   ^^^^^^^^^^^^^^^^^ unknown-op: Did you mean \`com.example.Magic\`
`);
    checkFix('op Sotfmax: fp32\n', 'unknown-op', 'Change to `Softmax`', 'op Softmax: fp32\n');
  });

  it('expressions that cannot be matched in bounded time are refused', () => {
    checkBound(`
layers matching "(a)\\\\1": fp16
                ^^^^^^^^ regex-timeout: A back-reference
layers matching "(?=stem).*": fp16
                ^^^^^^^^^^^^ regex-timeout: Look-around
`);
  });

  it('expressions are anchored at both ends', () => {
    const { plan } = bindText(
      'model "m.onnx"\nlayers matching "stem", "(stem|head)/[a-m]\\\\w*": fp16\n',
      worldFiles({}),
    );
    expect(plan.decisions.filter((one) => one.wanted === 'fp16').map((one) => one.layer.name)).toEqual([
      'stem/conv',
      'head/matmul',
    ]);
  });

  it('paths take in both ends and go through what is no layer', () => {
    const { plan } = bindText(
      'model "m.onnx"\nbetween "block1/add" and "head/softmax": fp16\n',
      worldFiles({}),
    );
    expect(plan.decisions.filter((one) => one.wanted === 'fp16').map((one) => one.layer.name)).toEqual([
      'block1/add',
      'block1/celu',
      'head/matmul',
      'head/softmax',
    ]);
  });

  it('paths that do not exist', () => {
    checkBound(`
between "head/softmax" and "stem/conv": fp16
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no-path: one leads back
between "head/softmax" and "magic": fp16
        ^^^^^^^^^^^^^^^^^^^^^^^^^^ no-path: this decides nothing
between "head/sofmax" and "flatten": fp16
        ^^^^^^^^^^^^^ unknown-layer
                          ^^^^^^^^^ not-a-layer
`);
    checkFix(
      'between "head/softmax" and "stem/conv": fp16\n',
      'no-path',
      'Swap the ends',
      'between "stem/conv" and "head/softmax": fp16\n',
    );
    checkFix(
      'between "head/softmax" and "magic": fp16\nop Conv: fp16\n',
      'no-path',
      'Remove this statement',
      'op Conv: fp16\n',
    );
  });
});
