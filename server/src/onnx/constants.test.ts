import { describe, expect, it } from 'vitest';
import { foldNode, readSmallTensor } from './constants.js';
import type { PartialTensor } from './constants-fold.js';
import type { Dimension, Shape } from './model.js';
import { DataType } from './model.js';
import { floats, halves, integers, node } from './testing/text-models.js';

type Attributes = Parameters<typeof node>[1];

function vector(elements: readonly Dimension[], dataType = DataType.INT64): PartialTensor {
  return { dataType, dims: [elements.length], elements };
}

/** Folds one node on vectors of integers, unless said otherwise; `dims` is the shape of the result. */
function checkFold(
  operator: string,
  inputs: readonly (PartialTensor | readonly Dimension[])[],
  attributes: Attributes,
  dims: readonly number[],
  expected: readonly Dimension[] | undefined,
  shapes: readonly Shape[] = [],
): void {
  const values = inputs.map((input) => ('elements' in input ? input : vector(input)));
  const names = [...values, ...shapes].map((_, index) => `i${String(index)}`);
  const result = foldNode({
    node: node(`o = ${operator}(${names.join(', ')})`, attributes),
    opset: 17,
    output: 0,
    dims,
    has: (index) => index < names.length,
    value: (index) => values[index],
    shape: (index) => values[index]?.dims ?? shapes[index - values.length],
    outputShape: () => dims,
    attributeTensor: (tensor) => readSmallTensor(tensor, undefined),
  });
  expect(result?.elements, operator).toEqual(expected);
  if (result !== undefined) expect(result.dims).toEqual(dims);
}

const real = (...elements: readonly number[]): PartialTensor => vector(elements, DataType.FLOAT);

describe('folding', () => {
  it('computes integers as integers', () => {
    checkFold('Div', [[7, -7], [2]], {}, [2], [3, -3]);
    checkFold('Div', [[7], [0]], {}, [1], [undefined]);
    checkFold('Mod', [[7, -7], [3]], {}, [2], [1, 2]);
    checkFold('Mod', [[7, -7], [3]], { fmod: 1 }, [2], [1, -1]);
    checkFold('Mul', [[2 ** 40], [2 ** 40]], {}, [1], [undefined]);
  });

  it('takes the largest and the smallest of its operands alone', () => {
    checkFold('Max', [[2, -3], [1]], {}, [2], [2, 1]);
    checkFold('Min', [[20, 30], [40]], {}, [2], [20, 30]);
    checkFold('Max', [real(0.5, -2), real(-1), real(0.25)], {}, [2], [0.5, 0.25]);
    checkFold('Min', [real(5), real(3)], {}, [1], [3]);
  });

  it('computes single precision as single precision', () => {
    checkFold('Mul', [real(Math.fround(0.7)), real(10)], {}, [1], [7]);
    checkFold('Div', [real(1), real(3)], {}, [1], [Math.fround(1 / 3)]);
    checkFold('Round', [real(0.5, 1.5, 2.5, -0.5)], {}, [4], [0, 2, 2, -0]);
    checkFold('Cast', [real(2.9, -2.9)], { to: DataType.INT64 }, [2], [2, -2]);
    checkFold('Cast', [real(-1)], { to: DataType.UINT8 }, [1], [undefined]);
  });

  it('keeps symbols where they stay what they are', () => {
    checkFold(
      'Add',
      [
        ['N', 'N'],
        [0, 1],
      ],
      {},
      [2],
      ['N', undefined],
    );
    checkFold(
      'Mul',
      [
        ['N', 'N'],
        [1, 0],
      ],
      {},
      [2],
      ['N', 0],
    );
    checkFold('Cast', [['N']], { to: DataType.FLOAT }, [1], ['N']);
    checkFold(
      'Equal',
      [
        ['N', 'N', 'N'],
        ['N', -1, 3],
      ],
      {},
      [3],
      [1, 0, undefined],
    );
  });

  it('moves elements', () => {
    checkFold('Shape', [], {}, [3], [2, 'N', undefined], [[2, 'N', undefined]]);
    checkFold('Concat', [[1, 'N'], [3]], { axis: 0 }, [3], [1, 'N', 3]);
    checkFold(
      'Gather',
      [
        [5, 6, 7],
        [-1, 0],
      ],
      {},
      [2],
      [7, 5],
    );
    checkFold('Slice', [[5, 6, 7, 8], [-1], [-100], [0], [-2]], {}, [2], [8, 6]);
    checkFold('Tile', [[1, 2], [2]], {}, [4], [1, 2, 1, 2]);
    const matrix: PartialTensor = { dataType: DataType.INT64, dims: [2, 3], elements: [1, 2, 3, 4, 5, 6] };
    checkFold('Transpose', [matrix], {}, [3, 2], [1, 4, 2, 5, 3, 6]);
    checkFold('ReduceSum', [matrix, [1]], {}, [2, 1], [6, 15]);
    checkFold('Concat', [matrix, matrix], { axis: 1 }, [2, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  });

  it('chooses and makes', () => {
    checkFold(
      'Where',
      [
        [1, 0, undefined, undefined],
        [1, 2, 3, 4],
        [5, 6, 3, 8],
      ],
      {},
      [4],
      [1, 6, 3, undefined],
    );
    checkFold('Range', [vector([2]), vector([9]), vector([3])], {}, [3], [2, 5, 8]);
    checkFold('ConstantOfShape', [[2]], { value: integers('', [7]) }, [2], [7, 7]);
    checkFold('Not', [vector([1, 0, undefined], DataType.BOOL)], {}, [3], [0, 1, undefined]);
  });

  it('leaves alone what it does not know', () => {
    checkFold('Sin', [real(1)], {}, [1], undefined);
    checkFold('com.example.Add', [[1], [2]], {}, [1], undefined);
  });
});

describe('reading a stored tensor', () => {
  it('gives its elements as numbers', () => {
    expect(readSmallTensor(integers('a', [1, -1, 9223372036854775807]), undefined)).toEqual(
      vector([1, -1, 2 ** 63]),
    );
    expect(readSmallTensor(floats('a', [2], [0.5, 2]), undefined)).toEqual(real(0.5, 2));
  });

  it('gives nothing for large ones and for types that are no plain numbers', () => {
    expect(readSmallTensor(floats('a', [1025]), undefined)).toBeUndefined();
    expect(readSmallTensor(halves('a', [2]), undefined)).toBeUndefined();
  });
});
