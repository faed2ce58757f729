/**
 * What was measured of options of layers, and what of a plan's options is not known yet. Knows single decisions; neither how layers stand
 * to each other nor who measures.
 */
import { isFloatFormat, type Accumulation, type FormatName } from '../../formats/index.js';
import { rangesText, type Layer, type LayerDecision, type LayerNumerics } from '../../plan/index.js';
import type { LayerSquares } from './near-plans.js';
import type { SharedEffect } from './anchors.js';
import {
  isOnlyOfSums,
  keyOfSums,
  roundingEffect,
  roundingKey,
  sumsEffect,
  sumsKey,
  type OptionEffect,
  type Sketched,
} from './option-effects.js';
import type { DrawnSquares } from './sample-errors.js';

/** By key of the option's effect (`option-effects`), then by index of the layer's node. */
export type OptionSquares = ReadonlyMap<string, ReadonlyMap<number, LayerSquares>>;

/** What an option of a layer does. */
export interface KnownOption {
  /** In the order in which options were learnt. */
  readonly index: number;
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
  /** Nothing is rounded before the layer in the plan, so that it does what it did when it was measured. */
  readonly isSame?: boolean;
}

/** Undefined where the layer has no such option. */
type Answer = KnownOption | 'unknown' | undefined;

export class LearntOptions {
  /** By key, then by index of the layer's node. */
  private readonly known = new Map<string, (KnownOption | undefined)[]>();
  /** The same of sums, which all layers of a plan may have: found without a text for each. */
  private readonly sums = new WeakMap<Accumulation, readonly (KnownOption | undefined)[]>();
  private readonly drawnSums = new WeakMap<Accumulation, readonly (KnownOption | undefined)[]>();
  /** By place of an output, then by `index`: the squared effect in all samples. */
  private readonly effects: readonly number[][];
  private count = 0;
  private readonly sketched: Sketched;

  /**
   * @param ranges by format that was sketched: how its ranges were chosen, as `rangesText`; empty for formats without.
   * @param layers what sketches tell of single layers
   */
  constructor(
    private readonly outputs: readonly string[],
    private readonly ranges: ReadonlyMap<FormatName, string>,
    layers: Pick<Sketched, 'isKnown' | 'overflows'>,
  ) {
    this.effects = outputs.map(() => []);
    this.sketched = { ...layers, has: this.isSketched };
  }

  learn(options: OptionSquares): void {
    for (const [key, own] of options) {
      const known = this.knownOf(key);
      for (const [node, squares] of own) {
        // Plans are compared by these objects: one that is known stays.
        if (known[node] !== undefined) continue;
        const isFinite = [...squares.values()].every((samples) => samples.every(Number.isFinite));
        const rows = this.outputs.map((output) => squares.get(output) ?? []);
        for (const [output, row] of rows.entries()) {
          this.effects[output]?.push(row.reduce((sum, one) => sum + one, 0));
        }
        known[node] = { index: this.count, squares, rows, isFinite };
        this.count += 1;
      }
    }
  }

  /** One for each option that is among these, by `index`. */
  marks(options: readonly KnownOption[], others: readonly PlannedOption[]): Uint8Array {
    const marks = new Uint8Array(this.count);
    for (const { index } of options) marks[index] = 1;
    for (const { option } of others) marks[option.index] = 1;
    return marks;
  }

  /** By output: the effects of two sets of options, which are marked. */
  shared(one: Uint8Array, other: Uint8Array): readonly SharedEffect[] {
    return this.effects.map((effects): SharedEffect => {
      let [own, others, both] = [0, 0, 0];
      for (let index = 0; index < effects.length; index++) {
        const effect = effects[index] ?? 0;
        const isOwn = one[index] === 1;
        if (isOwn) own += effect;
        if (other[index] !== 1) continue;
        others += effect;
        if (isOwn) both += effect;
      }
      return { one: own, other: others, both };
    });
  }

  /** What its sums add to what the layer's format does, and what stands in place of all its roundings. */
  of(decision: LayerDecision): { readonly ofSums: Answer; readonly ofRoundings: Answer } {
    const { format, layer, numerics, overflow } = decision;
    // Most layers have neither: this is asked of all of them at every keystroke.
    if (this.isPlainDecision(decision)) return { ofSums: undefined, ofRoundings: undefined };
    const isPlain = overflow !== 'saturate' && this.isPlain(format);
    const isOfSums = numerics !== undefined && isOnlyOfSums(numerics) && isPlain;
    return {
      ofSums: this.answerOfSums(decision),
      ofRoundings: isOfSums ? undefined : this.answer(roundingKey(decision, this.sketched), layer),
    };
  }

  unknown(decisions: readonly LayerDecision[]): readonly OptionEffect[] {
    return decisions
      .filter((decision) => !this.isPlainDecision(decision))
      .flatMap((decision) => [sumsEffect(decision) ?? [], roundingEffect(decision, this.sketched) ?? []])
      .flat()
      .filter(({ key, layer }) => this.answer(key, layer) === 'unknown');
  }

  private answer(key: string | undefined, { nodeIndex }: Layer): Answer {
    return key === undefined ? undefined : (this.known.get(key)?.[nodeIndex] ?? 'unknown');
  }

  private answerOfSums(decision: LayerDecision): Answer {
    const { accumulate, stochastic } = decision.numerics ?? {};
    if (accumulate === undefined || accumulate.kind === 'fp32') return undefined;
    const sums = stochastic === true ? this.drawnSums : this.sums;
    let known = sums.get(accumulate);
    if (known === undefined) sums.set(accumulate, (known = this.knownOf(keyOfSums(accumulate, stochastic))));
    // Only of layers that add up anything is something known.
    return known[decision.layer.nodeIndex] ?? (sumsKey(decision) === undefined ? undefined : 'unknown');
  }

  private knownOf(key: string): (KnownOption | undefined)[] {
    const known = this.known.get(key) ?? [];
    this.known.set(key, known);
    return known;
  }

  private isPlainDecision({ format, numerics, overflow }: LayerDecision): boolean {
    return numerics === undefined && overflow !== 'saturate' && this.isPlain(format);
  }

  /** Whether a sketch has all that the format does. */
  private isPlain(format: LayerDecision['format']): boolean {
    return format === 'original' || (isFloatFormat(format) && this.isSketched(format));
  }

  /**
   * Whether there is a sketch of the format, with its ranges, where it has any, chosen as here. What a layer does in any other one is
   * asked for as a whole.
   */
  private readonly isSketched = (format: FormatName, numerics?: LayerNumerics): boolean => {
    const ranges = format === 'fp32' ? '' : this.ranges.get(format);
    return ranges !== undefined && (isFloatFormat(format) || rangesText(numerics) === ranges);
  };
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
  const same = new Float64Array(samples);
  const doubts = new Float64Array(samples);
  const add = ({ rows }: KnownOption, share: number, isSame: boolean): void => {
    const row = rows[output] ?? [];
    for (let sample = 0; sample < samples; sample++) {
      const whole = row[sample] ?? 0;
      const square = whole * share;
      doubts[sample] = (doubts[sample] ?? 0) + share * (1 - share) * whole * whole;
      if (isSame) same[sample] = (same[sample] ?? 0) + square;
      else {
        sums[sample] = (sums[sample] ?? 0) + square;
        squares[sample] = (squares[sample] ?? 0) + square * square;
      }
    }
  };
  for (const option of whole) add(option, 1, false);
  for (const { option, shares, isSame = false } of partly) add(option, shares?.[output] ?? 1, isSame);
  return Array.from(sums, (sum, sample) => ({
    sum,
    squares: squares[sample] ?? 0,
    same: same[sample] ?? 0,
    doubt: doubts[sample] ?? 0,
  }));
}
