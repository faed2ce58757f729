/** A decoded picture, whatever file it comes from. Data only. */

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (and alpha). */
  readonly channels: 1 | 2 | 3 | 4;
  /** Row by row, the channels of a pixel together, each from 0 to 255; of 16-bit pictures with fractions. */
  readonly values: Uint8Array | Float64Array;
}

/** More pixels than any model takes: a header that says so lies, or costs gigabytes. */
export const MOST_PIXELS = 1e8;
