/** Uniform quantizers: scales, how they are chosen, and what they do to arrays. */
export {
  dequantizeArray,
  integerRange,
  quantizeArray,
  type IntegerRange,
  type Quantization,
  roundQuantized,
  type Scale,
} from './quantization.js';
export { scaleOf, type ScaleTarget, type ValueRange } from './value-range.js';
export { leastErrorRange, minmaxRange, percentileRange, sawbRange } from './choose-range.js';
export { learnedRange } from './learned-range.js';
export { chooseQuantization, type QuantizationWish, type RangeChoice } from './choose.js';
