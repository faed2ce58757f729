/**
 * Element types as number formats: which type a format is, and which type holds all values of another. Knows
 * nothing of models.
 */
import type { RunFormat } from '../../formats/index.js';
import { DataType } from '../../onnx/index.js';

const TYPES: Readonly<Record<RunFormat, DataType>> = {
  fp32: DataType.FLOAT,
  fp16: DataType.FLOAT16,
  bf16: DataType.BFLOAT16,
};

/** The element type in which a format is stored. */
export function typeOfFormat(format: RunFormat): DataType {
  return TYPES[format];
}

/** The format of an element type; undefined for types that no layer can be given. */
export function formatOfType(type: DataType): RunFormat | undefined {
  if (type === DataType.FLOAT) return 'fp32';
  if (type === DataType.FLOAT16) return 'fp16';
  return type === DataType.BFLOAT16 ? 'bf16' : undefined;
}

/** Whether every value of `inner` is a value of `outer`. */
export function holdsAllOf(outer: DataType, inner: DataType): boolean {
  if (outer === inner || outer === DataType.DOUBLE) return true;
  return outer === DataType.FLOAT && (inner === DataType.FLOAT16 || inner === DataType.BFLOAT16);
}
