/**
 * The bits that stochastic rounding draws: the same seed gives the same bits everywhere. Knows no formats.
 *
 * The scheme of SplitMix (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014) on 32 bits with
 * the finalizer of MurmurHash3: a counter with an increment of its own for each seed, mixed. It repeats after 2^32 draws.
 */
export interface RandomBits {
  /** The next 32 bits, as a whole number from 0 to 2^32 - 1. */
  next(): number;
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A generator of random bits. @param seed a whole number, of which the lower 32 bits count */
export function seededBits(seed: number): RandomBits {
  let counter = mix(seed ^ 0x5bd1e995);
  // An even increment would leave out half of the counters.
  const increment = mix(counter ^ 0x9e3779b9) | 1;
  return {
    next() {
      counter = (counter + increment) | 0;
      return mix(counter);
    },
  };
}
