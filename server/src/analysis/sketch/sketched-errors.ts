/**
 * The error of each layer by itself, from a sketch: the same result as that of measured errors, with flags where the sketch is
 * no evidence. Pure.
 */
import { drawsRandomNumbers, type Layer, type Tolerance } from '../../plan/index.js';
import { judgedError, type OutputError } from '../errors/judged-error.js';
import { relativeErrors, type RelativeErrors } from '../errors/relative-errors.js';
import type { Sketch } from './known-sketch.js';
import { concentrationOf, probeVariance } from './probes.js';
import { eventsByLayer, isUnseen } from './unseen.js';

/** Why the error of a layer should be measured, or read with care. */
export type SketchFlag =
  /** Rounding makes something infinite or NaN. */
  | 'nonfinite'
  /** Rounding moves a tensor by more than 5 %: the first order does not reach that far. */
  | 'large-local-error'
  /** An output is said to move by more than 20 %. */
  | 'large-error'
  /** Nothing of the rounding reaches an output to first order: no evidence that it is harmless. */
  | 'zero-gradient'
  /** A node without a gradient stands behind the layer. */
  | 'no-gradient'
  /** The output is a Softmax or Sigmoid that hardly moves: judge the logits. */
  | 'saturated-output'
  /** It moves by less than what its operator's own arithmetic in FP32 can tell apart: to measure it is chance, too. */
  | 'unresolved-output';

/** The flags whose layers are to be measured. */
export const TO_MEASURE: ReadonlySet<SketchFlag> = new Set<SketchFlag>([
  'nonfinite',
  'large-local-error',
  'large-error',
  'zero-gradient',
  'no-gradient',
  'unresolved-output',
]);

/** What a layer does to the outputs, however it was found. */
export interface Sensitivity extends RelativeErrors {
  readonly layer: Layer;
  readonly method: 'sketch' | 'measured';
  readonly perOutput: readonly OutputError[];
  readonly flags: readonly SketchFlag[];
}

/** Squared, as atoms are. */
const LARGE_LOCAL_ERROR = 0.05 ** 2;
const LARGE_ERROR = 0.2;
/**
 * A runtime computes a sigmoid as a fraction plus 1/2, and so to the last place of numbers near 1/2, no matter how near to 0
 * it is. Where all of an output is that near to 0 no gradient is true, and what is measured are steps of this size.
 */
const STEP = 2 ** -24;
/** Errors are told from such steps from so many times their size on. */
const RESOLVED = 3;

/** The errors of `layers`, in their order, without those that draw random numbers. */
export function sketchedErrors(
  sketch: Sketch,
  layers: readonly Layer[],
  tolerances: readonly Tolerance[],
): readonly Sensitivity[] {
  const { events } = sketch;
  const placeOf = new Map(events.layers.map(({ nodeIndex }, place) => [nodeIndex, place]));
  // Where nothing else is low, a layer rounds all that it reads and writes.
  const eventsOf = eventsByLayer(sketch);
  const reached = reachedEvents(sketch);
  return layers.flatMap((layer): Sensitivity[] => {
    const place = placeOf.get(layer.nodeIndex);
    if (place === undefined || drawsRandomNumbers(layer.node)) return [];
    const own = { isCovered: events.covered[place] === true, events: eventsOf[place] ?? [] };
    return [sensitivity(sketch, layer, own, reached, tolerances)];
  });
}

function sensitivity(
  sketch: Sketch,
  layer: Layer,
  { isCovered, events: own }: { readonly isCovered: boolean; readonly events: readonly number[] },
  reached: Uint8Array,
  tolerances: readonly Tolerance[],
): Sensitivity {
  const flags = new Set<SketchFlag>();
  // An infinite constant need not make anything else infinite: a division by it gives 0.
  let isInfinite = false;
  if (!isCovered) flags.add('no-gradient');
  for (const { states, atoms, exact, constants } of sketch.samples) {
    for (const event of own) {
      if (states[event] === 'blocked') flags.add('no-gradient');
      const atom = atoms[event] ?? 0;
      if (!Number.isFinite(atom)) isInfinite = true;
      if (!Number.isFinite(atom + (constants[event] ?? 0))) flags.add('nonfinite');
      else if (atom > LARGE_LOCAL_ERROR * (exact[event] ?? 0)) flags.add('large-local-error');
    }
  }
  const isReached = own.some((event) => reached[event] === 1);
  if (!isReached && own.length > 0 && flags.size === 0) flags.add('zero-gradient');
  if (isUnseen(sketch, layer, own)) flags.add('zero-gradient');
  const perOutput = sketch.outputs.map((output, place): OutputError => {
    const squares = layerSquares(sketch, place, own);
    const samples = sketch.samples.map((sample, index) => {
      const { norm = 0 } = sample.outputs[place] ?? {};
      const square = isInfinite ? Number.POSITIVE_INFINITY : (squares[index] ?? 0);
      return { error: square * (norm > 0 ? norm : 1), norm };
    });
    return { output, ...relativeErrors(samples) };
  });
  const judged = judgedError(perOutput, tolerances);
  const counting = perOutput.findIndex(({ value }) => value === judged.value);
  if (sketch.samples.some(({ outputs }) => outputs[counting]?.saturated === true))
    flags.add('saturated-output');
  if (judged.value < RESOLVED * resolutionOf(sketch, counting)) flags.add('unresolved-output');
  if (judged.value > LARGE_ERROR && Number.isFinite(judged.value)) flags.add('large-error');
  return { layer, ...judged, method: 'sketch', perOutput, flags: [...flags] };
}

/** By event: 1 where it reaches some output to first order in some sample. */
function reachedEvents({ events, samples, probes }: Sketch): Uint8Array {
  const count = events.events.length;
  const reached = new Uint8Array(count);
  for (const { outputs } of samples) {
    for (const { dots, diagonals } of outputs) {
      for (let at = 0; at < count * probes; at++) {
        if ((dots[at] ?? 0) !== 0 || (diagonals[at] ?? 0) !== 0) reached[Math.floor(at / probes)] = 1;
      }
    }
  }
  return reached;
}

/** What a saturated output's own arithmetic makes it err by, relative to it. */
function resolutionOf({ samples }: Sketch, place: number): number {
  const squares = samples.map(({ outputs }) => {
    const { saturated = false, elements = 0, norm = 0 } = outputs[place] ?? {};
    return saturated ? (STEP ** 2 * elements) / norm : 0;
  });
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / Math.max(1, squares.length));
}

/** What two estimates say of one layer in one sample, as relative squared errors. */
interface Estimates {
  /** By the products: of the very roundings that a run would do. */
  readonly seen: number;
  /** The relative variance of `seen`: random probes have one. */
  readonly noise: number;
  /** By the expected squares of roundings that are independent: hardly any variance, true for many directions only. */
  readonly expected: number;
  /** The relative variance of what is measured about the expectation: 2 / n where it spreads over n directions of the output. */
  readonly chance: number;
}

/**
 * The relative squared errors of one layer by sample: the two estimates weighed by what they rest on. Roundings differ from
 * their expectation by 2 / n in n directions of the output; and they may be far from independent, which all samples
 * together show better than any one of them.
 */
function layerSquares(sketch: Sketch, place: number, own: readonly number[]): readonly number[] {
  const all = sketch.samples.map((sample) => estimatesOf(sketch, place, sample, own));
  const total = (of: (one: Estimates) => number): number => all.reduce((sum, one) => sum + of(one), 0);
  const usual = total(({ noise, chance }) => noise + chance) / Math.max(1, all.length) ** 2;
  const ratio = total(({ seen }) => seen) / total(({ expected }) => expected);
  const dependence = Number.isFinite(ratio) ? Math.max(0, (ratio - 1) ** 2 - usual) : 0;
  return all.map(({ seen, noise, expected, chance }) => {
    const weight = (chance + dependence) / (chance + dependence + noise);
    return weight * seen + (1 - weight) * expected;
  });
}

function estimatesOf(
  { probes, events }: Sketch,
  place: number,
  sample: Sketch['samples'][number],
  own: readonly number[],
): Estimates {
  const { dots, diagonals, aligned = 0, random = 0 } = sample.outputs[place] ?? {};
  const kinds = events.events;
  const alone = own.map((event) => (kinds[event]?.kind === 'output' ? kinds.length + event : event));
  let seen = 0;
  let drawn = 0;
  let weights = 0;
  const squares = new Float64Array(probes);
  for (let probe = 0; probe < probes; probe++) {
    let all = 0;
    let weight = 0;
    for (const event of alone) {
      const dot = dots?.[event * probes + probe] ?? 0;
      all += dot;
      if (kinds[event]?.kind === 'weight') weight += dot;
      else squares[probe] = (squares[probe] ?? 0) + (diagonals?.[event * probes + probe] ?? 0);
    }
    seen += all * all;
    if (probe >= aligned) drawn += all * all;
    weights += weight * weight;
  }
  const rows = { aligned, random };
  return {
    seen,
    noise: seen > 0 ? probeVariance(rows, drawn / seen) : 0,
    expected: weights + squares.reduce((sum, square) => sum + square, 0),
    chance: 2 * Math.min(1, Math.max(concentrationOf(squares, 0, rows) ?? 0, 1 / MOST_DIRECTIONS)),
  };
}

/** From here on the expected squares are as good as exact. */
const MOST_DIRECTIONS = 256;
