/**
 * The range that is searched by what it costs, continuously: the learned clip, over the squared error of samples. Knows no
 * layers and no models.
 */
import { minmaxRange } from './choose-range.js';
import { codesOf } from './quantization.js';
import { scaleOf, type ScaleTarget, squaredError, type ValueRange } from './value-range.js';

/** Steps of one golden-section search: the bracket ends at 0.618^16, a two-thousandth, of the range. */
const STEPS = 16;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** A search starts between the neighbours of the best of this many, since the error has more than one dip. */
const COARSE = 16;

/** A clip from 0 to `most` with the least cost found; asks for the cost of one clip after the other. */
function* searchClip(most: number): Generator<number, number, number> {
  let best = most;
  let least = yield most;
  for (let i = COARSE - 1; i > 0; i--) {
    const clip = (most * i) / COARSE;
    const cost = yield clip;
    if (cost < least) [best, least] = [clip, cost];
  }
  let low = Math.max(0, best - most / COARSE);
  let high = Math.min(most, best + most / COARSE);
  let inner = high - GOLDEN * (high - low);
  let outer = low + GOLDEN * (high - low);
  let innerCost = yield inner;
  let outerCost = yield outer;
  for (let step = 0; step < STEPS; step++) {
    if (innerCost < least) [best, least] = [inner, innerCost];
    if (outerCost < least) [best, least] = [outer, outerCost];
    if (innerCost <= outerCost) {
      [high, outer, outerCost] = [outer, inner, innerCost];
      inner = high - GOLDEN * (high - low);
      innerCost = yield inner;
    } else {
      [low, inner, innerCost] = [inner, outer, outerCost];
      outer = low + GOLDEN * (high - low);
      outerCost = yield outer;
    }
  }
  return best;
}

/** The search of a whole range: one clip where it is symmetric or on one side of zero, else each end in turn, twice. */
function* searchRange(full: ValueRange, symmetric: boolean): Generator<ValueRange, ValueRange, number> {
  if (symmetric) {
    return yield* withClip(Math.max(-full.lowest, full.highest), (clip) => ({
      lowest: -clip,
      highest: clip,
    }));
  }
  let range = full;
  for (let sweep = 0; sweep < 2; sweep++) {
    const { lowest } = range;
    range = yield* withClip(full.highest, (highest) => ({ lowest, highest }));
    const { highest } = range;
    range = yield* withClip(-full.lowest, (below) => ({ lowest: 0 - below, highest }));
    if (full.lowest === 0 || full.highest === 0) break;
  }
  return range;
}

function* withClip(
  most: number,
  rangeOf: (clip: number) => ValueRange,
): Generator<ValueRange, ValueRange, number> {
  if (most === 0) return rangeOf(0);
  const search = searchClip(most);
  let state = search.next();
  while (state.done !== true) state = search.next(yield rangeOf(state.value));
  return rangeOf(state.value);
}

/**
 * A learned clip as PACT has it (Choi et al., "PACT: Parameterized Clipping Activation for Quantized Neural Networks",
 * 2018): a parameter that descends on a loss over samples, by the squared error here instead of a training loss, and by
 * golden-section search instead of gradients, whose step size would be a choice more.
 */
export function learnedRange(samples: readonly Float32Array[], target: ScaleTarget): ValueRange {
  const codes = codesOf({ format: target.format, narrow: target.narrow ?? false });
  const search = searchRange(enclosing(samples.map(minmaxRange)), target.symmetric);
  let state = search.next();
  while (state.done !== true) {
    const scale = scaleOf(target, state.value);
    state = search.next(samples.reduce((sum, sample) => sum + squaredError(sample, scale, codes), 0));
  }
  return state.value;
}

function enclosing(ranges: readonly ValueRange[]): ValueRange {
  return {
    lowest: ranges.reduce((least, { lowest }) => Math.min(least, lowest), 0),
    highest: ranges.reduce((most, { highest }) => Math.max(most, highest), 0),
  };
}
