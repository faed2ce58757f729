/** How the ranges of integer formats are chosen, where that is one thing for all layers that are looked at. Knows decisions. */
import { isFloatFormat, type FormatName } from '../../formats/index.js';
import type { IntegerRanges, LayerDecision, LayerNumerics } from '../types.js';

/** What tells two ways to choose ranges apart, in one word; empty for the usual: of the whole tensor, from least to greatest. */
export function rangesText({ quantize, perChannel }: IntegerRanges | LayerNumerics = {}): string {
  const isUsual = (quantize?.name ?? 'minmax') === 'minmax';
  return isUsual && perChannel !== true
    ? ''
    : JSON.stringify([quantize ?? { name: 'minmax' }, perChannel === true]);
}

/**
 * What most of the layers ask for that are in `format`, or hold their weights in it; undefined where that is the usual, and for
 * float formats, which have no ranges to be chosen.
 */
export function integerRanges(
  decisions: readonly LayerDecision[],
  format: FormatName,
): IntegerRanges | undefined {
  if (isFloatFormat(format)) return undefined;
  const asked = new Map<string, { readonly ranges: IntegerRanges; count: number }>();
  for (const { format: own, numerics } of decisions) {
    if (own !== format && numerics?.weights !== format) continue;
    const key = rangesText(numerics);
    const known = asked.get(key);
    if (known === undefined) asked.set(key, { ranges: rangesOf(numerics), count: 1 });
    else known.count += 1;
  }
  const [first] = [...asked].sort(([, a], [, b]) => b.count - a.count);
  return first === undefined || first[0] === '' ? undefined : first[1].ranges;
}

function rangesOf({ quantize, perChannel }: LayerNumerics = {}): IntegerRanges {
  return {
    ...(quantize === undefined ? {} : { quantize }),
    ...(perChannel === undefined ? {} : { perChannel }),
  };
}
