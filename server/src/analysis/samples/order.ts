/** Elements in the order that ONNX wants: little-endian, C-ordered. Knows bytes only, not what they mean. */

/** A copy with the bytes of every element reversed. */
export function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  const swapped = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += width) {
    for (let i = 0; i < width; i++) swapped[start + i] = bytes[start + width - 1 - i] ?? 0;
  }
  return swapped;
}

/** A C-ordered copy (last axis fastest) of Fortran-ordered elements (first axis fastest). */
export function fromFortranOrder(bytes: Uint8Array, width: number, dims: readonly number[]): Uint8Array {
  const ordered = new Uint8Array(bytes.length);
  const index = dims.map(() => 0);
  const strides = dims.map((_, axis) => dims.slice(0, axis).reduce((stride, dim) => stride * dim, width));
  let source = 0;
  for (let target = 0; target < bytes.length; target += width) {
    for (let i = 0; i < width; i++) ordered[target + i] = bytes[source + i] ?? 0;
    // The next index in C order, and where Fortran order keeps it.
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      if (next < (dims[axis] ?? 0)) {
        index[axis] = next;
        source += stride;
        break;
      }
      index[axis] = 0;
      source -= (next - 1) * stride;
    }
  }
  return ordered;
}

/** A copy of the elements of C-ordered `bytes` that have `position` on `axis`. */
export function sliceAxis(
  bytes: Uint8Array,
  width: number,
  dims: readonly number[],
  axis: number,
  position: number,
): Uint8Array {
  const run = dims.slice(axis + 1).reduce((length, dim) => length * dim, width);
  const outer = dims.slice(0, axis).reduce((count, dim) => count * dim, 1);
  const slice = new Uint8Array(outer * run);
  const step = run * (dims[axis] ?? 0);
  for (let o = 0; o < outer; o++) {
    const start = o * step + position * run;
    slice.set(bytes.subarray(start, start + run), o * run);
  }
  return slice;
}
