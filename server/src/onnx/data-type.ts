/** Numbers of files as members of `DataType`. */
import { DataType } from './model.js';

const TYPES: ReadonlyMap<number, DataType> = new Map(
  Object.values(DataType)
    .filter((value) => typeof value === 'number')
    .map((value) => [value, value]),
);

/** The element type of that number; UNDEFINED for the types of a later standard, which stay in the file as they are. */
export function dataTypeOf(value: number): DataType {
  return TYPES.get(value) ?? DataType.UNDEFINED;
}
