/** The typed arrays that can be stored. Their place in the list is their code in the encoding: add at the end only. */

interface ElementType {
  readonly name: string;
  readonly size: number;
  make(buffer: ArrayBuffer): ArrayBufferView;
}

export const elementTypes: readonly ElementType[] = [
  { name: 'Int8Array', size: 1, make: (buffer) => new Int8Array(buffer) },
  { name: 'Uint8Array', size: 1, make: (buffer) => new Uint8Array(buffer) },
  { name: 'Uint8ClampedArray', size: 1, make: (buffer) => new Uint8ClampedArray(buffer) },
  { name: 'Int16Array', size: 2, make: (buffer) => new Int16Array(buffer) },
  { name: 'Uint16Array', size: 2, make: (buffer) => new Uint16Array(buffer) },
  { name: 'Int32Array', size: 4, make: (buffer) => new Int32Array(buffer) },
  { name: 'Uint32Array', size: 4, make: (buffer) => new Uint32Array(buffer) },
  { name: 'Float32Array', size: 4, make: (buffer) => new Float32Array(buffer) },
  { name: 'Float64Array', size: 8, make: (buffer) => new Float64Array(buffer) },
  { name: 'BigInt64Array', size: 8, make: (buffer) => new BigInt64Array(buffer) },
  { name: 'BigUint64Array', size: 8, make: (buffer) => new BigUint64Array(buffer) },
];

/** `Float32Array` and the like; a Node buffer is a `Uint8Array`. */
export function typedArrayName(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice('[object '.length, -1);
}
