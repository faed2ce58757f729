/** Model and decisions to the mixed-precision model's bytes, or why not. */
export { convert } from './convert.js';
export type {
  Conversion,
  ConversionProblem,
  ConversionResult,
  ConversionSummary,
  ConversionWarning,
  ConvertOptions,
} from './problem.js';
