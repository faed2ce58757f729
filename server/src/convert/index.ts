/** Model and decisions to the mixed-precision model's bytes, or why not. */
export { convert, convertSteps } from './convert.js';
export type {
  Conversion,
  ConversionProblem,
  ConversionResult,
  ConversionSummary,
  ConversionWarning,
  ConvertOptions,
} from './problem.js';
