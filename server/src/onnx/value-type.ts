/**
 * Value types as text and by comparison: what is written in messages and looked up in schemas. Element types
 * and containers only; shapes play no part here.
 */
import type { DataType, ValueType } from './model.js';
import { dataTypeName } from './schemas.js';

/** A tensor of this element type and of unknown shape. */
export function tensorOf(elementType: DataType): ValueType {
  return { kind: 'tensor', elementType, shape: undefined };
}

/** The type in the standard's notation: `tensor(float16)`, `seq(tensor(float))`, `map`. */
export function typeName(type: ValueType): string {
  switch (type.kind) {
    case 'tensor':
      return `tensor(${dataTypeName(type.elementType)})`;
    case 'sparse':
      return `sparse_tensor(${dataTypeName(type.elementType)})`;
    case 'sequence':
      return `seq(${typeName(type.element)})`;
    case 'optional':
      return `optional(${typeName(type.element)})`;
    case 'map':
    case 'opaque':
      return type.kind;
  }
}

/** Whether two types have the same containers and element type, whatever their shapes. */
export function sameType(a: ValueType, b: ValueType): boolean {
  return typeName(a) === typeName(b);
}
