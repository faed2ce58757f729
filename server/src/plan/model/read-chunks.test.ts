import { closeSync, openSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  bufferSource,
  DataType,
  fileSource,
  makeExternalTensor,
  makeGraph,
  makeTensor,
  readModel,
  SourceFault,
  type Model,
  type Tensor,
  type TensorData,
} from '../../onnx/index.js';
import { graphBytes } from '../../onnx/testing/index.js';
import { folderForTests } from '../../testing/index.js';
import { byteChunks, floatChunks } from './read-chunks.js';

const folder = folderForTests();

function modelWith(dataType: DataType, dims: readonly number[], bytes: Uint8Array): Model {
  const graph = makeGraph({
    name: 'weights',
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: [makeTensor('w', dataType, dims, bytes)],
  });
  const file = graphBytes(graph);
  const read = readModel(bufferSource(file));
  if ('problem' in read) throw new Error(read.problem.message);
  return read.model;
}

function weightOf(model: Model): Tensor {
  const [tensor] = model.graph.initializers;
  if (tensor === undefined) throw new Error('no tensor');
  return tensor;
}

/** A weight of so many zeros in a file that takes no room on the disk. */
function externalWeight(length: number): {
  readonly model: Model;
  readonly tensor: Tensor;
  readonly path: string;
} {
  const path = join(folder, 'weights.bin');
  closeSync(openSync(path, 'w'));
  truncateSync(path, length);
  const source = fileSource(path);
  onTestFinished(() => {
    source.close();
  });
  return {
    model: { ...modelWith(DataType.FLOAT, [0], new Uint8Array()), source },
    tensor: makeExternalTensor('w', DataType.FLOAT, [length / 4], 'weights.bin', 0, length),
    path,
  };
}

/** Systems give the lowest number that is free. */
function nextDescriptor(path: string): number {
  const descriptor = openSync(path, 'r');
  closeSync(descriptor);
  return descriptor;
}

/** All elements put together: copies, since a chunk is written over. */
function valuesOf(model: Model): number[] {
  return Array.from(floatChunks(weightOf(model), model), (chunk) => [...chunk]).flat();
}

describe('chunks of a tensor', () => {
  it.each([
    [DataType.FLOAT, 4],
    [DataType.DOUBLE, 8],
    [DataType.FLOAT16, 2],
  ] as const)('are all its elements, in order and without a gap: %s', (dataType, width) => {
    const count = 300_001;
    const bytes = Uint8Array.from({ length: count * width }, (_, at) => (at * 2654435761) >>> 26);
    const model = modelWith(dataType, [count], bytes);
    const read = Array.from(byteChunks(weightOf(model), model), (chunk) => Buffer.from(chunk));
    expect(read.length).toBeGreaterThan(1);
    expect(Buffer.concat(read).equals(bytes)).toBe(true);
    let elements = 0;
    for (const chunk of floatChunks(weightOf(model), model)) elements += chunk.length;
    expect(elements).toBe(count);
  });

  it('are numbers in every floating-point type', () => {
    const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer);
    const doubles = new Uint8Array(Float64Array.of(0.1, -2).buffer);
    const brains = new Uint8Array(Uint16Array.of(0x3f80, 0xc000).buffer);
    expect(valuesOf(modelWith(DataType.FLOAT16, [2], halves))).toEqual([1, -2]);
    expect(valuesOf(modelWith(DataType.BFLOAT16, [2], brains))).toEqual([1, -2]);
    expect(valuesOf(modelWith(DataType.DOUBLE, [2], doubles))).toEqual([0.1, -2]);
  });

  it('are none of an empty tensor and one of a scalar', () => {
    const one = new Uint8Array(Float32Array.of(7).buffer);
    expect(valuesOf(modelWith(DataType.FLOAT, [0, 3], new Uint8Array()))).toEqual([]);
    expect(valuesOf(modelWith(DataType.FLOAT, [], one))).toEqual([7]);
  });

  it('are a fault where the bytes are not as many as the shape asks for', () => {
    const model = modelWith(DataType.FLOAT, [3], new Uint8Array(4));
    expect(() => valuesOf(model)).toThrow(SourceFault);
  });

  it('of external data are a fault where the file changes while it is read', () => {
    const { model, tensor, path } = externalWeight(2 ** 20);
    const chunks = byteChunks(tensor, model);
    expect(chunks.next().value).toHaveLength(2 ** 18);
    utimesSync(path, 1, 1);
    expect(() => [...chunks]).toThrow(/weights\.bin has changed while it was read/);
  });

  it('leave no file open, read to the end or not', () => {
    const { model, tensor, path } = externalWeight(2 ** 20);
    const before = nextDescriptor(path);
    for (let run = 0; run < 100; run += 1) {
      for (const _ of byteChunks(tensor, model)) if (run % 2 === 0) break;
    }
    expect(nextDescriptor(path) - before).toBeLessThan(20);
  });

  it.each(['in the model', 'in a file of external data'])(
    'are read into one small buffer, however large the tensor is: %s',
    (where) => {
      const length = 3 * 2 ** 30;
      const external = externalWeight(length);
      const { model } = external;
      const data: TensorData =
        where === 'in the model'
          ? { kind: 'bytes', source: model.source, range: { offset: 0, length } }
          : external.tensor.data;
      const tensor: Tensor = {
        name: 'w',
        dataType: DataType.FLOAT,
        dims: [length / 4],
        data,
        message: undefined,
      };
      const buffers = new Set<ArrayBufferLike>();
      let chunks = 0;
      for (const chunk of floatChunks(tensor, model)) {
        buffers.add(chunk.buffer);
        chunks += 1;
        if (chunks === 100) break;
      }
      expect([...buffers].map(({ byteLength }) => byteLength)).toEqual([2 ** 18]);
    },
  );
});
