/**
 * How the magnitudes of an array are spread: counts over binades. A binade is divided where rounding to some format
 * changes what becomes of a number, so that what any format of ours does to the values follows exactly from the one
 * histogram. Rounds nothing.
 */
import { FLOAT_FORMAT_NAMES } from './information.js';
import { thresholdsOf } from './thresholds.js';

export interface Histogram {
  /** Elements that are 0. */
  readonly zeros: number;
  /** Finite elements below 0. */
  readonly negative: number;
  /** Elements that are infinite or NaN: in no bin. */
  readonly nonFinite: number;
  /** The smallest magnitude of each bin that holds something, ascending; a bin ends where a binade or the next bin begins. */
  readonly bounds: readonly number[];
  /** Elements in each of these bins. */
  readonly counts: readonly number[];
}

/** The values of an array: the largest, with its place, and how all of them are spread. */
export interface ValueRange {
  readonly elements: number;
  /** Largest magnitude of the finite elements; 0 where there is none. */
  readonly maxAbs: number;
  /** Index of the first element of that magnitude; -1 where no element is finite. */
  readonly maxIndex: number;
  /** Sum of the squares of the finite elements. */
  readonly squares: number;
  /** Elements that are NaN. */
  readonly nan: number;
  readonly histogram: Histogram;
}

const SMALLEST_EXPONENT = -1074;
const LARGEST_EXPONENT = 1023;

interface Bins {
  /** The smallest magnitude of each bin, ascending: all powers of two, and the thresholds between them. */
  readonly bounds: Float64Array;
  /** By exponent less the smallest one: the first bin of that binade, and behind the last binade the number of bins. */
  readonly firstOfBinade: Int32Array;
}

let bins: Bins | undefined;

function allBins(): Bins {
  if (bins !== undefined) return bins;
  const bounds = new Set<number>();
  for (let exponent = SMALLEST_EXPONENT; exponent <= LARGEST_EXPONENT; exponent++) bounds.add(2 ** exponent);
  for (const format of FLOAT_FORMAT_NAMES) {
    const { overflow, normal, nonZero } = thresholdsOf(format);
    for (const threshold of [overflow, normal, nonZero]) if (threshold < Infinity) bounds.add(threshold);
  }
  const sorted = Float64Array.from(bounds).sort();
  const firstOfBinade = new Int32Array(LARGEST_EXPONENT - SMALLEST_EXPONENT + 2);
  for (let exponent = SMALLEST_EXPONENT; exponent <= LARGEST_EXPONENT; exponent++) {
    firstOfBinade[exponent - SMALLEST_EXPONENT] = sorted.indexOf(2 ** exponent);
  }
  firstOfBinade[firstOfBinade.length - 1] = sorted.length;
  bins = { bounds: sorted, firstOfBinade };
  return bins;
}

const float64 = new Float64Array(1);
const float64Words = new Uint32Array(float64.buffer);
/** Which half of a Float64Array element holds sign and exponent. */
const UPPER_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Floor of the binary logarithm of a positive finite number. */
export function binadeOf(magnitude: number): number {
  float64[0] = magnitude;
  const field = ((float64Words[UPPER_WORD] ?? 0) >>> 20) & 0x7ff;
  // A subnormal of binary64 is a normal number once it is scaled.
  return field === 0 ? binadeOf(magnitude * 2 ** 52) - 52 : field - 1023;
}

/** Largest value and histogram of an array. FP64 values are taken as they are. */
export function rangeOfValues(values: Float32Array | Float64Array): ValueRange {
  const { bounds } = allBins();
  const counts = new Float64Array(bounds.length);
  const found = values instanceof Float32Array ? countSingles(values, counts) : countDoubles(values, counts);
  const { maxIndex, zeros, negative, nonFinite, nan, squares } = found;
  const filled = [...counts.keys()].filter((bin) => (counts[bin] ?? 0) > 0);
  return {
    elements: values.length,
    maxAbs: Math.abs(values[maxIndex] ?? 0),
    maxIndex,
    squares,
    nan,
    histogram: {
      zeros,
      negative,
      nonFinite,
      bounds: filled.map((bin) => bounds[bin] ?? 0),
      counts: filled.map((bin) => counts[bin] ?? 0),
    },
  };
}

/** What is counted beside the bins. */
interface Counted {
  readonly maxIndex: number;
  readonly zeros: number;
  readonly negative: number;
  readonly nonFinite: number;
  readonly nan: number;
  readonly squares: number;
}

const INFINITY_BITS = 0x7f800000;
/** FP32 magnitudes are looked up by their upper bits: exponent and the first four of the significand. */
const LOWER_BITS = 19;

/** The bin of an FP32 magnitude by its upper bits; the complement of the first of them where these do not tell it. */
let singleBins: Int16Array | undefined;

function binsOfSingles(): Int16Array {
  if (singleBins !== undefined) return singleBins;
  const magnitude = new Float32Array(1);
  const bits = new Uint32Array(magnitude.buffer);
  const binAt = (of: number): number => {
    bits[0] = of;
    return binOf(magnitude[0] ?? 0);
  };
  singleBins = Int16Array.from({ length: INFINITY_BITS >>> LOWER_BITS }, (_, upper) => {
    // Zero is in no bin; above it the first magnitude is the smallest one.
    const first = binAt(Math.max(1, upper << LOWER_BITS));
    return binAt(((upper + 1) << LOWER_BITS) - 1) === first ? first : ~first;
  });
  return singleBins;
}

function countSingles(values: Float32Array, counts: Float64Array): Counted {
  const { bounds } = allBins();
  const table = binsOfSingles();
  const allBits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let maxBits = -1;
  let maxIndex = -1;
  let zeros = 0;
  let negative = 0;
  let nonFinite = 0;
  let nan = 0;
  let squares = 0;
  for (let i = 0; i < allBits.length; i++) {
    const signed = allBits[i] ?? 0;
    // Magnitudes compare as their bits do.
    const bits = signed & 0x7fffffff;
    if (bits >= INFINITY_BITS) {
      nonFinite++;
      if (bits > INFINITY_BITS) nan++;
      continue;
    }
    if (bits > maxBits) {
      maxBits = bits;
      maxIndex = i;
    }
    if (bits === 0) {
      zeros++;
      continue;
    }
    negative += signed >>> 31;
    const value = values[i] ?? 0;
    squares += value * value;
    let bin = table[bits >>> LOWER_BITS] ?? 0;
    if (bin < 0) {
      bin = ~bin;
      const magnitude = Math.abs(value);
      while (magnitude >= (bounds[bin + 1] ?? Infinity)) bin++;
    }
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { maxIndex, zeros, negative, nonFinite, nan, squares };
}

function countDoubles(values: Float64Array, counts: Float64Array): Counted {
  let maxAbs = -1;
  let maxIndex = -1;
  let zeros = 0;
  let negative = 0;
  let nonFinite = 0;
  let nan = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const magnitude = Math.abs(value);
    if (!(magnitude < Infinity)) {
      nonFinite++;
      if (Number.isNaN(value)) nan++;
      continue;
    }
    if (magnitude > maxAbs) {
      maxAbs = magnitude;
      maxIndex = i;
    }
    if (magnitude === 0) {
      zeros++;
      continue;
    }
    if (value < 0) negative++;
    squares += magnitude * magnitude;
    const bin = binOf(magnitude);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { maxIndex, zeros, negative, nonFinite, nan, squares };
}

/** The place of the bin of a positive finite magnitude. */
function binOf(magnitude: number): number {
  const { bounds, firstOfBinade } = allBins();
  let bin = firstOfBinade[binadeOf(magnitude) - SMALLEST_EXPONENT] ?? 0;
  while (magnitude >= (bounds[bin + 1] ?? Infinity)) bin++;
  return bin;
}

/** The histogram of both arrays together. */
export function mergeHistograms(a: Histogram, b: Histogram): Histogram {
  const counts = new Map<number, number>();
  for (const { bounds, counts: own } of [a, b]) {
    for (const [index, bound] of bounds.entries()) {
      counts.set(bound, (counts.get(bound) ?? 0) + (own[index] ?? 0));
    }
  }
  const sorted = [...counts].sort(([first], [second]) => first - second);
  return {
    zeros: a.zeros + b.zeros,
    negative: a.negative + b.negative,
    nonFinite: a.nonFinite + b.nonFinite,
    bounds: sorted.map(([bound]) => bound),
    counts: sorted.map(([, count]) => count),
  };
}

/**
 * The histogram of the values times a power of two. A bin that is divided elsewhere after scaling is taken as a whole, by its
 * smallest value: exact for counts that are bounded by powers of two, and to the width of a bin for others.
 */
export function scaledHistogram({ bounds, ...rest }: Histogram, scale: number): Histogram {
  return { ...rest, bounds: bounds.map((bound) => bound * scale) };
}

/** Elements by binade: pairs of an exponent e and how many magnitudes are from 2^e up to 2^(e+1), ascending. */
export function binadesOf({
  bounds,
  counts,
}: Histogram): readonly (readonly [exponent: number, count: number])[] {
  const binades = new Map<number, number>();
  for (const [index, bound] of bounds.entries()) {
    const exponent = binadeOf(bound);
    binades.set(exponent, (binades.get(exponent) ?? 0) + (counts[index] ?? 0));
  }
  return [...binades];
}
