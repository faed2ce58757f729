/**
 * A predictor from what is known of a model: sketches, and measured errors of layers that a sketch says too little of. For a
 * command, which finds out what is missing, and for an editor, which asks the store and waits for nothing.
 */
import type { LowFormatName } from '../../formats/index.js';
import type { Model } from '../../onnx/index.js';
import {
  allowsFormat,
  rangesText,
  type IntegerRanges,
  type Layer,
  type LayerDecision,
  type Tolerance,
} from '../../plan/index.js';
import { storedMeasuredErrors } from '../errors/known-errors.js';
import type { OutputError } from '../errors/judged-error.js';
import type { Results } from '../remembered.js';
import { sketchedOutputs, storedSketch, type Sketch } from '../sketch/index.js';
import type { OptionSquares } from './learnt-options.js';
import type { LayerSquares } from './near-plans.js';
import type { OptionEffect } from './option-effects.js';
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
      return [[layer, squaresOfAll(perOutput, count)]];
    });
    return [[sketch.format, new Map(squares)] as const];
  });
  return new Predictor(sketches, new Map(measured));
}

function squaresOfAll(perOutput: readonly OutputError[], count: number): LayerSquares {
  return new Map(perOutput.map((one) => [one.output, squaresOf(one, count)]));
}

/** As in all samples together where they are not known one by one. */
function squaresOf({ value, samples }: OutputError, count: number): readonly number[] {
  return samples?.length === count ? samples : Array<number>(count).fill(value * value);
}

/** What is found of one format: of an integer format under the ranges that a plan asks for. */
export interface FormatResults {
  readonly format: LowFormatName;
  readonly results: Results;
}

/**
 * The predictor that the store allows, for an editor's open plan: ask it `predict(decisions)` at each change. Undefined
 * until the model is sketched in one of `formats`.
 */
export async function storedPredictor(
  formats: readonly FormatResults[],
  model: Model,
  layers: readonly Layer[],
  floatOutputs: readonly string[],
  tolerances: readonly Tolerance[],
): Promise<Predictor | undefined> {
  const outputs = sketchedOutputs(floatOutputs, tolerances);
  const known: KnownFormat[] = [];
  for (const { format, results } of formats) {
    const sketch = await storedSketch(results, model, layers, format, outputs);
    if (sketch === undefined) continue;
    const own = layers.filter((layer) => allowsFormat(model, layer, format));
    const { errors } = await storedMeasuredErrors(results, own, format, tolerances);
    known.push({ sketch, errors });
  }
  return known.length === 0 ? undefined : predictorFrom(known);
}

/** Of the effects those that are nothing but a layer in its format, as far as that was measured of the layer alone. */
export async function measuredAlone(
  formats: readonly FormatResults[],
  effects: readonly OptionEffect[],
  tolerances: readonly Tolerance[],
): Promise<OptionSquares> {
  const found = new Map<string, Map<number, LayerSquares>>();
  for (const { format, results } of formats) {
    const own = effects.filter(({ decision }) => isAlone(decision, format, results.ranges));
    if (own.length === 0) continue;
    const layers = own.map(({ layer }) => layer);
    const { errors } = await storedMeasuredErrors(results, layers, format, tolerances);
    const squares = new Map(
      errors.map(({ layer, perOutput }) => [
        layer.nodeIndex,
        squaresOfAll(perOutput, results.samples.length),
      ]),
    );
    for (const { key, layer } of own) {
      const one = squares.get(layer.nodeIndex);
      const same = found.get(key) ?? new Map<number, LayerSquares>();
      if (one !== undefined) found.set(key, same.set(layer.nodeIndex, one));
    }
  }
  return found;
}

/** Whether the decision asks for no more than the format, with its ranges as they are chosen here. */
function isAlone(
  { format: own, overflow, numerics = {} }: LayerDecision,
  format: LowFormatName,
  ranges: IntegerRanges | undefined,
): boolean {
  const { quantize: _, perChannel: __, ...others } = numerics;
  const isPlain = overflow !== 'saturate' && Object.keys(others).length === 0;
  return own === format && isPlain && rangesText(numerics) === rangesText(ranges);
}
