/** Writes `.npy` files for tests, faults included. Not part of the product. */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export interface NpyFixture {
  readonly descr?: string;
  readonly fortran?: boolean;
  readonly shape: readonly number[];
  readonly version?: 1 | 2 | 3;
}

/** A whole file: header as `numpy.save` writes it, then the bytes of `values`. */
export function npyBytes(
  values: ArrayBufferView,
  { descr = '<f4', fortran = false, shape, version = 1 }: NpyFixture,
): Uint8Array {
  const list = shape.length === 1 ? `${shape[0] ?? 0},` : shape.join(', ');
  const order = fortran ? 'True' : 'False';
  const dictionary = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${list}), }`;
  const start = version === 1 ? 10 : 12;
  // Padded with spaces and a line feed to a multiple of 64.
  const length = Math.ceil((start + dictionary.length + 1) / 64) * 64;
  const header = dictionary.padEnd(length - start - 1) + '\n';
  const bytes = new Uint8Array(length + values.byteLength);
  bytes.set([...MAGIC, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, length - start, true);
  else view.setUint32(8, length - start, true);
  bytes.set(new TextEncoder().encode(header), start);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), length);
  return bytes;
}
