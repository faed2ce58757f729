/**
 * What options of single layers do to the outputs, measured one layer at a time by emulation and kept layer by layer. No sketch
 * has them: sums that are added up as hardware does, scales, stochastic rounding, another quantizer than the usual one.
 */
import { drawsRandomNumbers } from '../../plan/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { measuredDecisions, type MeasuredError } from '../errors/measured-errors.js';
import { effortOf, NO_EFFORT, type Effort, type Recipe, type Results } from '../remembered.js';
import type { OptionSquares } from './learnt-options.js';
import type { LayerSquares } from './near-plans.js';
import type { OptionEffect } from './option-effects.js';

/** Raised when a change of the code changes what is kept. */
const OPTION_VERSION = 2;
const OPTION = 'option effect';
/** Milliseconds between two writings of what is known so far: more often would cost more than is lost. */
const KEEP_EVERY = 5000;

/** By index of the layer's node, then by output: squared relative errors by sample. */
type Kept = Map<number, Record<string, readonly number[]>>;

/**
 * The effects, from the store as far as it has them; the others are measured, one inference a sample for each. Of layers that draw
 * random numbers there are none: they cannot be told from chance.
 */
export async function knownOptionEffects(
  results: Results,
  effects: readonly OptionEffect[],
  { signal, progress }: WorkOptions = {},
): Promise<Effort & { readonly squares: OptionSquares }> {
  let effort = NO_EFFORT;
  const squares = new Map<string, ReadonlyMap<number, LayerSquares>>();
  for (const [key, own] of byKey(effects)) {
    const kept = await keptOf(results, key);
    const missing = own.filter(({ layer }) => !kept.has(layer.nodeIndex) && !drawsRandomNumbers(layer.node));
    if (missing.length > 0) {
      let keptAt = performance.now();
      let keeping = Promise.resolve();
      const keep = (): Promise<void> => results.keep(OPTION, recipeOf(key), kept);
      const finished = ({ layer, perOutput }: MeasuredError): void => {
        kept.set(
          layer.nodeIndex,
          Object.fromEntries(perOutput.map((one) => [one.output, one.samples ?? []])),
        );
        if (performance.now() - keptAt < KEEP_EVERY) return;
        keptAt = performance.now();
        keeping = keeping.then(keep);
      };
      const decisions = missing.map(({ decision }) => decision);
      try {
        const found = await measuredDecisions(await results.evaluation(), decisions, [], {
          ...{ signal, finished },
          progress: (done, total) => progress?.(done, total, 'options of layers'),
        });
        effort = effortOf(effort, found);
      } finally {
        // Stopped or not: what was learnt stays.
        await keeping;
        await keep();
      }
    }
    squares.set(key, squaresOf(kept, own));
  }
  return { squares, ...effort };
}

/** The effects as far as the store has them. */
export async function storedOptionEffects(
  results: Results,
  effects: readonly OptionEffect[],
): Promise<OptionSquares> {
  const squares = new Map<string, ReadonlyMap<number, LayerSquares>>();
  for (const [key, own] of byKey(effects)) squares.set(key, squaresOf(await keptOf(results, key), own));
  return squares;
}

function squaresOf(kept: Kept, effects: readonly OptionEffect[]): ReadonlyMap<number, LayerSquares> {
  const found = effects.flatMap(({ layer }): [number, LayerSquares][] => {
    const own = kept.get(layer.nodeIndex);
    return own === undefined ? [] : [[layer.nodeIndex, new Map(Object.entries(own))]];
  });
  return new Map(found);
}

/** Each layer once. */
function byKey(effects: readonly OptionEffect[]): ReadonlyMap<string, readonly OptionEffect[]> {
  const groups = new Map<string, Map<number, OptionEffect>>();
  for (const effect of effects) {
    const group = groups.get(effect.key) ?? new Map<number, OptionEffect>();
    groups.set(effect.key, group.set(effect.layer.nodeIndex, effect));
  }
  return new Map([...groups].map(([key, group]) => [key, [...group.values()]]));
}

async function keptOf(results: Results, key: string): Promise<Kept> {
  const known = await results.find(OPTION, recipeOf(key));
  return known instanceof Map ? (known as Kept) : new Map<number, Record<string, readonly number[]>>();
}

function recipeOf(key: string): Recipe {
  return { key, version: OPTION_VERSION };
}
