/**
 * The three states of two tensors: all elements finite; infinities or NaN in the same places of both, which count as
 * equal; or an infinity or NaN in only one of them (or two different ones), which no metric can make good.
 */

export type Agreement = 'finite' | 'same-non-finite' | 'new-non-finite';

/** Compares where two tensors of one length are infinite or NaN. */
export function agreement(reference: Float32Array, actual: Float32Array): Agreement {
  let state: Agreement = 'finite';
  for (let i = 0; i < reference.length; i++) {
    const r = reference[i] ?? 0;
    const a = actual[i] ?? 0;
    const difference = a - r;
    // Only what is not finite differs from itself by something other than zero.
    if (difference - difference !== 0) {
      if (r !== a && !(Number.isNaN(r) && Number.isNaN(a))) return 'new-non-finite';
      state = 'same-non-finite';
    }
  }
  return state;
}

/** A copy with zeros in the place of infinities and NaN. */
export function withoutNonFinite(values: Float32Array): Float32Array {
  return values.map((value) => (Number.isFinite(value) ? value : 0));
}
