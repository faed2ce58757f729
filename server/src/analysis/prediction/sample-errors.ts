/**
 * What is known of the squared error of each sample: its expectation and how far a plan may be from it. Pure; knows what a sketch
 * found of a set of roundings, neither plans nor how samples are put together.
 */
import { probeVariance, type ProbeKinds } from '../sketch/index.js';
import type { OutputErrors, SquaredError } from './set-errors.js';
import type { Uncertain } from './spread.js';

/** Squared errors, each of one measured draw, of which another plan makes others. */
export interface DrawnSquares {
  readonly sum: number;
  /** Of their squares. */
  readonly squares: number;
  /** Of the very draw that was measured: nothing is rounded before. */
  readonly same: number;
  /** The variance of all this, since a share of what was measured is an estimate: it may as well be all or nothing of it. */
  readonly doubt: number;
}

const NOTHING_DRAWN: DrawnSquares = { sum: 0, squares: 0, same: 0, doubt: 0 };

/**
 * The squared relative errors of an output, sample by sample.
 *
 * @param parts of each format that layers are in.
 * @param measured by sample: squared errors of layers that were measured instead.
 * @param drawn by sample: squared effects of options of layers.
 */
export function sampleErrors(
  parts: readonly OutputErrors[],
  measured: readonly number[],
  drawn: readonly DrawnSquares[] = [],
): readonly Uncertain[] {
  const all = parts.map((part): PartErrors => ({ part, fixed: fixedParts(part) }));
  return measured.map((own, sample) => sampleError(all, sample, own, drawn[sample] ?? NOTHING_DRAWN));
}

interface FixedPart {
  readonly mean: number;
  readonly variance: number;
}

/** What a set of roundings does, with what is known of its weights in each sample. */
interface PartErrors {
  readonly part: OutputErrors;
  readonly fixed: readonly FixedPart[];
}

function sampleError(
  parts: readonly PartErrors[],
  sample: number,
  measured: number,
  drawn: DrawnSquares,
): Uncertain {
  if (!Number.isFinite(measured)) return { mean: Number.POSITIVE_INFINITY, variance: 0, doubt: 0 };
  let mean = drawn.sum + drawn.same;
  let variance = 0;
  let fewest = Number.POSITIVE_INFINITY;
  for (const { part, fixed: fixedParts } of parts) {
    const own = part.samples[sample];
    const fixed = fixedParts[sample];
    if (own === undefined || fixed === undefined) continue;
    const activations = own.coherent + own.independent;
    const drawnVariance = varianceOfDrawn(own);
    const directions =
      drawnVariance > 0 ? Math.max(1, (2 * activations ** 2) / drawnVariance) : own.directions;
    fewest = Math.min(fewest, own.independent > 0 ? own.directions : part.directions);
    mean += fixed.mean + activations;
    variance +=
      fixed.variance +
      drawnVariance +
      (4 * fixed.mean * activations) / directions +
      // What is put together of rounded numbers is another draw in each plan, weights or not; but only as far as there are such.
      (2 * fixed.mean * Math.min(fixed.mean, activations)) / own.directions;
  }
  if (drawn.sum + drawn.same > 0) {
    const directions = Number.isFinite(fewest) ? Math.max(1, fewest) : 1;
    // That of the draw to come, those of the draws that were measured, and which way both lie to what else there is.
    const others = mean - drawn.sum - drawn.same;
    variance += drawn.doubt + (2 * (drawn.sum ** 2 + drawn.squares)) / directions;
    variance += (4 * (others * (drawn.sum + drawn.same) + drawn.sum * drawn.same)) / directions;
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
 * The estimate of each sample's part of weights is drawn towards the mean of all samples as far as it is noise: random probes
 * estimate squares with a variance, and what samples differ by beyond that is theirs (W. James and C. Stein, "Estimation with
 * quadratic loss", 1961).
 */
function fixedParts({ table, samples }: OutputErrors): readonly FixedPart[] {
  const count = Math.max(1, samples.length);
  const mean = samples.reduce((sum, one) => sum + one.fixed, 0) / count;
  const noises = samples.map(({ fixed, estimated }, at) =>
    fixed > 0 ? probeVariance(table.kinds[at] ?? NO_PROBES, estimated / fixed) : 0,
  );
  const usual = (mean ** 2 * noises.reduce((sum, one) => sum + one, 0)) / count;
  const seen =
    samples.reduce((sum, one) => sum + (one.fixed - mean) ** 2, 0) / Math.max(1, samples.length - 1);
  const theirs = Math.max(0, seen - usual);
  return samples.map(({ fixed: own }, sample) => {
    const noise = noises[sample] ?? 0;
    if (noise === 0) return { mean: own, variance: 0 };
    const kept = theirs / (theirs + noise * mean ** 2);
    const estimate = mean + kept * (own - mean);
    return { mean: estimate, variance: noise * estimate ** 2 * Math.max(kept, 1 / count) };
  });
}

const NO_PROBES: ProbeKinds = { aligned: 0, random: 0 };

/** For an error that is as large as the output, as a deviation of the logarithm of its square; seen in weights of eight bits. */
const DOUBT = 4;
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
