// Movement follows its ends: what is carried round must know both of them, in whatever order tensors are listed.
import { describe, expect, it } from 'vitest';
import { DataType } from '../../onnx/index.js';
import { movementTypes, type FreeMovement, type TypedEnd, type TypedTensor } from './movement-types.js';

const FP32: TypedEnd = { label: DataType.FLOAT };
const FP16: TypedEnd = { label: DataType.FLOAT16 };
const tie = (variable: number): TypedEnd => ({ variable });

const movement: FreeMovement = { originalType: DataType.FLOAT, ownTypes: [], isAllowed: () => true };

function tensor(writer: TypedEnd, reader: TypedEnd, depth = 0): TypedTensor {
  return {
    originalType: DataType.FLOAT,
    writer,
    depth,
    constantTypes: [],
    readers: [reader],
    castingReaders: [],
  };
}

/** The types of `count` movements, which must not depend on the order of the tensors. */
function checkTypes(count: number, tensors: readonly TypedTensor[], expected: readonly DataType[]): void {
  const movements = Array.from({ length: count }, () => movement);
  expect(movementTypes(movements, tensors)).toEqual(expected);
  expect(movementTypes(movements, [...tensors].reverse())).toEqual(expected);
}

describe('movement', () => {
  it('takes the type that most of its readers want, where that rounds nothing that was exact', () => {
    checkTypes(1, [tensor(FP16, tie(0)), tensor(tie(0), FP16), tensor(tie(0), FP32)], [DataType.FLOAT16]);
  });

  it('keeps exact what comes exact over other movement, and goes to a reader that wants it so', () => {
    checkTypes(
      2,
      [
        tensor(tie(0), FP16),
        tensor(tie(0), FP16),
        tensor(tie(0), FP16),
        tensor(tie(0), FP32),
        tensor(tie(1), tie(0)),
        tensor(FP32, tie(1)),
      ],
      [DataType.FLOAT, DataType.FLOAT],
    );
  });

  it('keeps exact what goes round before it is read', () => {
    checkTypes(
      3,
      [
        tensor(FP32, tie(0)),
        tensor(tie(0), tie(1)),
        tensor(tie(1), tie(2)),
        tensor(tie(2), tie(0)),
        tensor(tie(1), FP16),
        tensor(tie(1), FP16),
        tensor(tie(1), FP16),
        tensor(tie(2), FP32),
      ],
      [DataType.FLOAT, DataType.FLOAT, DataType.FLOAT],
    );
  });

  it('is cast as far out as can be', () => {
    checkTypes(1, [tensor(FP32, tie(0)), tensor(tie(0), FP16, 1)], [DataType.FLOAT16]);
    checkTypes(1, [tensor(FP16, tie(0), 1), tensor(tie(0), FP32)], [DataType.FLOAT16]);
    checkTypes(1, [tensor(FP32, tie(0)), tensor(tie(0), FP16)], [DataType.FLOAT]);
  });
});
