/**
 * The sensitivity of every layer by the cheapest way that is evidence: a sketch of all of them, and a measurement of those that
 * it says nothing reliable of; or measurements alone where a model is so small that these cost less.
 */
import type { LowFormatName } from '../../formats/index.js';
import { performance } from 'node:perf_hooks';
import { isMixed } from '../../emulate/index.js';
import type { Model } from '../../onnx/index.js';
import { roundingEventsSteps, type Layer, type Tolerance } from '../../plan/index.js';
import { RuntimeFailure } from '../../runtime/index.js';
import { knownMeasuredErrors, storedMeasuredErrors } from '../errors/known-errors.js';
import type { MeasuredErrors } from '../errors/measured-errors.js';
import { nodeTimes } from '../errors/node-times.js';
import { effortOf, NO_EFFORT, type Effort, type Results } from '../remembered.js';
import { inSlices } from '../sessions/in-slices.js';
import { isSketchCheaper } from './cost.js';
import {
  knownSketch,
  sketchedOutputs,
  storedSketch,
  USUAL_PROBES,
  type KnownSketchOptions,
  type Sketch,
} from './known-sketch.js';
import { sketchedErrors, TO_MEASURE, type Sensitivity } from './sketched-errors.js';

export interface Sensitivities extends Effort {
  /** In the order of the layers asked for, without those that cannot run in the format or draw random numbers. */
  readonly errors: readonly Sensitivity[];
  /** Undefined where everything was measured. */
  readonly sketch: Sketch | undefined;
}

export interface SensitivitySubject {
  readonly model: Model;
  /** All layers of the model. */
  readonly all: readonly Layer[];
  /** Those asked for. */
  readonly layers: readonly Layer[];
  readonly format: LowFormatName;
  readonly tolerances: readonly Tolerance[];
  /** Floating-point outputs of the model. */
  readonly floatOutputs: readonly string[];
}

export interface SensitivityOptions extends KnownSketchOptions {
  /**
   * `sketch` measures nothing, `sketch-first` what is flagged; `auto` does the same, and measures everything where that
   * costs less.
   */
  readonly way?: 'auto' | 'sketch' | 'sketch-first';
}

/**
 * The sensitivities, from the store as far as it has them.
 *
 * @throws {RuntimeFailure} where `sketch` is asked for alone and the runtime refuses it; `auto` measures then.
 */
export async function knownSensitivities(
  results: Results,
  subject: SensitivitySubject,
  options: SensitivityOptions = {},
): Promise<Sensitivities> {
  const { model, all, layers, format, tolerances } = subject;
  const outputs = sketchedOutputs(subject.floatOutputs, tolerances);
  const { way = 'auto' } = options;
  let effort: Effort = NO_EFFORT;
  let sketch: (Sketch & Effort) | undefined;
  // What is there already is asked first: then nothing need be run to decide.
  const stored = await storedSketch(results, model, all, format, outputs, options);
  if (stored !== undefined) sketch = { ...stored, ...NO_EFFORT };
  else if (way === 'sketch' || !isMixed(model)) {
    const isWorthwhile =
      way !== 'auto' ||
      (!(await isMeasured(results, subject)) &&
        (await isSketchWorthwhile(results, subject, outputs.length, options, (spent) => {
          effort = spent;
        })));
    if (isWorthwhile) sketch = await sketchUnlessRefused(results, subject, outputs, options);
  }
  const sketched = sketch === undefined ? [] : sketchedErrors(sketch, layers, tolerances);
  if (sketch !== undefined && way === 'sketch') {
    return { errors: sketched, sketch, ...effortOf(sketch) };
  }
  const isUnsure = new Map(
    sketched.map((error) => [error.layer, error.flags.some((flag) => TO_MEASURE.has(flag))]),
  );
  const unsure = sketch === undefined ? layers : layers.filter((layer) => isUnsure.get(layer) === true);
  const measured: MeasuredErrors | undefined =
    unsure.length === 0
      ? undefined
      : await knownMeasuredErrors(results, unsure, format, tolerances, {
          signal: options.signal,
          progress: options.progress,
        });
  const flagsOf = new Map(sketched.map(({ layer, flags }) => [layer, flags]));
  const measuredOf = new Map(
    measured?.errors.map(({ tolerances: _, ...error }): [Layer, Sensitivity] => [
      error.layer,
      { ...error, method: 'measured', flags: flagsOf.get(error.layer) ?? [] },
    ]),
  );
  const sketchedOf = new Map(sketched.map((error) => [error.layer, error]));
  return {
    errors: layers.flatMap((layer) => measuredOf.get(layer) ?? sketchedOf.get(layer) ?? []),
    sketch,
    ...effortOf(effort, sketch, measured),
  };
}

/**
 * The sketch of all layers where it is known, or costs less than to measure those that are asked for; undefined where it costs more, or the
 * runtime refuses it.
 */
export async function sketchIfCheaper(
  results: Results,
  subject: SensitivitySubject,
  options: KnownSketchOptions = {},
): Promise<Sketch | undefined> {
  const { model, all, format, tolerances } = subject;
  const outputs = sketchedOutputs(subject.floatOutputs, tolerances);
  const stored = await storedSketch(results, model, all, format, outputs, options);
  if (stored !== undefined) return stored;
  const ignored = (): void => undefined;
  const isWorthwhile =
    !isMixed(model) && (await isSketchWorthwhile(results, subject, outputs.length, options, ignored));
  return isWorthwhile ? await sketchUnlessRefused(results, subject, outputs, options) : undefined;
}

/** A graph that the runtime refuses, or that fails in it, is no reason to know nothing: then everything is measured. */
async function sketchUnlessRefused(
  results: Results,
  { model, all, format }: SensitivitySubject,
  outputs: readonly string[],
  options: SensitivityOptions,
): Promise<(Sketch & Effort) | undefined> {
  try {
    return await knownSketch(results, model, all, format, outputs, options);
  } catch (error) {
    const isOurs = error instanceof RuntimeFailure && (error.kind === 'refused' || error.kind === 'failed');
    if (options.way === 'sketch' || !isOurs) throw error;
    return undefined;
  }
}

async function isMeasured(
  results: Results,
  { layers, format, tolerances }: SensitivitySubject,
): Promise<boolean> {
  return (await storedMeasuredErrors(results, layers, format, tolerances)).complete;
}

async function isSketchWorthwhile(
  results: Results,
  { model, all, layers, format }: SensitivitySubject,
  outputs: number,
  { probes = USUAL_PROBES, signal }: SensitivityOptions,
  took: (effort: Effort) => void,
): Promise<boolean> {
  const evaluation = await results.evaluation();
  const { open } = await nodeTimes(evaluation, signal);
  const start = performance.now();
  const [feed] = evaluation.feeds;
  const outcome = await evaluation.runtime.run(evaluation.original, feed ?? {}, undefined, signal);
  const run = performance.now() - start;
  await evaluation.runtime.release(Object.values(outcome));
  took({ sessions: 1, inferences: 2 });
  return isSketchCheaper({
    ...{ open, run, outputs, probes },
    nodes: model.graph.nodes.length,
    events: (await inSlices(roundingEventsSteps(model, all, format))).events.length,
    layers: layers.length,
    samples: results.samples.length,
  });
}
