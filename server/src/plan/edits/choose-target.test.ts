/** Choosing a target: what becomes of a plan's text. */
import { expect, it } from 'vitest';
import { applyEdits, parse } from '../../language/index.js';
import { chooseTarget } from './choose-target.js';

function checkChosen(before: string, name: string, after: string): void {
  expect(applyEdits(before, chooseTarget(parse(before), name))).toBe(after);
}

it('a target is changed where it stands, without options of another provider', () => {
  checkChosen(
    'model "m.onnx"\ntarget cuda { deviceId: 1 } # the big one\ndefault: fp16\n',
    'webgpu',
    'model "m.onnx"\ntarget webgpu # the big one\ndefault: fp16\n',
  );
});

it('of several targets the chosen one stays as it is', () => {
  checkChosen('target cpu\ntarget webgpu { threads: 2 }\n', 'webgpu', 'target webgpu { threads: 2 }\n');
  checkChosen('target cpu\ntarget webgpu\n', 'dml', 'target dml\n');
  checkChosen('target cpu { threads: 2 }\n', 'cpu', 'target cpu { threads: 2 }\n');
});

it('without one it stands behind what feeds the model', () => {
  checkChosen(
    'model "m.onnx"\ninput "x" = zeros # all of them\n\ndefault: fp16\n',
    'cpu',
    'model "m.onnx"\ninput "x" = zeros # all of them\ntarget cpu\n\ndefault: fp16\n',
  );
  checkChosen('model "m.onnx"', 'cpu', 'model "m.onnx"\ntarget cpu');
  checkChosen('default: fp16\n', 'cpu', 'target cpu\ndefault: fp16\n');
});
