/** The sums of squares that `relative_l2`, `sqnr` and `psnr` are made of. Squares of FP32 numbers fit in a double. */

export interface Squares {
  /** Sum of squared differences. */
  readonly error: number;
  /** Sum of squared references. */
  readonly reference: number;
  /** Largest squared reference. */
  readonly peak: number;
}

export function squares(reference: Float32Array, actual: Float32Array): Squares {
  let error = 0;
  let total = 0;
  let peak = 0;
  for (let i = 0; i < reference.length; i++) {
    const r = reference[i] ?? 0;
    const difference = (actual[i] ?? 0) - r;
    const square = r * r;
    error += difference * difference;
    total += square;
    if (square > peak) peak = square;
  }
  return { error, reference: total, peak };
}

/** 10 log10(signal / noise) in dB: infinite without noise, minus infinity where there is nothing but noise. */
export function decibels(signal: number, noise: number): number {
  if (noise === 0) return Infinity;
  return signal === 0 ? -Infinity : 10 * Math.log10(signal / noise);
}
