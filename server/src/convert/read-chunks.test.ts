import { describe, expect, it } from 'vitest';
import {
  bufferSource,
  DataType,
  encodeBytes,
  encodeFresh,
  makeGraph,
  makeTensor,
  readModel,
  type Model,
} from '../onnx/index.js';
import { readChunks } from './read-chunks.js';

const MILLION = 1 << 20;

function modelWith(dataType: DataType, dims: readonly number[], bytes: Uint8Array): Model {
  const graph = makeGraph({
    name: 'weights',
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: [makeTensor('w', dataType, dims, bytes)],
  });
  const file = encodeBytes(encodeFresh({ irVersion: 8, opsets: new Map([['', 17]]), graph }));
  const read = readModel(bufferSource(file));
  if ('problem' in read) throw new Error(read.problem.message);
  return read.model;
}

/** Where each chunk starts, and all elements put together. */
function chunksOf(model: Model): { readonly starts: number[]; readonly values: number[] } {
  const [tensor] = model.graph.initializers;
  if (tensor === undefined) throw new Error('no tensor');
  const starts: number[] = [];
  const values: number[] = [];
  const problem = readChunks(tensor, model, (chunk, start) => {
    starts.push(start);
    for (const value of chunk) values.push(value);
  });
  expect(problem).toBeUndefined();
  return { starts, values };
}

describe('chunks of a tensor', () => {
  it('are at most a million elements, in order and without a gap', () => {
    const all = Float32Array.from({ length: 2 * MILLION + 3 }, (_, at) => at % 1000);
    const model = modelWith(DataType.FLOAT, [all.length], new Uint8Array(all.buffer));
    const { starts, values } = chunksOf(model);
    expect(starts).toEqual([0, MILLION, 2 * MILLION]);
    expect(values.every((value, at) => value === all[at])).toBe(true);
    expect(values).toHaveLength(all.length);
  });

  it('are numbers in every floating-point type', () => {
    const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer);
    const doubles = new Uint8Array(Float64Array.of(0.1, -2).buffer);
    const brains = new Uint8Array(Uint16Array.of(0x3f80, 0xc000).buffer);
    expect(chunksOf(modelWith(DataType.FLOAT16, [2], halves)).values).toEqual([1, -2]);
    expect(chunksOf(modelWith(DataType.BFLOAT16, [2], brains)).values).toEqual([1, -2]);
    expect(chunksOf(modelWith(DataType.DOUBLE, [2], doubles)).values).toEqual([0.1, -2]);
  });

  it('are none of an empty tensor and one of a scalar', () => {
    const one = new Uint8Array(Float32Array.of(7).buffer);
    expect(chunksOf(modelWith(DataType.FLOAT, [0, 3], new Uint8Array()))).toEqual({ starts: [], values: [] });
    expect(chunksOf(modelWith(DataType.FLOAT, [], one))).toEqual({ starts: [0], values: [7] });
  });

  it('are a problem where the bytes are not as many as the shape asks for', () => {
    const model = modelWith(DataType.FLOAT, [3], new Uint8Array(4));
    const [tensor] = model.graph.initializers;
    const problem = tensor && readChunks(tensor, model, () => undefined);
    expect(problem?.code).toBe('tensor-unreadable');
  });
});
