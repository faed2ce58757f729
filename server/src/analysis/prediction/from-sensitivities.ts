/**
 * A predictor from what is known of a model: sketches, and measured errors of layers that a sketch says too little of. For a
 * command, which finds out what is missing, and for an editor, which asks the store and waits for nothing.
 */
import type { LowFormatName } from '../../formats/index.js';
import type { Model } from '../../onnx/index.js';
import { allowsFormat, type Layer, type Tolerance } from '../../plan/index.js';
import { storedMeasuredErrors } from '../errors/known-errors.js';
import type { OutputError } from '../errors/judged-error.js';
import type { Results } from '../remembered.js';
import { sketchedOutputs, storedSketch, type Sketch } from '../sketch/index.js';
import type { LayerSquares } from './near-plans.js';
import { Predictor } from './predictor.js';

/** What is known of one format. */
export interface KnownFormat {
  readonly sketch: Sketch | undefined;
  readonly errors: readonly MeasuredOrSketched[];
}

interface MeasuredOrSketched {
  readonly layer: Layer;
  readonly method?: 'sketch' | 'measured';
  readonly perOutput: readonly OutputError[];
}

/** Errors without a method are measured. */
export function predictorFrom(known: readonly KnownFormat[]): Predictor {
  const sketches = known.flatMap(({ sketch }) => sketch ?? []);
  const measured = known.flatMap(({ sketch, errors }) => {
    if (sketch === undefined) return [];
    const squares = errors.flatMap(({ layer, method = 'measured', perOutput }): [Layer, LayerSquares][] => {
      if (method !== 'measured') return [];
      const count = sketch.samples.length;
      return [[layer, new Map(perOutput.map((one) => [one.output, squaresOf(one, count)]))]];
    });
    return [[sketch.format, new Map(squares)] as const];
  });
  return new Predictor(sketches, new Map(measured));
}

/** As in all samples together where they are not known one by one. */
function squaresOf({ value, samples }: OutputError, count: number): readonly number[] {
  return samples?.length === count ? samples : Array<number>(count).fill(value * value);
}

/**
 * The predictor that the store allows, for an editor's open plan: ask it `predict(decisions)` at each change. Undefined
 * until the model is sketched in one of `formats`.
 */
export async function storedPredictor(
  results: Results,
  model: Model,
  layers: readonly Layer[],
  formats: readonly LowFormatName[],
  floatOutputs: readonly string[],
  tolerances: readonly Tolerance[],
): Promise<Predictor | undefined> {
  const outputs = sketchedOutputs(floatOutputs, tolerances);
  const known: KnownFormat[] = [];
  for (const format of formats) {
    const sketch = await storedSketch(results, model, layers, format, outputs);
    if (sketch === undefined) continue;
    const own = layers.filter((layer) => allowsFormat(model, layer, format));
    const { errors } = await storedMeasuredErrors(results, own, format, tolerances);
    known.push({ sketch, errors });
  }
  return known.length === 0 ? undefined : predictorFrom(known);
}
