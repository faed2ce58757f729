/** Numbers that tell apart how plans decide a layer, and what is asked again at every keystroke. Knows single decisions and figures. */
import { FORMAT_NAMES } from '../../formats/index.js';
import { accumulationText, numericsText, type LayerDecision, type LayerNumerics } from '../../plan/index.js';
import type { LayerSquares } from './near-plans.js';
import { isOnlyOfSums } from './option-effects.js';

const OVERFLOWS = { error: 0, inf: 1, saturate: 2 } as const;

/** A number for each way to decide a layer, the same for the same way. */
export class WaysToDecide {
  /** A number for the text of each kind of options. */
  private readonly options = new Map<string, number>();

  of({ format, overflow, numerics }: LayerDecision): number {
    const way = OVERFLOWS[overflow] + 3 * FORMAT_NAMES.indexOf(format === 'original' ? 'fp32' : format) + 1;
    if (numerics === undefined) return way;
    const text = textOf(numerics);
    const known = this.options.get(text) ?? this.options.size + 1;
    this.options.set(text, known);
    return way + 3 * FORMAT_NAMES.length * known;
  }
}

/** `numericsText`, at little cost for what every layer of a plan may have. */
function textOf(numerics: LayerNumerics): string {
  const { accumulate } = numerics;
  return accumulate !== undefined && isOnlyOfSums(numerics)
    ? accumulationText(accumulate)
    : numericsText(numerics);
}

/** What layers or options that are known as a whole do to an output, squared, in all samples. */
export class WholeEffects {
  private readonly known = new Map<string, WeakMap<LayerSquares, number>>();

  of(output: string, squares: LayerSquares, samples: number): number {
    const known = this.known.get(output) ?? new WeakMap<LayerSquares, number>();
    this.known.set(output, known);
    let effect = known.get(squares);
    if (effect === undefined) {
      effect = (squares.get(output) ?? []).slice(0, samples).reduce((sum, one) => sum + one, 0);
      known.set(squares, effect);
    }
    return effect;
  }
}
