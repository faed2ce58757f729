/** Number formats: rounding, range, neighbours, quantizers and accumulation. Imports nothing of ours. */
export * from './format.js';
export {
  FLOAT_FORMAT_NAMES,
  formatInformation,
  isFloatFormat,
  largestNumber,
  type FormatInformation,
} from './information.js';
export { CAST_ENERGY, multiplyAddEnergy } from './arithmetic-energy.js';
export { bitsOf } from './storage-bits.js';
export { decodeFp16, encodeFp16 } from './fp16.js';
export { decodeBf16, encodeBf16 } from './bf16.js';
export { decodeDlfloat16, encodeDlfloat16 } from './dlfloat16.js';
export { decodeSmall, encodeSmall } from './small-arrays.js';
export { roundArray, roundTo } from './rounding.js';
export { roundArrayStochastically } from './stochastic.js';
export { seededBits, type RandomBits } from './random.js';
export { neighbours, type Neighbours } from './neighbours.js';
export { countLost, type LostCounts } from './lost.js';
export {
  binadeOf,
  binadesOf,
  mergeHistograms,
  rangeOfValues,
  scaledHistogram,
  type Histogram,
  type ValueRange,
} from './histogram.js';
export { thresholdsOf, type Thresholds } from './thresholds.js';
export { integerLossOf, lossOf, recommendedScale, type FormatLoss } from './histogram-loss.js';
export * from './quantization/index.js';
export * from './accumulation/index.js';
