/**
 * Throughput of the conversions between FP32 and the narrower formats, of quantizers and of the counts and metrics over
 * whole arrays, in million elements a second on one core, and of sums of products, in million products:
 * `npm run bench -- formats [ELEMENTS]`. The best of several passes, and the median. Three kinds of data, since a
 * conversion that branches on the data is fast on one and slow on another.
 */
import {
  type Accumulation,
  chooseQuantization,
  countLost,
  decodeBf16,
  decodeDlfloat16,
  decodeFp16,
  decodeSmall,
  encodeBf16,
  encodeDlfloat16,
  encodeFp16,
  encodeSmall,
  matMul,
  quantizeArray,
  roundArray,
  roundArrayStochastically,
  seededBits,
} from '../../server/src/formats/index.js';
import { measure } from '../../server/src/metrics/index.js';

const PASSES = 25;
/** For what is slow enough to be measured well in a few. */
const FEW_PASSES = 5;
const elements = Number(process.argv[2] ?? 2 ** 22);

/** Numbers of the size that activations have. */
function activations(): Float32Array {
  return Float32Array.from({ length: elements }, () => (Math.random() - 0.5) * 20);
}

/** Every other number too small or too large for FP16, in no order. */
function wide(): Float32Array {
  return Float32Array.from(
    { length: elements },
    () => (Math.random() - 0.5) * 2 ** ((Math.random() - 0.5) * 64),
  );
}

/** FP32 bit patterns, NaN and infinities among them. */
function patterns(): Float32Array {
  const bits = Uint32Array.from({ length: elements }, () => Math.random() * 2 ** 32);
  return new Float32Array(bits.buffer);
}

function report(name: string, work: () => unknown, items = elements, passes = PASSES): void {
  const times = Array.from({ length: passes }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  const rate = (milliseconds: number) => (items / milliseconds / 1000).toFixed(0).padStart(6);
  console.log(`${name.padEnd(34)}${rate(times[0] ?? NaN)}${rate(times[passes >> 1] ?? NaN)}`);
}

console.log(`million elements a second, ${elements} elements, Node ${process.version}`);
console.log(`${''.padEnd(34)}  best median`);
for (const [name, values] of Object.entries({
  activations: activations(),
  wide: wide(),
  patterns: patterns(),
})) {
  const codes = new Uint16Array(elements);
  const back = new Float32Array(elements);
  report(`${name}: fp32 -> fp16`, () => encodeFp16(values, codes));
  report(`${name}: fp32 -> fp16, saturate`, () => encodeFp16(values, codes, 'saturate'));
  report(`${name}: fp16 -> fp32`, () => decodeFp16(codes, back));
  report(`${name}: fp32 -> bf16`, () => encodeBf16(values, codes));
  report(`${name}: bf16 -> fp32`, () => decodeBf16(codes, back));
  report(`${name}: fp32 -> dlfloat16`, () => encodeDlfloat16(values, codes));
  report(`${name}: dlfloat16 -> fp32`, () => decodeDlfloat16(codes, back));
  const bytes = new Uint8Array(elements);
  report(`${name}: fp32 -> fp8_e4m3`, () => encodeSmall('fp8_e4m3', values, bytes));
  report(`${name}: fp8_e4m3 -> fp32`, () => decodeSmall('fp8_e4m3', bytes, back));
  report(`${name}: round to fp8_e4m3`, () => roundArray('fp8_e4m3', values, back));
  report(`${name}: round to fp4_radix4`, () => roundArray('fp4_radix4', values, back));
  const random = seededBits(1);
  for (const format of ['fp16', 'fp8_e4m3'] as const) {
    const work = () => roundArrayStochastically(format, values, random, back);
    report(`${name}: stochastic to ${format}`, work, elements, FEW_PASSES);
  }
  report(`${name}: round to fp16`, () => roundArray('fp16', values, back));
  report(`${name}: round to bf16`, () => roundArray('bf16', values, back));
  report(`${name}: count lost in fp16`, () => countLost('fp16', values));
}
const reference = activations();
const rounded = roundArray('fp16', reference);
report('activations: relative_l2', () => measure({ name: 'relative_l2' }, reference, rounded, [elements]));

const quantization = chooseQuantization(
  { format: 'int8', choice: { name: 'minmax' }, symmetric: true },
  [reference],
  [elements],
);
const quantized = new Int8Array(elements);
report('activations: fp32 -> int8', () => quantizeArray(quantization, reference, [elements], quantized));
for (const name of ['minmax', 'mse', 'sawb', 'learned'] as const) {
  const wish = { format: 'int8', choice: { name }, symmetric: true } as const;
  report(
    `activations: scale by ${name}`,
    () => chooseQuantization(wish, [reference], [elements]),
    elements,
    1,
  );
}

const side = 256;
const matrix = (offset: number) => ({
  values: rounded.subarray(offset, offset + side * side),
  shape: [side, side],
});
const accumulations: Readonly<Record<string, Accumulation>> = {
  fp32: { kind: 'fp32' },
  fp16: { kind: 'fp16' },
  'chunked(64)': { kind: 'chunked', length: 64 },
};
for (const [name, accumulation] of Object.entries(accumulations)) {
  const multiply = () => matMul(matrix(0), matrix(side * side), { accumulation });
  report(`matrices of ${side}: sums in ${name}`, multiply, side ** 3, FEW_PASSES);
  const random = seededBits(1);
  const stochastic = () => matMul(matrix(0), matrix(side * side), { accumulation, random });
  report(`  stochastic`, stochastic, side ** 3, FEW_PASSES);
}
