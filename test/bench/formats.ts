/**
 * Throughput of the conversions between FP32, FP16 and BF16 and of the counts and metrics over whole arrays, in million
 * elements a second on one core: `npm run bench -- formats [ELEMENTS]`. The best of several passes, and the median.
 * Three kinds of data, since a conversion that branches on the data is fast on one and slow on another.
 */
import {
  countLost,
  decodeBf16,
  decodeFp16,
  encodeBf16,
  encodeFp16,
  roundArray,
} from '../../server/src/formats/index.js';
import { measure } from '../../server/src/metrics/index.js';

const PASSES = 25;
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

function report(name: string, work: () => unknown): void {
  const times = Array.from({ length: PASSES }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  const rate = (milliseconds: number) => (elements / milliseconds / 1000).toFixed(0).padStart(6);
  console.log(`${name.padEnd(34)}${rate(times[0] ?? NaN)}${rate(times[PASSES >> 1] ?? NaN)}`);
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
  report(`${name}: round to fp16`, () => roundArray('fp16', values, back));
  report(`${name}: round to bf16`, () => roundArray('bf16', values, back));
  report(`${name}: count lost in fp16`, () => countLost('fp16', values));
}
const reference = activations();
const rounded = roundArray('fp16', reference);
report('activations: relative_l2', () => measure({ name: 'relative_l2' }, reference, rounded, [elements]));
