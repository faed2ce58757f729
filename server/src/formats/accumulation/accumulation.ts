/**
 * How long sums are added up: in which format, in one run or in chunks, and how each addition is rounded. The dot product
 * is here, in the loop that all operators share; the operators are beside it.
 *
 * Products are exact, as in the multipliers that feed a wider adder; what is rounded is each partial sum. In FP16 a sum
 * stops growing once its terms are below half its spacing (swamping), which chunks avoid: Wang et al., "Training Deep
 * Neural Networks with 8-bit Floating Point Numbers" (NeurIPS 2018).
 */
import { formatInformation } from '../information.js';
import type { RandomBits } from '../random.js';

export type Accumulation =
  | { readonly kind: 'fp32' | 'fp16' }
  /** Runs of `length` products, 1 or more, are summed in FP16, from zero, and their sums in FP16 in turn. */
  | { readonly kind: 'chunked'; readonly length: number }
  /**
   * `count` sums, 1 or more, side by side, each of every `count`-th product; then those of the second half are added to those of
   * the first until one is left. All in FP16, as programs of graphics devices add up.
   */
  | { readonly kind: 'lanes'; readonly count: number };

export interface Summation {
  readonly accumulation: Accumulation;
  /** Rounds every addition stochastically with these bits; left out, to nearest, ties to even. */
  readonly random?: RandomBits;
}

/**
 * Many dot products: `out[i * columns + j]` of row `i` of the one operand with row `j` of the other, each `inner` long
 * and in this order. Products of values with at most 24 bits of significand are exact to 53 bits.
 */
export type DotProducts = (
  rows: number,
  columns: number,
  inner: number,
  left: Float32Array,
  leftOffset: number,
  right: Float32Array,
  rightOffset: number,
  out: Float32Array,
  outOffset: number,
) => void;

/** What rounds a sum: for each exponent of a binary64 number how far apart the numbers of the format are there. */
interface Spacings {
  /** Adding and taking away 1.5 x 2^52 spacings leaves a multiple of the spacing, ties to even. */
  readonly magic: Float64Array;
  readonly spacing: Float64Array;
  readonly largest: number;
}

function spacingsOf(format: 'fp16' | 'fp32'): Spacings {
  const { significandBits, bias, largest } = formatInformation(format);
  const spacing = Float64Array.from(
    { length: 2048 },
    (_, exponent) => 2 ** (Math.min(Math.max(exponent - 1023, 1 - bias), bias + 1) - significandBits),
  );
  return { spacing, magic: spacing.map((step) => 1.5 * 2 ** 52 * step), largest };
}

const SPACINGS = { fp16: spacingsOf('fp16'), fp32: spacingsOf('fp32') };

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Which half of a binary64 number holds sign and exponent. */
const UPPER = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The dot products of a way of summing. */
export function dotProducts({ accumulation, random }: Summation): DotProducts {
  const { kind } = accumulation;
  if (kind === 'fp32' && random === undefined) return inFp32;
  const spacings = SPACINGS[kind === 'fp32' ? 'fp32' : 'fp16'];
  const rounded = random === undefined ? toNearest(spacings) : stochastically(spacings, random);
  if (accumulation.kind === 'lanes') {
    if (!(accumulation.count >= 1)) throw new RangeError(`sums in ${accumulation.count} lanes`);
    return inLanes(rounded, accumulation.count);
  }
  const chunk = accumulation.kind === 'chunked' ? accumulation.length : Infinity;
  if (!(chunk >= 1)) throw new RangeError(`chunks of ${chunk} products`);
  return inChunks(rounded, chunk);
}

const inFp32: DotProducts = (rows, columns, inner, left, leftOffset, right, rightOffset, out, outOffset) => {
  for (let i = 0; i < rows; i++) {
    const row = leftOffset + i * inner;
    for (let j = 0; j < columns; j++) {
      const column = rightOffset + j * inner;
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum = Math.fround(sum + (left[row + k] ?? 0) * (right[column + k] ?? 0));
      }
      out[outOffset + i * columns + j] = sum;
    }
  }
};

/** One sum to a number of the accumulator's format. */
type Rounded = (sum: number) => number;

/** Each addition rounded, in chunks. A chunk of infinite length is the whole sum. */
function inChunks(rounded: Rounded, chunk: number): DotProducts {
  return (rows, columns, inner, left, leftOffset, right, rightOffset, out, outOffset) => {
    for (let i = 0; i < rows; i++) {
      const row = leftOffset + i * inner;
      for (let j = 0; j < columns; j++) {
        const column = rightOffset + j * inner;
        let total = 0;
        for (let start = 0; start < inner; start += chunk) {
          const end = Math.min(start + chunk, inner);
          let sum = 0;
          for (let k = start; k < end; k++) {
            sum = rounded(sum + (left[row + k] ?? 0) * (right[column + k] ?? 0));
          }
          total = start === 0 ? sum : rounded(total + sum);
        }
        out[outOffset + i * columns + j] = total;
      }
    }
  };
}

/** Each addition rounded, in sums side by side. A lane without products is 0. */
function inLanes(rounded: Rounded, count: number): DotProducts {
  return (rows, columns, inner, left, leftOffset, right, rightOffset, out, outOffset) => {
    const lanes = new Float64Array(count);
    for (let i = 0; i < rows; i++) {
      const row = leftOffset + i * inner;
      for (let j = 0; j < columns; j++) {
        const column = rightOffset + j * inner;
        lanes.fill(0);
        for (let k = 0; k < inner; k++) {
          const lane = k % count;
          lanes[lane] = rounded((lanes[lane] ?? 0) + (left[row + k] ?? 0) * (right[column + k] ?? 0));
        }
        for (let many = count; many > 1; many = Math.ceil(many / 2)) {
          const half = Math.ceil(many / 2);
          for (let lane = 0; lane + half < many; lane++) {
            lanes[lane] = rounded((lanes[lane] ?? 0) + (lanes[lane + half] ?? 0));
          }
        }
        out[outOffset + i * columns + j] = lanes[0] ?? 0;
      }
    }
  };
}

function toNearest({ magic, largest }: Spacings): Rounded {
  return (sum) => {
    double[0] = sum;
    const step = magic[((words[UPPER] ?? 0) >>> 20) & 0x7ff] ?? 0;
    const result = sum + step - step;
    // What becomes zero keeps its sign, which the addition took.
    return result === 0 ? sum * 0 : bounded(result, largest);
  };
}

const DRAWS = 2 ** 32;

/** To either neighbour, the upper one as often as the sum is near to it. */
function stochastically({ spacing, largest }: Spacings, random: RandomBits): Rounded {
  return (sum) => {
    double[0] = sum;
    const step = spacing[((words[UPPER] ?? 0) >>> 20) & 0x7ff] ?? 0;
    const steps = sum / step;
    const below = Math.floor(steps);
    if (!(steps > below)) return bounded(sum, largest);
    const result = (random.next() < (steps - below) * DRAWS ? below + 1 : below) * step;
    return result === 0 ? sum * 0 : bounded(result, largest);
  };
}

function bounded(sum: number, largest: number): number {
  return sum > largest ? Infinity : sum < -largest ? -Infinity : sum;
}

/** The sum of products of two arrays of one length. */
export function dot(left: Float32Array, right: Float32Array, summation: Summation): number {
  const out = new Float32Array(1);
  dotProducts(summation)(1, 1, Math.min(left.length, right.length), left, 0, right, 0, out, 0);
  return out[0] ?? 0;
}
