/** The element types that a sample can have: width, kind and range. Knows no files. */
import { DataType } from '../../onnx/index.js';

export interface FloatType {
  readonly kind: 'float';
  readonly name: string;
  readonly bytes: number;
}

/** Booleans count as integers from 0 to 1. */
export interface IntegerType {
  readonly kind: 'integer';
  readonly name: string;
  readonly bytes: number;
  readonly signed: boolean;
  readonly lowest: bigint;
  readonly highest: bigint;
}

export type ElementType = FloatType | IntegerType;

function float(name: string, bytes: number): FloatType {
  return { kind: 'float', name, bytes };
}

function signed(bits: number): IntegerType {
  const half = 2n ** BigInt(bits - 1);
  return {
    kind: 'integer',
    name: `int${bits}`,
    bytes: bits / 8,
    signed: true,
    lowest: -half,
    highest: half - 1n,
  };
}

function unsigned(bits: number): IntegerType {
  const highest = 2n ** BigInt(bits) - 1n;
  return { kind: 'integer', name: `uint${bits}`, bytes: bits / 8, signed: false, lowest: 0n, highest };
}

const TYPES: Partial<Record<DataType, ElementType>> = {
  [DataType.FLOAT]: float('float32', 4),
  [DataType.DOUBLE]: float('float64', 8),
  [DataType.FLOAT16]: float('float16', 2),
  [DataType.BFLOAT16]: float('bfloat16', 2),
  [DataType.INT8]: signed(8),
  [DataType.INT16]: signed(16),
  [DataType.INT32]: signed(32),
  [DataType.INT64]: signed(64),
  [DataType.UINT8]: unsigned(8),
  [DataType.UINT16]: unsigned(16),
  [DataType.UINT32]: unsigned(32),
  [DataType.UINT64]: unsigned(64),
  [DataType.BOOL]: { ...unsigned(8), name: 'bool', highest: 1n },
};

/** A model may have a number there that no name stands for. */
const ONNX_NAMES: Partial<Record<number, string>> = DataType;

/** Undefined for types that no sample can have: strings, complex numbers, formats of a byte and less. */
export function elementTypeOf(dataType: DataType): ElementType | undefined {
  return TYPES[dataType];
}

/** The type's name as NumPy has it, or the one of onnx.proto. */
export function nameOf(dataType: DataType): string {
  return TYPES[dataType]?.name ?? ONNX_NAMES[dataType]?.toLowerCase() ?? `type ${dataType}`;
}
