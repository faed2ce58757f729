/**
 * The pixels of a JPEG file, baseline or progressive. Decoders differ by a few levels in how they round and enlarge the
 * colours; where the exact numbers matter, samples are better saved as PNG or as arrays.
 */
import { decode } from 'jpeg-js';
import { MOST_PIXELS, type Picture } from './picture.js';
import { failure, success, type Outcome } from './types.js';

const MOST_MEGABYTES = 2048;

export function decodeJpeg(bytes: Uint8Array): Outcome<Picture> {
  try {
    const { width, height, data } = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      // What is missing is a fault, not a grey area.
      tolerantDecoding: false,
      maxResolutionInMP: MOST_PIXELS / 1e6,
      maxMemoryUsageInMB: MOST_MEGABYTES,
    });
    return success({ width, height, channels: 3, values: data });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failure('input-missing', `the JPEG picture cannot be decoded: ${reason}`);
  }
}
