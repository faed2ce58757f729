/**
 * What a decision asks of a layer beside its format, where errors of layers leave it out: these are of the plain format, with sums in FP32 and
 * the ranges of integers that the plan gives most. Pure; knows one decision.
 */
import { isFloatFormat, type FormatName } from '../../formats/index.js';
import {
  accumulationText,
  addsUp,
  rangesText,
  type IntegerRanges,
  type LayerDecision,
} from '../../plan/index.js';
import type { Reason } from './reasons.js';

/**
 * Each as plans write it.
 *
 * @param format that the errors are of.
 * @param ranges how those of an integer format are chosen there; undefined for the usual ones.
 */
export function optionsLeftOut(
  { layer, format: own, overflow, numerics = {} }: LayerDecision,
  format: FormatName,
  ranges?: IntegerRanges,
): readonly string[] {
  const { accumulate, stochastic, scale, weights = own } = numerics;
  const isOfSums = accumulate !== undefined && accumulate.kind !== 'fp32' && addsUp(layer.node);
  return [
    ...(isOfSums ? [`accumulate: ${accumulationText(accumulate)}`] : []),
    ...(stochastic === true ? ['rounding: stochastic'] : []),
    ...(scale === undefined ? [] : [`scale: ${scale}`]),
    ...(weights === own ? [] : [`weights: ${weights}`]),
    ...(own === format && !isFloatFormat(format) ? otherRanges(numerics, ranges) : []),
    // Of FP32 numbers nothing is beyond the range.
    ...(overflow === 'saturate' && own !== 'fp32' ? ['overflow: saturate'] : []),
  ];
}

/** Beside an error that leaves options out. */
export function leftOutReason(options: readonly string[]): Reason {
  const sentence = `the plan's \`${options.join(', ')}\` is not in this error: predict and verify have it`;
  return { code: 'options-left-out', sentence, flags: false };
}

function otherRanges(own: IntegerRanges, usual: IntegerRanges | undefined): readonly string[] {
  if (rangesText(own) === rangesText(usual)) return [];
  const [quantize, usualQuantize] = [own, usual].map((one) => wishText(one?.quantize));
  const [per, usualPer] = [own, usual].map((one) => (one?.perChannel === true ? 'channel' : 'tensor'));
  return [
    ...(quantize === usualQuantize ? [] : [`quantize: ${quantize ?? ''}`]),
    ...(per === usualPer ? [] : [`per: ${per ?? ''}`]),
  ];
}

function wishText(wish: IntegerRanges['quantize'] = { name: 'minmax' }): string {
  return wish.name === 'percentile' ? `percentile(${wish.percent})` : wish.name;
}
