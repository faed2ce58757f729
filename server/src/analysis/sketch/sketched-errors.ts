/**
 * The error of each layer by itself, from a sketch: the same result as that of measured errors, with flags where the sketch is
 * no evidence. Pure.
 */
import { drawsRandomNumbers, LayerStand, type Layer, type Tolerance } from '../../plan/index.js';
import { judgedError, type OutputError } from '../judged-error.js';
import { relativeErrors, type RelativeErrors } from '../relative-errors.js';
import type { Sketch } from './known-sketch.js';

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
  | 'saturated-output';

/** The flags whose layers are to be measured. */
export const TO_MEASURE: ReadonlySet<SketchFlag> = new Set<SketchFlag>([
  'nonfinite',
  'large-local-error',
  'large-error',
  'zero-gradient',
  'no-gradient',
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

/** The errors of `layers`, in their order, without those that draw random numbers. */
export function sketchedErrors(
  sketch: Sketch,
  layers: readonly Layer[],
  tolerances: readonly Tolerance[],
): readonly Sensitivity[] {
  const { events } = sketch;
  const placeOf = new Map(events.layers.map(({ nodeIndex }, place) => [nodeIndex, place]));
  const stands = new Uint8Array(events.layers.length);
  const triggered = new Uint8Array(events.events.length);
  const eventsOf: number[][] = events.layers.map(() => []);
  events.events.forEach(({ layer }, event) => eventsOf[layer]?.push(event));
  return layers.flatMap((layer): Sensitivity[] => {
    const place = placeOf.get(layer.nodeIndex);
    if (place === undefined || drawsRandomNumbers(layer.node)) return [];
    stands[place] = LayerStand.low;
    events.trigger(stands, triggered);
    stands[place] = LayerStand.exact;
    const own = (eventsOf[place] ?? []).filter((event) => triggered[event] === 1);
    return [sensitivity(sketch, layer, events.covered[place] === true, own, tolerances)];
  });
}

function sensitivity(
  sketch: Sketch,
  layer: Layer,
  isCovered: boolean,
  own: readonly number[],
  tolerances: readonly Tolerance[],
): Sensitivity {
  const flags = new Set<SketchFlag>();
  if (!isCovered) flags.add('no-gradient');
  for (const { states, atoms, exact, constants } of sketch.samples) {
    for (const event of own) {
      if (states[event] === 'blocked') flags.add('no-gradient');
      const atom = atoms[event] ?? 0;
      if (!Number.isFinite(atom + (constants[event] ?? 0))) flags.add('nonfinite');
      else if (atom > LARGE_LOCAL_ERROR * (exact[event] ?? 0)) flags.add('large-local-error');
    }
  }
  const isReached = sketch.samples.some(({ outputs }) =>
    outputs.some(({ diagonals }) =>
      own.some((event) => {
        const from = event * sketch.probes;
        return diagonals.subarray(from, from + sketch.probes).some((value) => value !== 0);
      }),
    ),
  );
  if (!isReached && own.length > 0 && flags.size === 0) flags.add('zero-gradient');
  const perOutput = sketch.outputs.map((output, place): OutputError => {
    const samples = sketch.samples.map((sample) => {
      const { norm = 0 } = sample.outputs[place] ?? {};
      const square = flags.has('nonfinite')
        ? Number.POSITIVE_INFINITY
        : layerSquare(sketch, place, sample, own);
      return { error: square * (norm > 0 ? norm : 1), norm };
    });
    return { output, ...relativeErrors(samples) };
  });
  const judged = judgedError(perOutput, tolerances);
  const counting = perOutput.findIndex(({ value }) => value === judged.value);
  if (sketch.samples.some(({ outputs }) => outputs[counting]?.saturated === true))
    flags.add('saturated-output');
  if (judged.value > LARGE_ERROR && Number.isFinite(judged.value)) flags.add('large-error');
  return { layer, ...judged, method: 'sketch', perOutput, flags: [...flags] };
}

/**
 * The relative squared error of one layer in one sample: two estimates, weighed by what they rest on. The products
 * themselves are those of the very roundings that a run would do, but K probes tell their square with a variance of 2 / K; the
 * expected squares have hardly any, but roundings differ from their expectation by 2 / n, for n directions of the output.
 */
function layerSquare(
  { probes, events }: Sketch,
  place: number,
  sample: Sketch['samples'][number],
  own: readonly number[],
): number {
  const { dots, diagonals, exact = false } = sample.outputs[place] ?? {};
  if (dots === undefined || diagonals === undefined) return 0;
  let seen = 0;
  let weights = 0;
  let expected = 0;
  let spread = 0;
  for (let probe = 0; probe < probes; probe++) {
    let all = 0;
    let weight = 0;
    let square = 0;
    for (const event of own) {
      const dot = dots[event * probes + probe] ?? 0;
      all += dot;
      if (events.events[event]?.kind === 'weight') weight += dot;
      else square += diagonals[event * probes + probe] ?? 0;
    }
    seen += all * all;
    weights += weight * weight;
    expected += square;
    spread += square * square;
  }
  if (exact) return seen;
  const variation = expected > 0 ? Math.max(0, (spread * probes) / (expected * expected) - 1) / 2 : 0;
  const directions = Math.min(MOST_DIRECTIONS, 1 / Math.max(variation, 1 / MOST_DIRECTIONS));
  return (probes * seen + directions * (weights + expected)) / (probes + directions);
}

/** From here on the expected squares are as good as exact. */
const MOST_DIRECTIONS = 256;
