/**
 * What is known of the squared error of one sample: its expectation and how far a plan may be from it. Pure; knows what a sketch
 * found of a set of roundings, neither plans nor how samples are put together.
 */
import type { OutputErrors, SquaredError } from './set-errors.js';
import type { Uncertain } from './spread.js';

/**
 * The squared relative error of an output in one sample.
 *
 * @param parts of each format that layers are in.
 * @param measured squared errors of layers that were measured instead.
 */
export function sampleError(parts: readonly OutputErrors[], sample: number, measured: number): Uncertain {
  if (!Number.isFinite(measured)) return { mean: Number.POSITIVE_INFINITY, variance: 0, doubt: 0 };
  let mean = 0;
  let variance = 0;
  for (const part of parts) {
    const own = part.samples[sample];
    if (own === undefined) continue;
    const fixed = fixedPart(part, own.fixed);
    const drawn = own.coherent + own.independent;
    const drawnVariance = varianceOfDrawn(own);
    const directions = drawnVariance > 0 ? Math.max(1, (2 * drawn ** 2) / drawnVariance) : own.directions;
    mean += fixed.mean + drawn;
    variance +=
      fixed.variance +
      drawnVariance +
      (4 * fixed.mean * drawn) / directions +
      // What is put together of rounded numbers is another draw in each plan, weights or not.
      (2 * fixed.mean ** 2) / own.directions;
  }
  return beyondFirstOrder(mean, variance, measured);
}

/**
 * Which way activations are rounded is another draw in each plan, so that their squared error differs from its expectation by 2
 * / n where it spreads over n directions. Of coherent ones the expectation itself is known from one such draw.
 */
function varianceOfDrawn({ coherent, draws, independent, directions }: SquaredError): number {
  return (4 * coherent ** 2) / draws + (2 * independent ** 2) / directions;
}

/**
 * The estimate of one sample's part of weights is drawn towards the mean of all samples as far as it is noise: K probes
 * estimate a square with a relative variance of 2 / K, and what samples differ by beyond that is theirs (W. James and C. Stein,
 * "Estimation with quadratic loss", 1961).
 */
function fixedPart(
  { table, samples }: OutputErrors,
  own: number,
): { readonly mean: number; readonly variance: number } {
  if (table.exact) return { mean: own, variance: 0 };
  const mean = samples.reduce((sum, one) => sum + one.fixed, 0) / Math.max(1, samples.length);
  const noise = (2 / table.probes) * mean ** 2;
  const seen =
    samples.reduce((sum, one) => sum + (one.fixed - mean) ** 2, 0) / Math.max(1, samples.length - 1);
  const kept = seen > 0 ? Math.max(0, 1 - noise / seen) : 0;
  const estimate = mean + kept * (own - mean);
  return {
    mean: estimate,
    variance: (2 / table.probes) * estimate ** 2 * Math.max(kept, 1 / Math.max(1, samples.length)),
  };
}

/** For an error that is as large as the output, as a deviation of the logarithm of its square; seen in plans of eight bits. */
const DOUBT = 1.5;
/** A factor of three to either side. */
const MOST_DOUBT = 1.4;

/**
 * Effects of roundings do not add up for ever: an output that has nothing to do any more with the exact one is about as far from
 * it as that is large, so that sketched squares E become E / sqrt(1 + E^2). And what the second order adds or takes off is to the
 * first about as the error is to the output.
 */
function beyondFirstOrder(mean: number, variance: number, measured: number): Uncertain {
  if (mean <= 0) return { mean: measured, variance: 0, doubt: 0 };
  const factor = 1 / Math.hypot(1, mean);
  const sketched = mean * factor;
  const doubt = Math.min(MOST_DOUBT, DOUBT * Math.sqrt(mean));
  const total = measured + sketched;
  return { mean: total, variance: variance * factor ** 2, doubt: (doubt * sketched) / total };
}
