// The exact figures of an independent autograd (test/models/reference/README.md): with unit vectors as probes the backward
// model gives the whole Jacobian of the logits with respect to every MatMul of a transformer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { computeForTests, realModel, ROOT } from '../../server/src/analysis/testing/index.js';
import { roundArray } from '../../server/src/formats/index.js';
import { modelFolder, tensorValues, type Model } from '../../server/src/onnx/index.js';
import { dot, openGradients, type FloatTensor } from './real-gradients.js';

const FOLDER = join(ROOT, 'test/models/reference');
const LOGITS = 384;
const BLOCK = 64;

interface Reference {
  readonly layers: readonly {
    readonly output: string;
    readonly onnx_inputs: readonly [string, string];
    readonly per_input: readonly {
      readonly gn_trace: number;
      readonly Jdelta_wx: number;
      readonly Jdelta_wxy: number;
    }[];
  }[];
}

const reference = JSON.parse(readFileSync(join(FOLDER, 'encoder_gn.json'), 'utf8')) as Reference;
const names = reference.layers.map(({ output }) => output);
const { runtime } = await computeForTests();

/** FP32 values of an .npy file, behind its header. */
function arrayOf(file: string): Float32Array {
  const bytes = readFileSync(join(FOLDER, file));
  const start = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.byteLength));
}

function initializer(model: Model, name: string): FloatTensor | undefined {
  const tensor = model.graph.initializers.find((one) => one.name === name);
  if (tensor === undefined) return undefined;
  const read = tensorValues(tensor, modelFolder(model));
  if ('problem' in read || !(read.values instanceof Float32Array)) throw new Error(`${name} is not FP32`);
  return { dims: tensor.dims, values: read.values };
}

/** Stacks of matrices, multiplied in FP64; the right one may be one matrix for all. */
function product(a: FloatTensor, b: FloatTensor): Float64Array {
  const [rows = 1, inner = 1] = a.dims.slice(-2);
  const [columns = 1] = b.dims.slice(-1);
  const stacks = a.values.length / (rows * inner);
  const isShared = b.values.length === inner * columns;
  const result = new Float64Array(stacks * rows * columns);
  for (let stack = 0; stack < stacks; stack++) {
    const right = isShared ? 0 : stack * inner * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let at = 0; at < inner; at++) {
          const left = a.values[(stack * rows + row) * inner + at] ?? 0;
          sum += left * (b.values[right + at * columns + column] ?? 0);
        }
        result[(stack * rows + row) * columns + column] = sum;
      }
    }
  }
  return result;
}

const inFp16 = ({ dims, values }: FloatTensor): FloatTensor => ({ dims, values: roundArray('fp16', values) });

describe.each([0, 1])('the Jacobian of the reference transformer on input %i', (input) => {
  const model = realModel(join(FOLDER, 'encoder_2x64.onnx'));
  const jacobian = new Map<string, number[][]>();
  let tensors: Readonly<Record<string, FloatTensor>> = {};

  beforeAll(async () => {
    const point = { input: { dims: [1, 16, 32], values: arrayOf(`encoder_2x64_input${input}.npy`) } };
    const read = new Set(reference.layers.flatMap((layer) => [...layer.onnx_inputs, layer.output]));
    const computed = [...read].filter((name) => name !== 'input' && initializer(model, name) === undefined);
    const gradients = await openGradients(runtime, model, point, {
      ...{ outputs: ['logits'], gradients: names, tensors: computed, probes: BLOCK },
    });
    expect(gradients.backward.withoutRule).toEqual([]);
    for (let first = 0; first < LOGITS; first += BLOCK) {
      const values = new Float32Array(BLOCK * LOGITS);
      for (let probe = 0; probe < BLOCK; probe++) values[probe * LOGITS + first + probe] = 1;
      const found = await gradients.run({ logits: { dims: [BLOCK, 1, 16, 24], values } });
      tensors = { ...found.tensors, ...point };
      for (const name of names) {
        const whole = found.gradients[name]?.values ?? new Float32Array();
        const size = whole.length / BLOCK;
        const rows = Array.from({ length: BLOCK }, (_, at) => [
          ...whole.subarray(at * size, (at + 1) * size),
        ]);
        jacobian.set(name, [...(jacobian.get(name) ?? []), ...rows]);
      }
    }
    await gradients.close();
  });

  it('has the exact squared norms', () => {
    for (const layer of reference.layers) {
      const rows = jacobian.get(layer.output) ?? [];
      expect(rows.length).toBe(LOGITS);
      const trace = rows.reduce((sum, row) => sum + dot(row, row), 0);
      const expected = layer.per_input[input]?.gn_trace ?? NaN;
      expect(Math.abs(trace / expected - 1), layer.output).toBeLessThan(1e-4);
    }
  });

  it('turns the rounding of a layer into the change of the logits', () => {
    for (const layer of reference.layers) {
      const [x, w] = layer.onnx_inputs.map((name) => tensors[name] ?? initializer(model, name));
      const exact = tensors[layer.output];
      if (x === undefined || w === undefined || exact === undefined) throw new Error(`no ${layer.output}`);
      const rounded = product(inFp16(x), inFp16(w));
      const stored = roundArray('fp16', Float32Array.from(rounded));
      const rows = jacobian.get(layer.output) ?? [];
      const effect = (values: ArrayLike<number>): number => {
        const delta = Float64Array.from(exact.values, (value, at) => (values[at] ?? 0) - value);
        return Math.hypot(...rows.map((row) => dot(row, delta)));
      };
      const expected = layer.per_input[input];
      expect(Math.abs(effect(rounded) / (expected?.Jdelta_wx ?? NaN) - 1), layer.output).toBeLessThan(0.03);
      expect(Math.abs(effect(stored) / (expected?.Jdelta_wxy ?? NaN) - 1), layer.output).toBeLessThan(0.03);
    }
  });
});
