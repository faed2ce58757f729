/**
 * In what a target adds up what an FP16 layer makes of its elements, found by a sum that tells: 1 and 4095 halves of the distance from
 * 1 to the next FP16 number. Added up in FP32 they are nearly 3; in FP16, one after the other, none of them ever moves the 1. Where
 * partial sums are added up only those are lost that share one with the 1, which tells how many that are; and half as many terms tell
 * whether partial sums have a length or a number of their own. Knows what sums tell; not how they are run.
 */
import { dot, roundTo, type Accumulation } from '../../formats/index.js';
import type { Provider, ProviderOptions, Runtime } from '../../runtime/index.js';
import { FEW_TERMS, SMALL, SMALLER, SUM_EXPERIMENTS, sumOf, tellingTerms, TERMS } from './sum-experiments.js';

export interface FoundAccumulation {
  /** The operator, or a kind of its sums (`sumKind`) for which providers have kernels of their own. */
  readonly operator: string;
  /**
   * `fp32`: the sum is right. `fp16`: not a single term was added. `between`: some were lost, as where several partial sums in FP16
   * are added up at the end. `not run`: the target does not run the operator in FP16.
   */
  readonly accumulation: 'fp32' | 'fp16' | 'between' | 'not run';
  /** What became of the sum that is 3, or 1.03 for windows of few elements; NaN where nothing ran. */
  readonly sum: number;
  /** Of `between`, where partial sums follow each other: how many products one has, as near as powers of two come. */
  readonly chunk?: number;
  /** Of `between`, where there are as many partial sums for any number of products, side by side: how many, as near as powers of two come. */
  readonly lanes?: number;
}

export interface AccumulationOptions {
  readonly signal?: AbortSignal | undefined;
  readonly providerOptions?: ProviderOptions | undefined;
}

/** How `provider` adds up, operator by operator. */
export async function findAccumulation(
  runtime: Runtime,
  provider: Provider,
  { signal, providerOptions }: AccumulationOptions = {},
): Promise<readonly FoundAccumulation[]> {
  const target = { provider, providerOptions, signal };
  const found: FoundAccumulation[] = [];
  for (const [operator, experiment] of SUM_EXPERIMENTS) {
    const { terms } = experiment;
    const sum = await sumOf(runtime, experiment, target);
    let accumulation = accumulationOf(sum, terms);
    if (accumulation === 'fp32' && terms > FEW_TERMS) {
      const smaller = await sumOf(runtime, experiment, target, terms, SMALLER);
      if (isShort(smaller, terms)) accumulation = 'between';
    }
    if (accumulation !== 'between') {
      found.push({ operator, accumulation, sum });
      continue;
    }
    const half = Math.floor(terms / 2);
    const ofHalf = await sumOf(runtime, experiment, target, half);
    const parts = partialSums(chunkOf(sum, terms), terms, chunkOf(ofHalf, half));
    found.push({ operator, accumulation, sum, ...parts });
  }
  return found;
}

/**
 * Partial sums of `chunk` of `terms` products: that many follow each other where those of half as many products are as long, and stand
 * side by side where they are half as long.
 */
export function partialSums(
  chunk: number,
  terms: number,
  chunkOfHalf: number,
): Pick<FoundAccumulation, 'chunk' | 'lanes'> {
  return chunkOfHalf < chunk ? { lanes: 2 ** Math.round(Math.log2(terms / chunk)) } : { chunk };
}

/** Whether a sum of smaller terms, which no partial sum of a few of them moves in FP16, is not what it is in FP32. */
export function isShort(sum: number, terms = TERMS): boolean {
  return Math.abs(sum - exactSum(terms, SMALLER)) > 2 ** -8;
}

/** The sums of the experiments as emulation knows them, by operator; without those that did not run in FP16. */
export function foundSums(found: readonly FoundAccumulation[]): ReadonlyMap<string, Accumulation> {
  return new Map(
    found.flatMap(({ operator, accumulation, chunk, lanes }): [string, Accumulation][] => {
      if (accumulation === 'not run') return [];
      if (accumulation !== 'between') return [[operator, { kind: accumulation }]];
      if (lanes !== undefined) return [[operator, { kind: 'lanes', count: lanes }]];
      return [[operator, chunk === undefined ? { kind: 'fp16' } : { kind: 'chunked', length: chunk }]];
    }),
  );
}

/** What the sum of `terms` terms tells. */
export function accumulationOf(sum: number, terms = TERMS): FoundAccumulation['accumulation'] {
  if (Number.isNaN(sum)) return 'not run';
  const exact = exactSum(terms);
  // The result, or the mean that it is told by, is written in FP16: of 3 in steps of 2^-9.
  if (Math.abs(sum - exact) <= (exact > 2 ? 2 ** -8 : 2 ** -9)) return 'fp32';
  return Math.abs(sum - 1) <= 2 ** -9 ? 'fp16' : 'between';
}

/** The power of two that is nearest to the number of products that a sum which is neither right nor 1 lost. */
export function chunkOf(sum: number, terms = TERMS): number {
  const lost = (exactSum(terms) - sum) / SMALL;
  return 2 ** Math.max(1, Math.round(Math.log2(Math.min(Math.max(lost, 2), terms))));
}

function exactSum(terms: number, small = SMALL): number {
  return 1 + (terms - 1) * small;
}

/** What becomes of the sum of `terms` terms, added up in this way and written in FP16; of smaller ones with `isSmaller`. */
export function tellingSum(accumulation: Accumulation, terms = TERMS, isSmaller = false): number {
  const ones = new Float32Array(terms).fill(1);
  return roundTo('fp16', dot(tellingTerms(terms, isSmaller ? SMALLER : SMALL), ones, { accumulation }));
}
