/** Sums of products as hardware makes them: in FP32, in FP16, in chunks of FP16. */
export { type Accumulation, dot, type Summation } from './accumulation.js';
export { gemm, type GemmOptions, type ShapedValues, matMul } from './matmul.js';
export { conv, type ConvOptions } from './conv.js';
