/** Errors, and a model that chooses, for tests of what is made of them. */
import { DataType, makeAttribute, makeNode, makeTensor, type Model } from '../../onnx/index.js';
import { floatTensor, randomValues, WIDTH, writeModel } from '../testing/index.js';

export const ELEMENTS = 50;

/** Vectors of a space of `dimensions`, seen through a fixed matrix in one of `ELEMENTS`. */
export function vectorsOf(dimensions: number, count: number, seed = 1): readonly Float32Array[] {
  const matrix = randomValues(dimensions * ELEMENTS, 99);
  return Array.from({ length: count }, (_, at) => {
    const inner = randomValues(dimensions, seed * 1000 + at);
    return Float32Array.from({ length: ELEMENTS }, (_, element) =>
      inner.reduce((sum, value, axis) => sum + value * (matrix[axis * ELEMENTS + element] ?? 0), 0),
    );
  });
}

/** Columns that differ by a percent: which of the products is the largest hangs on the last digits. */
const ALIKE = randomValues(WIDTH * WIDTH, 1).map(
  (value, at) => (Math.floor(at / WIDTH) + 1) * (1 + 0.01 * value),
);

/**
 * A model of input `x` [1, 16]: `y` [1, 1, 4] is looked up in a table at the place of the largest element of a product `z` [1, 16], and
 * then multiplied so many times. Layers are called `product`, `scaled_0`, `scaled_1`, ...
 */
export function writeChoosing(path: string, outputs: readonly ('y' | 'z')[], times = 1): Model {
  const scaled = Array.from({ length: times }, (_, at) =>
    makeNode({
      ...{ opType: 'Mul', name: `scaled_${at}` },
      inputs: [at === 0 ? 'found' : `scaled_${at - 1}`, 'factor'],
      outputs: [at === times - 1 ? 'y' : `scaled_${at}`],
    }),
  );
  return writeModel(path, {
    nodes: [
      makeNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['z'], name: 'product' }),
      makeNode({
        ...{ opType: 'ArgMax', inputs: ['z'], outputs: ['place'], name: 'place' },
        attributes: [makeAttribute('axis', { kind: 'int', value: 1 })],
      }),
      makeNode({ opType: 'Gather', inputs: ['table', 'place'], outputs: ['found'], name: 'found' }),
      ...scaled,
    ],
    weights: [
      floatTensor('w', [WIDTH, WIDTH], ALIKE),
      floatTensor('table', [WIDTH, 4], randomValues(WIDTH * 4, 2)),
      makeTensor('factor', DataType.FLOAT, [], new Uint8Array(Float32Array.of(1.1).buffer)),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: Object.fromEntries(outputs.map((name) => [name, name === 'z' ? [1, WIDTH] : [1, 1, 4]])),
  });
}
