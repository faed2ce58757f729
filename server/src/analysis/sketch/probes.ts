/** The vectors that an output is multiplied by from the left. Pure; knows how many elements an output has, no model. */
import { seededBits } from '../../formats/index.js';

/**
 * K rows over an output of `elements` elements, scaled so that the sum over the rows of (row . d)^2 is, or is on average,
 * |d|^2 times `scale` squared: unit vectors where there are at most K elements, otherwise random signs (M. F. Hutchinson, "A
 * stochastic estimator of the trace of the influence matrix", 1989) divided by the root of K.
 *
 * @param row K x `elements`, in C order.
 */
export function probeRows(elements: number, probes: number, scale: number, seed: number): Float32Array {
  const rows = new Float32Array(elements * probes);
  if (isExact(elements, probes)) {
    for (let at = 0; at < elements; at++) rows[at * elements + at] = scale;
    return rows;
  }
  const bits = seededBits(seed);
  const value = Math.fround(scale / Math.sqrt(probes));
  let drawn = 0;
  for (let at = 0; at < rows.length; at++) {
    if (at % 32 === 0) drawn = bits.next();
    rows[at] = (drawn & 1) === 1 ? value : -value;
    drawn >>>= 1;
  }
  return rows;
}

/** Whether that many probes tell an output's error exactly. */
export function isExact(elements: number, probes: number): boolean {
  return elements <= probes;
}
