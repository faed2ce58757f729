/**
 * The random numbers of the generators. The same on every platform and in every version: only integer arithmetic and
 * the operations that IEEE 754 defines to the last bit (not Math.log, Math.cos, whose last bit is the engine's choice).
 */
import { createHash } from 'node:crypto';

/** A stream of random numbers. */
export interface Random {
  /** An integer from 0 to 2^32 - 1. */
  next(): number;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/**
 * xoshiro128** (Blackman and Vigna, 2018) with the first 16 bytes of the SHA-256 of `seed` as its state, so that seeds
 * that differ in anything give streams that have nothing in common.
 */
export function createRandom(seed: string): Random {
  const digest = createHash('sha256').update(seed, 'utf8').digest();
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  // The state of four zeros, which would stay there, is ruled out.
  let d = digest.readUInt32LE(12) | 1;
  return {
    next() {
      const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = rotate(d, 11);
      return result;
    },
  };
}

/** A number from 0 to 1, 1 excluded, with 53 random bits. */
export function uniform(random: Random): number {
  const high = random.next() >>> 5;
  const low = random.next() >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}

/** An integer from `low` to `high`, both included, each as likely: numbers from an incomplete last round are drawn again. */
export function integer(random: Random, low: number, high: number): number {
  const choices = high - low + 1;
  const rounds = 2 ** 53 - (2 ** 53 % choices);
  for (;;) {
    const drawn = uniform(random) * 2 ** 53;
    if (drawn < rounds) return low + (drawn % choices);
  }
}

const LN_2 = 0.6931471805599453;

/**
 * Natural logarithm of a number from 2^-1022 up to 1, to about the last bit, in exactly defined operations: the number
 * is m 2^e with m from 0.75 to 1.5, and ln m = 2 artanh((m - 1) / (m + 1)) as its power series.
 */
export function logarithm(value: number): number {
  let mantissa = value;
  let exponent = 0;
  while (mantissa < 0.75) {
    mantissa *= 2;
    exponent--;
  }
  const z = (mantissa - 1) / (mantissa + 1);
  const square = z * z;
  let sum = 0;
  // z is at most 0.2: the terms left out are below 2^-56 of the first.
  for (let power = 23; power >= 1; power -= 2) sum = sum * square + 1 / power;
  return exponent * LN_2 + 2 * z * sum;
}

/** A number of the standard normal distribution, by Marsaglia's polar method (1964); its second number is not kept. */
export function normal(random: Random): number {
  for (;;) {
    const x = 2 * uniform(random) - 1;
    const y = 2 * uniform(random) - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * logarithm(square)) / square);
  }
}
