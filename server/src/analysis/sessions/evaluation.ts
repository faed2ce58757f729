/**
 * A model with its samples in the compute process: the feeds of each sample and what the original gives for
 * them. Everything that compares a plan with the original starts here. Knows no plan and no metric.
 */
import { explicitSteps, exposedSteps, isMixed } from '../../emulate/index.js';
import { weightsFolder, type Model } from '../../onnx/index.js';
import { isFloating, modelFacts, type IntegerRanges } from '../../plan/index.js';
import type { Runtime, Session, TensorHandle } from '../../runtime/index.js';
import type { Sample } from '../samples/index.js';
import { inSlices } from './in-slices.js';
import { fedWithStates, withStates } from './sequence.js';

export type Feeds = Readonly<Record<string, TensorHandle>>;
export type Outputs = Readonly<Record<string, TensorHandle>>;

/** Told how far a piece of work is; `total` may grow. */
export type Progress = (done: number, total: number, what: string) => void;

/** What every analysis needs beside its subject. */
export interface WorkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface Evaluation {
  readonly runtime: Runtime;
  readonly model: Model;
  /** The folder that variants find their weights in. */
  readonly folder: string;
  readonly samples: readonly Sample[];
  /** Floating-point graph outputs, which metrics can speak of. */
  readonly floatOutputs: readonly string[];
  /** The original as a variant at the emulation's own settings, so that a plan that changes nothing errs by 0. */
  readonly original: Session;
  /** By sample. A state is that of the original, whatever model is looked at: only `measure` runs a plan's own sequence. */
  readonly feeds: readonly Feeds[];
  /** `references[sample][output]`: what the original gives for each floating-point output, and for each that is a state. */
  readonly references: readonly Outputs[];
  /** How the ranges of layers in an integer format are chosen that no plan decides; as usual where it is left out. */
  readonly ranges?: IntegerRanges;
}

/** The emulation's settings are part of its definition: a last digit depends on them. */
export const EMULATION_SETTINGS = { provider: 'cpu', optimization: 'disabled', threads: 1 } as const;

/** The graph outputs whose elements are floating-point numbers. */
export function floatingOutputs(model: Model): string[] {
  const facts = modelFacts(model);
  return model.graph.outputs
    .map((output) => output.name)
    .filter((name) => isFloating(facts.elementType(name)));
}

/**
 * Loads the samples, runs the original once on each, and keeps feeds and outputs until `closeEvaluation`. Where it
 * throws, nothing is kept.
 */
export async function openEvaluation(
  runtime: Runtime,
  model: Model,
  samples: readonly Sample[],
  { signal, progress }: WorkOptions = {},
): Promise<Evaluation> {
  const folder = weightsFolder(model) ?? '.';
  // A CPU runs a layer of 16 bits through FP32 and leaves out roundings: what a plan is compared with has them all, as it has.
  const steps = isMixed(model) ? explicitSteps(model) : exposedSteps(model, []);
  const original = await runtime.open(
    { model: { bytes: (await inSlices(steps)).bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
    signal,
  );
  const floatOutputs = floatingOutputs(model);
  const wanted = withStates(floatOutputs, samples);
  const feeds: Feeds[] = [];
  const references: Outputs[] = [];
  const evaluation = { runtime, model, folder, samples, floatOutputs, original, feeds, references };
  try {
    for (const sample of samples) {
      progress?.(feeds.length, samples.length, 'original model');
      const own = await putSample(runtime, sample, signal);
      const feed = fedWithStates(own, sample, references.at(-1));
      feeds.push(feed);
      // What the sample before gave takes the place of what would be fed to this one alone.
      await runtime.release(Object.values(own).filter((handle) => !Object.values(feed).includes(handle)));
      references.push(await runtime.run(original, feed, wanted, signal));
    }
  } catch (error) {
    await closeEvaluation(evaluation);
    throw error;
  }
  progress?.(samples.length, samples.length, 'original model');
  return evaluation;
}

/** Frees what `openEvaluation` put into the compute process. */
export async function closeEvaluation(evaluation: Evaluation): Promise<void> {
  const handles = [...evaluation.feeds, ...evaluation.references].flatMap((tensors) =>
    Object.values(tensors),
  );
  // A state is the output of one sample and the input of the next.
  await evaluation.runtime.release([...new Set(handles)]);
  await evaluation.runtime.close(evaluation.original);
}

/** Puts the tensors of a sample into the compute process; the caller releases them. All or none of them are kept. */
export async function putSample(
  runtime: Runtime,
  sample: Sample,
  signal: AbortSignal | undefined,
): Promise<Feeds> {
  const feeds: [string, TensorHandle][] = [];
  try {
    for (const [name, tensor] of Object.entries(sample.inputs)) {
      feeds.push([name, await runtime.put(tensor.dataType, tensor.dims, tensor.content, signal)]);
    }
  } catch (error) {
    await runtime.release(feeds.map(([, handle]) => handle));
    throw error;
  }
  return Object.fromEntries(feeds);
}

/** Runs a session once on a sample that is put for that alone; what comes of it is freed. */
export async function runSample(
  runtime: Runtime,
  session: Session,
  sample: Sample,
  signal: AbortSignal | undefined,
): Promise<void> {
  const feeds = await putSample(runtime, sample, signal);
  try {
    await runtime.release(Object.values(await runtime.run(session, feeds, undefined, signal)));
  } finally {
    await runtime.release(Object.values(feeds));
  }
}
