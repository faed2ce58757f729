/**
 * How long each layer takes in the original and in the converted model, executed for real: both profiled in turns
 * at the highest optimisation level that works, medians over runs, kernels led back to the layers that they came from, and
 * the casts at the borders between formats counted to the layers that cause them.
 */
import { labelledSteps, type LabelledVariant } from '../../emulate/index.js';
import { weightsFolder, type Model, type Steps } from '../../onnx/index.js';
import { findLayers, isInMainGraph, type Layer } from '../../plan/index.js';
import {
  RuntimeFailure,
  type OptimizationLevel,
  type ProfiledKernel,
  type Provider,
  type Runtime,
  type Session,
  type SessionRequest,
} from '../../runtime/index.js';
import { putSample, runSample, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { kernelOwners } from './kernel-owners.js';
import { medianKernels } from './median-kernels.js';
import { modelLatency, type ModelLatency, type ProfiledModel } from './model-latency.js';
import { withOptimized } from '../sessions/open-session.js';
import { mayBeOfALevel, quantile, timeAlone } from './benchmark.js';
import type { Sample } from '../samples/index.js';

/** Milliseconds in one run, of the original and of the converted model. */
export interface Milliseconds {
  readonly fp32: number;
  readonly plan: number;
}

export interface LayerTimes extends Milliseconds {
  readonly layer: Layer;
  /** Casts that the layer's format causes in the converted model, those that the runtime adds included; not in `plan`. */
  readonly casts: number;
  /** Where the layer has no kernel of its own: the nearest layer that has one, which does its work. */
  readonly fusedInto: { readonly fp32: Layer | undefined; readonly plan: Layer | undefined };
}

/** `layers` (with their casts), `others`, `unmapped` and `outside` add up to `whole`. */
export interface LayerLatency {
  /** In the order of the main graph's layers; those inside sub-graphs and functions are not timed. */
  readonly layers: readonly LayerTimes[];
  /** Kernels of nodes that are no layers: movement, shapes, integers, and casts that the original has. */
  readonly others: Milliseconds;
  /** Kernels that cannot be led back to a node. */
  readonly unmapped: Milliseconds;
  /** Their names, of both models, longest first. */
  readonly unmappedKernels: readonly string[];
  /** The rest of a run: what the runtime does between kernels. */
  readonly outside: Milliseconds;
  /** Median of a whole run without a profile, with its spread. */
  readonly whole: Milliseconds;
  readonly p10: Milliseconds;
  readonly p90: Milliseconds;
  readonly optimization: { readonly fp32: OptimizationLevel; readonly plan: OptimizationLevel };
  readonly notes: readonly string[];
}

export interface LayerLatencyOptions extends WorkOptions {
  readonly threads: number;
  /** `cpu` if left out. */
  readonly target?: Provider | undefined;
  /** Runs that count; more come before them. */
  readonly runs?: number;
}

/** Runs before the clock counts: kernels choose algorithms and memory is laid out in the first ones. */
const WARM_UP_RUNS = 3;
const RUNS = 20;

/** Of each session, if not said otherwise, those before the clock counts included. */
export const RUNS_OF_LAYERS = WARM_UP_RUNS + RUNS;

/** Rounds without a pause: the first run after one finds the caches cold, and each model begins as many of them as the other. */
const ROUNDS = 4;

/** Profiles `original` and `converted`, the model that a plan for it was converted to, on `sample`. */
export async function layerLatency(
  runtime: Runtime,
  original: Model,
  converted: Model,
  sample: Sample,
  options: LayerLatencyOptions,
): Promise<LayerLatency> {
  const runs = WARM_UP_RUNS + (options.runs ?? RUNS);
  // Kernels inside sub-graphs and functions cannot be told apart: their time is that of no layer.
  const layers = findLayers(original).filter(({ nodeIndex }) => isInMainGraph(original, nodeIndex));
  const labelled = [await labelledModel(original, ''), await labelledModel(converted, 'low')] as const;
  const profiled = profiledAtLevels(runtime, labelled, sample, runs, options);
  const { models, times, kernels } = await profiled.catch((error: unknown) => {
    throw inOwnNames(error, labelled);
  });
  if (kernels.some((row) => row.some(({ isHandedOver }) => isHandedOver === true))) {
    const device = options.target ?? 'cpu';
    const message = `The profile tells when ${device} was handed work, not how long it took: this device has no timestamp queries.`;
    throw new RuntimeFailure('failed', message);
  }
  const added: ModelLatency[] = [];
  for (const [index, { model, variant }] of models.entries()) {
    const found = { model, layers, parts: variant.parts, kernels: kernels[index] ?? [] };
    added.push(await inSlices(addedUp(original, found, runs)));
  }
  const [fp32, plan] = added;
  if (fp32 === undefined || plan === undefined) throw new RangeError('two models are profiled');
  const sorted = times.map((row) => row.slice(WARM_UP_RUNS).sort((a, b) => a - b));
  const both = (share: number): Milliseconds => ({
    fp32: quantile(sorted[0] ?? [], share),
    plan: quantile(sorted[1] ?? [], share),
  });
  const whole = both(0.5);
  const [exact, low] = [withinRun(fp32, whole.fp32), withinRun(plan, whole.plan)];
  return {
    layers: layers.map((layer, index) => ({
      layer,
      fp32: exact.layers[index] ?? 0,
      plan: low.layers[index] ?? 0,
      casts: low.casts[index] ?? 0,
      fusedInto: { fp32: fp32.fusedInto[index], plan: plan.fusedInto[index] },
    })),
    others: { fp32: exact.others, plan: low.others },
    unmapped: { fp32: exact.unmapped, plan: low.unmapped },
    unmappedKernels: [
      ...new Set([
        ...fp32.unmappedKernels.map(labelled[0].variant.ownNames),
        ...plan.unmappedKernels.map(labelled[1].variant.ownNames),
      ]),
    ],
    outside: { fp32: whole.fp32 - exact.total, plan: whole.plan - low.total },
    whole,
    p10: both(0.1),
    p90: both(0.9),
    optimization: { fp32: models[0].optimization, plan: models[1].optimization },
    notes: models.flatMap(({ notes }) => notes),
  };
}

/** Kernels take longer while they are profiled, small ones most: together they take no longer than the run that they are of. */
function withinRun(latency: ModelLatency, whole: number): ModelLatency {
  if (!(latency.total > whole)) return latency;
  const scale = whole / latency.total;
  const scaled = (times: readonly number[]): readonly number[] => times.map((time) => time * scale);
  return {
    ...latency,
    layers: scaled(latency.layers),
    casts: scaled(latency.casts),
    others: latency.others * scale,
    unmapped: latency.unmapped * scale,
    total: whole,
  };
}

/** A model as it is timed: its nodes numbered, so that kernels lead back to them. */
interface LabelledModel {
  readonly model: Model;
  readonly variant: LabelledVariant;
  readonly file: SessionRequest['model'];
}

async function labelledModel(model: Model, mark: string): Promise<LabelledModel> {
  const variant = await inSlices(labelledSteps(model, mark));
  const { bytes, nodeNames } = variant;
  return { model, variant, file: { bytes, weightsFolder: weightsFolder(model) ?? '.', nodeNames } };
}

/** At the highest level that works. */
interface TimedModel extends LabelledModel {
  readonly optimization: OptimizationLevel;
  readonly notes: readonly string[];
}

type Pair<T> = readonly [T, T];

/** The runs of both models at the highest levels that work: what fails only after its first run, or only while it is profiled, too. */
async function profiledAtLevels(
  runtime: Runtime,
  labelled: Pair<LabelledModel>,
  sample: Sample,
  runs: number,
  options: LayerLatencyOptions,
): Promise<ProfiledRuns & { readonly models: Pair<TimedModel> }> {
  const once: Trial = { runs: 1, profile: false };
  // First one by one, each run once: an optimisation level that kills the process would take the other session along.
  const models = await atLevels(runtime, labelled, sample, [once], options);
  try {
    return { models, ...(await profiledRuns(runtime, models, sample, runs, options)) };
  } catch (error) {
    if (!mayBeOfALevel(error)) throw error;
    // Which model it was, and at which level it does not happen, as many runs alone tell: first as they are, then profiled.
    const trials: readonly Trial[] = [
      { runs, profile: false },
      { runs, profile: true },
    ];
    const lower = await atLevels(runtime, labelled, sample, trials, options);
    return { models: lower, ...(await profiledRuns(runtime, lower, sample, runs, options)) };
  }
}

/** How a model is run to find out whether a level works. */
interface Trial {
  readonly runs: number;
  readonly profile: boolean;
}

/** Both models, each at the highest level at which all of the trials work. */
async function atLevels(
  runtime: Runtime,
  [original, converted]: Pair<LabelledModel>,
  sample: Sample,
  trials: readonly Trial[],
  options: LayerLatencyOptions,
): Promise<Pair<TimedModel>> {
  const levelled = async (model: LabelledModel): Promise<TimedModel> => {
    let timed: TimedModel = { ...model, optimization: 'all', notes: [] };
    for (const trial of trials) timed = await timedModel(runtime, timed, original, sample, trial, options);
    return timed;
  };
  return [await levelled(original), await levelled(converted)];
}

/** The model at its level, or at a lower one where the trial works there only. */
async function timedModel(
  runtime: Runtime,
  timed: TimedModel,
  original: LabelledModel,
  sample: Sample,
  { runs, profile }: Trial,
  { threads, target: provider, signal }: LayerLatencyOptions,
): Promise<TimedModel> {
  const { variant, file } = timed;
  const runOf = async ({ variant: own }: LabelledModel, session: Session): Promise<void> => {
    const inputs = renamed(sample.inputs, own);
    if (runs === 1) {
      await runSample(runtime, session, { ...sample, inputs }, signal);
      return;
    }
    await timeAlone(runtime, session, { ...sample, inputs }, { runs, signal });
    if (profile) await runtime.profile(session, signal);
  };
  const options = {
    ...{ threads, provider, profile, timing: runs > 1, highest: timed.optimization },
    // All that is opened here is opened anew.
    renew: () => undefined,
    original: { model: original.file, run: (session: Session) => runOf(original, session) },
  };
  const found = withOptimized(runtime, file, options, signal, async (opened) => {
    const { session, optimization, notes } = opened;
    await runOf(timed, session);
    return { optimization, notes: [...timed.notes, ...notes.map(variant.ownNames)] };
  });
  const level = await found.catch((error: unknown) => {
    throw inOwnNames(error, [timed]);
  });
  return { ...timed, ...level };
}

interface ProfiledRuns {
  readonly times: readonly (readonly number[])[];
  readonly kernels: readonly (readonly ProfiledKernel[])[];
}

/**
 * Milliseconds of each run of each model, and the kernels of as many runs, all in turns: each model is run once as it is and once
 * profiled, since a profile slows small kernels.
 */
async function profiledRuns(
  runtime: Runtime,
  models: readonly TimedModel[],
  sample: Sample,
  runs: number,
  { threads, target: provider = 'cpu', signal, progress }: LayerLatencyOptions,
): Promise<ProfiledRuns> {
  const sessions: Session[] = [];
  const feeds = await putSample(runtime, sample, signal);
  try {
    const timed: { session: Session; feeds: Feeds }[] = [];
    for (const profile of [false, true]) {
      for (const { file, variant, optimization } of models) {
        const settings = { provider, optimization, threads, timing: true, profile } as const;
        const session = await runtime.open({ model: file, ...settings }, signal);
        sessions.push(session);
        timed.push({ session, feeds: renamed(feeds, variant) });
      }
    }
    const times: number[][] = timed.map(() => []);
    for (let done = 0; done < runs; done += ROUNDS) {
      progress?.(done, runs, 'latency of layers');
      const measured = await runtime.time(timed, Math.min(ROUNDS, runs - done), signal);
      for (const [index, row] of measured.entries()) times[index]?.push(...row);
    }
    progress?.(runs, runs, 'latency of layers');
    const kernels: (readonly ProfiledKernel[])[] = [];
    for (const session of sessions.slice(models.length)) kernels.push(await runtime.profile(session, signal));
    return { times: times.slice(0, models.length), kernels };
  } finally {
    for (const session of sessions) await runtime.close(session);
    await runtime.release(Object.values(feeds));
  }
}

/** What the runtime says of nodes and tensors that go by numbers, with the names that the models have for them. */
function inOwnNames(error: unknown, models: readonly LabelledModel[]): unknown {
  if (!(error instanceof RuntimeFailure)) return error;
  return new RuntimeFailure(
    error.kind,
    models.reduce((text, { variant }) => variant.ownNames(text), error.message),
  );
}

/** The latency of a model, given the kernels of all runs. */
function* addedUp(
  original: Model,
  {
    model,
    layers,
    parts,
    kernels: all,
  }: Omit<ProfiledModel, 'owners'> & { readonly parts: LabelledVariant['parts'] },
  runs: number,
): Steps<ModelLatency> {
  const kernels = medianKernels(all, runs, WARM_UP_RUNS);
  yield;
  const owners = kernelOwners(model, parts, kernels);
  yield;
  return yield* modelLatency(original, { model, layers, kernels, owners });
}

function renamed<T>(feeds: Readonly<Record<string, T>>, { inputs }: LabelledVariant): Record<string, T> {
  return Object.fromEntries(Object.entries(feeds).map(([name, fed]) => [inputs.get(name) ?? name, fed]));
}
