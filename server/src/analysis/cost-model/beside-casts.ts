/**
 * What a layer takes more beside a cast than among layers of its own format. A layer that stands alone with its like may be fused
 * into its neighbour or computed in FP32 between two casts that cancel out; beside a cast that is there to stay it runs by itself, in
 * its own format, which some kernels take many times as long for. Pure arithmetic on graphs and times; runs nothing.
 */
import type { FormatName } from '../../formats/index.js';
import type { PrecisionGraph } from '../../plan/index.js';

/** One layer in a plan that was run. */
export interface RunOfLayer {
  readonly name: string;
  readonly operator: string;
  readonly format: FormatName;
  /** What it reads and writes. */
  readonly elements: number;
  /** Milliseconds of its kernel more than among its like. */
  readonly more: number;
}

/** Node indexes of those who read or write what is cast at inference, in whatever format. */
export function nodesBesideCasts({ model, casts }: PrecisionGraph): ReadonlySet<number> {
  const tensors = new Set(casts.map(({ tensor }) => tensor));
  const readers = casts.flatMap((cast) => cast.readers.map(({ node }) => node));
  const writers = [...model.graph.nodes.entries()].flatMap(([at, { outputs }]) =>
    outputs.some((name) => tensors.has(name)) ? [at] : [],
  );
  return new Set([...readers, ...writers]);
}

/** Milliseconds more beside a cast; negative where that is quicker. */
export type MoreBesideCasts = (
  layer: Pick<RunOfLayer, 'name' | 'operator' | 'elements'>,
  format: FormatName,
) => number;

/**
 * From runs beside casts: what the layer itself took more, the mean of its runs; of a layer that was not seen there what others of its
 * operator took more for as many elements.
 */
export function moreBesideCasts(runs: readonly RunOfLayer[]): MoreBesideCasts {
  const own = new Map<string, { more: number; of: number }>();
  const rates = new Map<string, { more: number; of: number }>();
  const add = (to: typeof own, key: string, more: number, of: number): void => {
    const before = to.get(key) ?? { more: 0, of: 0 };
    to.set(key, { more: before.more + more, of: before.of + of });
  };
  for (const { name, operator, format, elements, more } of runs) {
    add(own, `${format} ${name}`, more, 1);
    add(rates, `${format} ${operator}`, more, elements);
  }
  return ({ name, operator, elements }, format) => {
    const seen = own.get(`${format} ${name}`);
    if (seen !== undefined) return seen.more / seen.of;
    const rate = rates.get(`${format} ${operator}`);
    return rate === undefined || rate.of === 0 ? 0 : (rate.more / rate.of) * elements;
  };
}
