/**
 * What the plan asks of a layer beside its format, as a note beside an error that leaves it out: errors of layers are of the plain format,
 * with sums in FP32 and the ranges of integers that the plan gives most. Pure.
 */
import { leftOutReason, optionsLeftOut, type Reason } from '../analysis/index.js';
import type { FormatName } from '../formats/index.js';
import { integerRanges, type BoundPlan, type Layer } from '../plan/index.js';

/** By layer that is decided in `format`; a layer without such options has none. */
export function optionReasons(
  { decisions }: Pick<BoundPlan, 'decisions'>,
  format: FormatName,
): ReadonlyMap<Layer, readonly Reason[]> {
  const reasons = new Map<Layer, readonly Reason[]>();
  const ranges = integerRanges(decisions, format);
  for (const decision of decisions) {
    if (decision.format !== format) continue;
    const options = optionsLeftOut(decision, format, ranges);
    if (options.length > 0) reasons.set(decision.layer, [leftOutReason(options)]);
  }
  return reasons;
}
