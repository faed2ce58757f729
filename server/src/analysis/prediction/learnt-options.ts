/**
 * What was measured of options of layers, and what of a plan's options is not known yet. Knows single decisions; neither how layers stand
 * to each other nor who measures.
 */
import { isFloatFormat, type FormatName } from '../../formats/index.js';
import { rangesText, type Layer, type LayerDecision, type LayerNumerics } from '../../plan/index.js';
import type { LayerSquares } from './near-plans.js';
import { roundingEffect, roundingKey, sumsEffect, sumsKey, type OptionEffect } from './option-effects.js';
import type { DrawnSquares } from './sample-errors.js';

/** By key of the option's effect (`option-effects`), then by index of the layer's node. */
export type OptionSquares = ReadonlyMap<string, ReadonlyMap<number, LayerSquares>>;

/** What an option of a layer does. */
export interface KnownOption {
  readonly squares: LayerSquares;
  /** The same in the order of the outputs. */
  readonly rows: readonly (readonly number[])[];
  readonly isFinite: boolean;
}

/** An option of a layer in the plan of which not all may count. */
export interface PlannedOption {
  readonly option: KnownOption;
  readonly layer: Layer;
  readonly format: FormatName;
  /** By output, how much of it counts; left out for all of it. */
  readonly shares?: readonly number[] | undefined;
}

/** Undefined where the layer has no such option. */
type Answer = KnownOption | 'unknown' | undefined;

export class LearntOptions {
  private readonly known = new Map<string, Map<number, KnownOption>>();

  /** @param ranges by integer format: how its ranges were chosen when it was sketched, as `rangesText`. */
  constructor(
    private readonly outputs: readonly string[],
    private readonly ranges: ReadonlyMap<FormatName, string>,
  ) {}

  learn(options: OptionSquares): void {
    for (const [key, own] of options) {
      const known = this.known.get(key) ?? new Map<number, KnownOption>();
      this.known.set(key, known);
      for (const [node, squares] of own) {
        // Plans are compared by these objects: one that is known stays.
        if (known.has(node)) continue;
        const isFinite = [...squares.values()].every((samples) => samples.every(Number.isFinite));
        const rows = this.outputs.map((output) => squares.get(output) ?? []);
        known.set(node, { squares, rows, isFinite });
      }
    }
  }

  /** What its sums add to what the layer's format does, and what stands in place of all its roundings. */
  of(decision: LayerDecision): { readonly ofSums: Answer; readonly ofRoundings: Answer } {
    const { format, layer, numerics } = decision;
    // Most layers have neither: this is asked of all of them at every keystroke.
    const isPlain = numerics === undefined && (format === 'original' || isFloatFormat(format));
    if (isPlain) return { ofSums: undefined, ofRoundings: undefined };
    return {
      ofSums: this.answer(sumsKey(decision), layer),
      ofRoundings: this.answer(roundingKey(decision, this.isSketched), layer),
    };
  }

  unknown(decisions: readonly LayerDecision[]): readonly OptionEffect[] {
    return decisions
      .flatMap((decision) => [sumsEffect(decision) ?? [], roundingEffect(decision, this.isSketched) ?? []])
      .flat()
      .filter(({ key, layer }) => this.answer(key, layer) === 'unknown');
  }

  private answer(key: string | undefined, { nodeIndex }: Layer): Answer {
    return key === undefined ? undefined : (this.known.get(key)?.get(nodeIndex) ?? 'unknown');
  }

  /** Whether the format's ranges, where it has any, are chosen as they were for its sketch. */
  private readonly isSketched = (format: FormatName, numerics: LayerNumerics | undefined): boolean =>
    isFloatFormat(format) || rangesText(numerics) === (this.ranges.get(format) ?? '');
}

/**
 * By sample: the effects on one output of options that count as a whole, and of others in part. Made of all options of a plan at every
 * keystroke.
 */
export function drawnSquares(
  whole: readonly KnownOption[],
  partly: readonly PlannedOption[],
  output: number,
  samples: number,
): readonly DrawnSquares[] {
  const sums = new Float64Array(samples);
  const squares = new Float64Array(samples);
  const add = ({ rows }: KnownOption, share: number): void => {
    const row = rows[output] ?? [];
    for (let sample = 0; sample < samples; sample++) {
      const square = (row[sample] ?? 0) * share;
      sums[sample] = (sums[sample] ?? 0) + square;
      squares[sample] = (squares[sample] ?? 0) + square * square;
    }
  };
  for (const option of whole) add(option, 1);
  for (const { option, shares } of partly) add(option, shares?.[output] ?? 1);
  return Array.from(sums, (sum, sample) => ({ sum, squares: squares[sample] ?? 0 }));
}
