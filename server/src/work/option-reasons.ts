/**
 * What the plan asks of a layer beside its format, as a note beside an error that leaves it out: errors of layers are of the plain format,
 * with sums in FP32 and the ranges of integers that the plan gives most. Pure.
 */
import type { Reason } from '../analysis/index.js';
import type { FormatName } from '../formats/index.js';
import { accumulationText, addsUp, type BoundPlan, type Layer, type LayerDecision } from '../plan/index.js';

/** By layer that is decided in `format`; a layer without such options has none. */
export function optionReasons(
  { decisions }: Pick<BoundPlan, 'decisions'>,
  format: FormatName,
): ReadonlyMap<Layer, readonly Reason[]> {
  const reasons = new Map<Layer, readonly Reason[]>();
  for (const decision of decisions) {
    if (decision.format !== format) continue;
    const options = leftOut(decision);
    if (options.length === 0) continue;
    const sentence = `the plan's \`${options.join(', ')}\` is not in this error: predict and verify have it`;
    reasons.set(decision.layer, [{ code: 'options-left-out', sentence, flags: false }]);
  }
  return reasons;
}

/** As a plan writes them. */
function leftOut({ layer, format, overflow, numerics = {} }: LayerDecision): readonly string[] {
  const { accumulate, stochastic, scale, weights } = numerics;
  const isOfSums = accumulate !== undefined && accumulate.kind !== 'fp32' && addsUp(layer.node);
  return [
    ...(isOfSums ? [`accumulate: ${accumulationText(accumulate)}`] : []),
    ...(stochastic === true ? ['rounding: stochastic'] : []),
    ...(scale === undefined ? [] : [`scale: ${scale}`]),
    ...(weights === undefined || weights === format ? [] : [`weights: ${weights}`]),
    ...(overflow === 'saturate' ? ['overflow: saturate'] : []),
  ];
}
