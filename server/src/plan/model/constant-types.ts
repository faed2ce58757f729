/**
 * Which types hold the values of a constant unrounded. Small constants are looked at, weights are taken to need the type
 * that they have. Reads elements; knows no graph.
 */
import { roundTo } from '../../formats/index.js';
import { DataType, elementCount, type Model, type Tensor } from '../../onnx/index.js';
import { floatsOf } from './float-values.js';

/** Paddings, scalars and axes are below this, weights above: only the former are worth a look into the file. */
const MOST_ELEMENTS = 64;

/** Whether constants of this type can be stored in another floating-point type. */
export function isConvertible(type: DataType): boolean {
  return (
    type === DataType.FLOAT ||
    type === DataType.DOUBLE ||
    type === DataType.FLOAT16 ||
    type === DataType.BFLOAT16
  );
}

/** Elements are read once for each tensor: plans change with every keystroke, constants never. */
const remembered = new WeakMap<Tensor, readonly DataType[]>();

/** Types of which one must be able to hold what a constant is read as; none if FP16 and BF16 both hold it. */
export function constantTypes(tensor: Tensor | undefined, model: Model): readonly DataType[] {
  if (tensor === undefined) return [];
  const known = remembered.get(tensor);
  if (known !== undefined) return known;
  const types = findTypes(tensor, model);
  remembered.set(tensor, types);
  return types;
}

function findTypes(tensor: Tensor, model: Model): readonly DataType[] {
  const values = smallValues(tensor, model);
  if (values === undefined) return [tensor.dataType];
  const isExact = (format: 'fp16' | 'bf16'): boolean =>
    values.every((value) => Object.is(roundTo(format, value), value));
  const fp16 = isExact('fp16');
  const bf16 = isExact('bf16');
  if (fp16 && bf16) return [];
  if (fp16) return [DataType.FLOAT16];
  return bf16 ? [DataType.BFLOAT16] : [tensor.dataType];
}

function smallValues(tensor: Tensor, model: Model): readonly number[] | undefined {
  const values = elementCount(tensor) > MOST_ELEMENTS ? undefined : floatsOf(tensor, model);
  return values === undefined ? undefined : [...values];
}
