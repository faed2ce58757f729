/** A model whose weights lie in a file of their own: converted beside it and elsewhere, its data never written over. */
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DataType,
  makeExternalTensor,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
} from '../../server/src/onnx/index.js';
import { graphBytes } from '../../server/src/onnx/testing/index.js';
import { newFolder, run, runJson } from './command.js';

const SIZE = 64;

/** A MatMul with 64 x 64 weights in `weights.bin`, and a plan that puts it into FP16. Gives the folder. */
function externalModel(): string {
  const folder = newFolder();
  const weights = Float32Array.from({ length: SIZE * SIZE }, (_, index) => Math.sin(index));
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(weights.buffer));
  const type = makeTensorType(DataType.FLOAT, [2, SIZE]);
  const graph = makeGraph({
    name: 'external',
    nodes: [makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['y'] })],
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo('y', type)],
    initializers: [
      makeExternalTensor('w', DataType.FLOAT, [SIZE, SIZE], 'weights.bin', 0, weights.byteLength),
    ],
  });
  const bytes = graphBytes(graph);
  writeFileSync(join(folder, 'model.onnx'), bytes);
  writeFileSync(
    join(folder, 'model.precision'),
    'model "model.onnx"\ninput "x" = normal(0, 1) { count: 3 }\ntolerance "y" relative_l2 <= 1e-3\ndefault: fp16\n',
  );
  return folder;
}

describe('a model with external data', () => {
  it('is verified by emulation', async () => {
    const document = (await runJson(['verify', join(externalModel(), 'model.precision')], 'verify')) as {
      holds: boolean;
      outputs: { relative_l2: number }[];
    };
    expect(document.holds).toBe(true);
    expect(document.outputs[0]?.relative_l2).toBeGreaterThan(1e-5);
  });

  it.each([
    ['is missing', 'external-data-missing', /"weights\.bin" is missing/],
    ['is cut off', 'tensor-unreadable', /w/],
  ])('of which the file %s is a finding of check, and is not run', async (how, code, message) => {
    const folder = externalModel();
    if (how === 'is missing') rmSync(join(folder, 'weights.bin'));
    else truncateSync(join(folder, 'weights.bin'), 100);
    const plan = join(folder, 'model.precision');
    const checked = await run(['check', plan]);
    expect(checked.status).toBe(1);
    const [line, ...others] = checked.error.split('\n').filter((one) => one.includes(': error '));
    expect(others).toEqual([]);
    expect(line).toContain(`model.precision:1:7: error ${code}: `);
    expect(line).toMatch(message);
    for (const words of [['verify'], ['bench'], ['analyze']]) {
      const outcome = await run([...words, plan]);
      expect(outcome.status).toBe(2);
      expect(outcome.error).toMatch(new RegExp(`model\\.onnx: error ${code}: `));
      expect(outcome.error).not.toMatch(/runtime-/);
    }
  });

  it('is converted with a file of its own beside the original, where that is asked for', async () => {
    const folder = externalModel();
    const words = ['convert', join(folder, 'model.precision'), '-o', join(folder, 'mixed.onnx')];
    expect((await runJson([...words, '--external-data', '--verify'], 'convert')) as object).toMatchObject({
      verified: true,
    });
    expect(readdirSync(folder)).toContain('mixed.onnx.data');
    expect(readFileSync(join(folder, 'mixed.onnx')).includes('weights.bin')).toBe(false);
  });

  it('is converted to another folder with weights of its own', async () => {
    const folder = externalModel();
    mkdirSync(join(folder, 'out'));
    const output = join(folder, 'out/mixed.onnx');
    const document = (await runJson(
      ['convert', join(folder, 'model.precision'), '-o', output, '--verify'],
      'convert',
    )) as { verified: boolean };
    expect(document.verified).toBe(true);
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['mixed.onnx', 'mixed.onnx.data']);
  });

  it('is converted beside the original', async () => {
    const folder = externalModel();
    const words = ['convert', join(folder, 'model.precision'), '-o', join(folder, 'mixed.onnx'), '--verify'];
    expect(((await runJson(words, 'convert')) as { verified: boolean }).verified).toBe(true);
  });

  it('never loses its weights to an output of the same name', async () => {
    const folder = externalModel();
    const before = readFileSync(join(folder, 'weights.bin'));
    const outcome = await run([
      'convert',
      join(folder, 'model.precision'),
      '-o',
      join(folder, 'weights.bin'),
    ]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/weights\.bin: error cannot-write: /);
    expect(readFileSync(join(folder, 'weights.bin')).equals(before)).toBe(true);
  });
});
