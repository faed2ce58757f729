/**
 * What a layer would take in a format in which nothing was measured: at most as many multiply-adds and bytes per millisecond as the best
 * layers of the same model reached, and the more of them the fewer bits they have. An estimate, and named as one wherever it is shown.
 *
 * S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore architectures", 2009.
 */
import { bitsOf, type FormatName } from '../../formats/index.js';

/** What a layer does in one run. */
export interface LayerWork {
  readonly multiplyAdds: number;
  /** Elements that it reads and writes, weights included. */
  readonly elements: number;
}

/** What a target reaches at most in 32 bits, per millisecond. */
export interface Roofline {
  readonly multiplyAdds: number;
  readonly elements: number;
  /** Arithmetic in fewer bits is faster there, in proportion; otherwise only what moves is less. */
  readonly computesFaster: boolean;
}

/** Shorter layers show what it costs to start a kernel, not what the target reaches. */
const LEAST_SHARE = 0.01;

/** The roofline over layers that were timed in 32 bits. */
export function rooflineOf(
  timed: readonly { readonly work: LayerWork; readonly milliseconds: number }[],
  computesFaster: boolean,
): Roofline {
  const longest = timed.reduce((most, { milliseconds }) => Math.max(most, milliseconds), 0);
  const telling = timed.filter(
    ({ milliseconds }) => milliseconds >= LEAST_SHARE * longest && milliseconds > 0,
  );
  const best = (of: keyof LayerWork): number =>
    telling.reduce((most, { work, milliseconds }) => Math.max(most, work[of] / milliseconds), 0);
  return { multiplyAdds: best('multiplyAdds'), elements: best('elements'), computesFaster };
}

/** Milliseconds at the roof. */
export function roof(work: LayerWork, format: FormatName, roofline: Roofline): number {
  const share = bitsOf(format) / 32;
  const computing = work.multiplyAdds * (roofline.computesFaster ? share : 1);
  return Math.max(over(computing, roofline.multiplyAdds), over(work.elements * share, roofline.elements));
}

/** What a layer takes in `format` that took `milliseconds` in `measured`: as far below the roof there as here. */
export function byRoofline(
  work: LayerWork,
  {
    milliseconds,
    measured,
    format,
  }: { readonly milliseconds: number; readonly measured: FormatName; readonly format: FormatName },
  roofline: Roofline,
): number {
  const own = roof(work, measured, roofline);
  return own > 0 ? milliseconds * (roof(work, format, roofline) / own) : milliseconds;
}

function over(amount: number, rate: number): number {
  return rate > 0 ? amount / rate : 0;
}
