/**
 * Sketches kept sample by sample: work that is stopped loses no sample that it was done with, and one more sample costs one
 * more. Knows the store's keys; what a sketch is, is in sketch.ts.
 */
import type { LowFormatName } from '../../formats/index.js';
import type { Model } from '../../onnx/index.js';
import {
  roundingEventsSteps,
  valueDependenceSteps,
  type IntegerRanges,
  type Layer,
  type RoundingEvents,
  type Tolerance,
} from '../../plan/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { NO_EFFORT, type Effort, type Recipe, type Results } from '../remembered.js';
import type { Label } from '../samples/index.js';
import { Sketcher, type SampleSketch } from './sketch.js';

/** Raised when a change of the code changes what a sketch holds. */
const SKETCH_VERSION = 6;
const SKETCH = 'sketch';

/** Enough for a rank correlation of .98 and more with what is measured, with eight samples. */
export const USUAL_PROBES = 8;

/** What every rounding event does to each output, sample by sample. */
export interface Sketch {
  readonly format: LowFormatName;
  readonly events: RoundingEvents;
  readonly outputs: readonly string[];
  readonly probes: number;
  readonly samples: readonly SampleSketch[];
  /** By output: the nodes whose values it depends on in whatever way; left out where that is not known. */
  readonly dependence?: readonly ReadonlySet<number>[];
  /** How the ranges of an integer format were chosen; as usual where it is left out. */
  readonly ranges?: IntegerRanges | undefined;
}

export interface KnownSketchOptions extends WorkOptions {
  readonly probes?: number;
  readonly seed?: number;
  /** So many of the samples, the first ones; all where it is left out. */
  readonly samples?: number;
  readonly direction?: 'random' | 'output' | 'loss';
  /** By sample, for `loss`. */
  readonly labels?: readonly Label[] | undefined;
  readonly curvature?: boolean;
}

/** The outputs that are sketched: those that tolerances speak of, otherwise all of floating-point numbers. */
export function sketchedOutputs(
  floatOutputs: readonly string[],
  tolerances: readonly Tolerance[],
): readonly string[] {
  const asked = new Set(tolerances.map(({ output }) => output));
  const judged = floatOutputs.filter((name) => asked.has(name));
  return judged.length > 0 ? judged : floatOutputs;
}

/**
 * The sketch of all samples, as far as the store does not know it.
 *
 * @param layers all of the model's: events, and so what is kept, are numbered by them.
 * @param outputs in the order of the model's.
 */
export async function knownSketch(
  results: Results,
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
  outputs: readonly string[],
  options: KnownSketchOptions = {},
): Promise<Sketch & Effort> {
  const { probes, seed, direction, curvature } = settingsOf(options);
  const { signal, progress } = options;
  const total = Math.min(options.samples ?? Number.POSITIVE_INFINITY, results.samples.length);
  const kept: (SampleSketch | undefined)[] = [];
  const recipe = (sample: number): Recipe => recipeOf(format, outputs, options, sample);
  for (let sample = 0; sample < total; sample++) kept.push(await storedSample(results, recipe(sample)));
  const events = await inSlices(roundingEventsSteps(model, layers, format));
  let effort = NO_EFFORT;
  if (kept.includes(undefined)) {
    const evaluation = await results.evaluation();
    const sketcher = new Sketcher(evaluation, events, outputs, {
      ...{ probes, seed, direction, curvature, signal, labels: options.labels },
    });
    try {
      for (let sample = 0; sample < total; sample++) {
        progress?.(sample, total, 'sketch');
        if (kept[sample] !== undefined) continue;
        const found = await sketcher.sketch(sample);
        kept[sample] = found;
        await results.keep(SKETCH, recipe(sample), found);
      }
    } finally {
      effort = { sessions: sketcher.sessions, inferences: sketcher.inferences };
      await sketcher.close();
    }
    progress?.(total, total, 'sketch');
  }
  const { ranges } = results;
  const dependence = await dependenceOf(model, outputs);
  const found = kept.flatMap((one) => one ?? []);
  return { format, events, outputs, probes, ranges, dependence, samples: found, ...effort };
}

/** The sketch as far as the store has it; undefined where a sample is missing. */
export async function storedSketch(
  results: Results,
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
  outputs: readonly string[],
  options: KnownSketchOptions = {},
): Promise<Sketch | undefined> {
  const samples: SampleSketch[] = [];
  for (const sample of results.samples.keys()) {
    const one = await storedSample(results, recipeOf(format, outputs, options, sample));
    if (one === undefined) return undefined;
    samples.push(one);
  }
  const { probes } = settingsOf(options);
  const events = await inSlices(roundingEventsSteps(model, layers, format));
  const dependence = await dependenceOf(model, outputs);
  return { format, events, outputs, probes, samples, dependence, ranges: results.ranges };
}

async function dependenceOf(
  model: Model,
  outputs: readonly string[],
): Promise<readonly ReadonlySet<number>[]> {
  const found: ReadonlySet<number>[] = [];
  for (const output of outputs) found.push(await inSlices(valueDependenceSteps(model, output)));
  return found;
}

function settingsOf({ probes, seed = 0, direction = 'random', curvature = false }: KnownSketchOptions) {
  return { probes: probes ?? (direction === 'random' ? USUAL_PROBES : 1), seed, direction, curvature };
}

function recipeOf(
  format: LowFormatName,
  outputs: readonly string[],
  options: KnownSketchOptions,
  sample: number,
): Recipe {
  const label = options.labels?.[sample]?.key;
  const against = label === undefined ? {} : { label };
  return { format, outputs, ...settingsOf(options), ...against, sample, version: SKETCH_VERSION };
}

async function storedSample(results: Results, recipe: Recipe): Promise<SampleSketch | undefined> {
  const found = await results.find(SKETCH, recipe);
  return typeof found === 'object' && found !== null && 'outputs' in found
    ? (found as SampleSketch)
    : undefined;
}
