import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunFormat } from '../../formats/index.js';
import {
  bufferSource,
  DataType,
  makeExternalTensor,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  openModel,
  readModel,
  type Model,
  type Tensor,
} from '../../onnx/index.js';
import { graphBytes } from '../../onnx/testing/index.js';
import { folderForTests } from '../../testing/index.js';
import { maskStorage, type MaskStorage } from './masks.js';
import { modelScopes } from './scopes.js';

const LOWEST = -3.4028234663852886e38;
const folder = folderForTests();

function encoded(weight: Tensor, reader: string): Uint8Array {
  const type = makeTensorType(DataType.FLOAT, weight.dims);
  const graph = makeGraph({
    name: 'masked',
    nodes: [makeNode({ opType: reader, name: 'reader', inputs: ['x', 'w'], outputs: ['y'] })],
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo('y', type)],
    initializers: [weight],
  });
  return graphBytes(graph);
}

function stored(values: Float32Array | Float64Array, reader = 'Add'): Model {
  const type = values instanceof Float32Array ? DataType.FLOAT : DataType.DOUBLE;
  const weight = makeTensor('w', type, [values.length], new Uint8Array(values.buffer));
  const result = readModel(bufferSource(encoded(weight, reader)));
  if ('problem' in result) throw new Error(result.problem.message);
  return result.model;
}

/** How the weight of the model is stored in the format. */
function storageIn(model: Model, format: RunFormat = 'fp16'): MaskStorage | undefined {
  const [value] = model.graph.initializers;
  if (value === undefined) throw new Error('no weight');
  const tensor = [...modelScopes(model).tensors.values()].find(({ name }) => name === 'w');
  const readers = tensor?.readers ?? [];
  expect(readers).toHaveLength(1);
  return maskStorage(
    {
      ...{ tensor: tensor?.id ?? '', name: 'w', value, to: DataType.FLOAT16, readers },
      replacesOriginal: true,
      overflow: 'error',
    },
    model,
    format,
  );
}

/** The causal mask of an attention over so many tokens: nothing may look ahead. */
function causal(tokens: number): Float32Array {
  return Float32Array.from({ length: tokens * tokens }, (_, at) =>
    at % tokens > Math.floor(at / tokens) ? LOWEST : 0,
  );
}

describe('a constant that stands for infinity', () => {
  it('is one whatever its size', () => {
    for (const tokens of [2, 64, 65, 1024]) expect(storageIn(stored(causal(tokens)))).toBe('infinite');
  });

  it('is the lowest number where a product with zero would make it no number', () => {
    expect(storageIn(stored(causal(100), 'Mul'))).toBe('lowest');
  });

  it('may be a bound that is never reached, beside bounds that are', () => {
    const bounds = Float32Array.from({ length: 5000 }, (_, at) => (at === 4999 ? 3.4e38 : at));
    expect(storageIn(stored(bounds, 'Min'))).toBe('infinite');
    expect(storageIn(stored(bounds.subarray(0, 4000).slice(), 'Min'))).toBeUndefined();
  });

  it('is told by its last value as by its first', () => {
    const late = causal(300).fill(0);
    late[late.length - 1] = LOWEST;
    expect(storageIn(stored(late))).toBe('infinite');
    late[0] = 0.5;
    expect(storageIn(stored(late))).toBeUndefined();
    late[0] = -1e9;
    expect(storageIn(stored(late))).toBeUndefined();
  });

  it('may hold infinities and NaN of its own', () => {
    expect(storageIn(stored(Float32Array.of(-Infinity, 0, NaN, -1e9)))).toBe('infinite');
  });

  it('is none in a format that holds its values', () => {
    expect(storageIn(stored(causal(8)), 'bf16')).toBe('infinite');
    expect(storageIn(stored(Float32Array.of(-1e9, 0)), 'bf16')).toBeUndefined();
    expect(storageIn(stored(Float64Array.of(-1e300, 0)), 'fp32')).toBe('infinite');
  });

  it('is none among the weights of a network', () => {
    expect(storageIn(stored(Float32Array.of(0.1, -1e9)))).toBeUndefined();
    expect(storageIn(stored(Float32Array.of(98_000_000, 0)))).toBeUndefined();
    expect(storageIn(stored(new Float32Array(10_000)))).toBeUndefined();
  });

  it('is found in external data, and none where that is not there', () => {
    const values = causal(300);
    const weight = makeExternalTensor('w', DataType.FLOAT, [values.length], 'w.bin', 0, values.byteLength);
    const file = join(folder, 'model.onnx');
    writeFileSync(file, encoded(weight, 'Add'));
    const storageInFile = (): MaskStorage | undefined => {
      const opened = openModel(file);
      if ('problem' in opened) throw new Error(opened.problem.message);
      onTestFinished(() => {
        opened.model.source.close();
      });
      return storageIn(opened.model);
    };
    expect(storageInFile()).toBeUndefined();
    writeFileSync(join(folder, 'w.bin'), new Uint8Array(values.buffer));
    expect(storageInFile()).toBe('infinite');
  });

  it('is what the definition says of all its values at once', () => {
    const value = fc.constantFrom(0, -0, LOWEST, -1e9, 0.25, -Infinity, NaN, 3.4e38, 7e4);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (values) => {
        const finite = new Set(Float32Array.from(values).filter((one) => Number.isFinite(one) && one !== 0));
        const [only = 0] = finite;
        const isMask = finite.size === 1 && (only <= -1e8 || only >= 3.3e38);
        expect(storageIn(stored(Float32Array.from(values)))).toBe(isMask ? 'infinite' : undefined);
      }),
    );
  });
});
