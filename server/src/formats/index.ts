/** Number formats: rounding, range, neighbours. Imports nothing of ours. */
export * from './format.js';
export {
  FLOAT_FORMAT_NAMES,
  formatInformation,
  isFloatFormat,
  type FloatFormatName,
  type FormatInformation,
} from './information.js';
export { decodeFp16, encodeFp16 } from './fp16.js';
export { decodeBf16, encodeBf16 } from './bf16.js';
export { roundArray, roundTo } from './rounding.js';
export { neighbours, type Neighbours } from './neighbours.js';
export { countLost, type LostCounts } from './lost.js';
