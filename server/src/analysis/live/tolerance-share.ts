/**
 * How much of a tolerance a measured figure uses up: the distance from what a plan that changes nothing gives, over the distance
 * that the tolerance allows. Pure; knows no layer.
 */
import type { Tolerance } from '../../plan/index.js';

/**
 * 0 for what equals `perfect`, 1 on the limit, infinite where nothing is allowed or the figure is no number.
 *
 * For errors (`<=`) whose perfect value is 0 this is measured / limit, for shares of what is right (`top1`, `pck`, `iou`) and
 * `cosine` the shortfall over the allowed shortfall. Ratios in decibels (`sqnr`, `psnr`) have no distance from
 * their perfect value, which is infinite: there it is the ratio of the errors' amplitudes, 10^((limit - measured) / 20).
 */
export function toleranceShare(
  { operator, limit }: Pick<Tolerance, 'operator' | 'limit'>,
  measured: number,
  perfect: number,
): number {
  if (measured === perfect) return 0;
  if (Number.isNaN(measured)) return Number.POSITIVE_INFINITY;
  if (measured === limit) return 1;
  if (operator === '>=' && perfect === Number.POSITIVE_INFINITY) return 10 ** ((limit - measured) / 20);
  const worse = operator === '<=' ? 1 : -1;
  const used = worse * (measured - perfect);
  const allowed = worse * (limit - perfect);
  // Better than a plan that changes nothing, as rounding may have it.
  if (used <= 0) return 0;
  return allowed > 0 ? used / allowed : Number.POSITIVE_INFINITY;
}
