/**
 * A model with its samples in the compute process: the feeds of each sample and what the original gives for
 * them. Everything that compares a plan with the original starts here. Knows no plan and no metric.
 */
import { DataType, weightsFolder, type Model } from '../onnx/index.js';
import type { Runtime, Session, TensorHandle } from '../runtime/index.js';
import { exposed } from '../emulate/index.js';
import type { Sample } from './samples/index.js';

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
  readonly feeds: readonly Feeds[];
  /** `references[sample][output]` */
  readonly references: readonly Outputs[];
}

/** The emulation's settings are part of its definition: a last digit depends on them. */
export const EMULATION_SETTINGS = { provider: 'cpu', optimization: 'disabled', threads: 1 } as const;

const FLOATING: ReadonlySet<DataType> = new Set([
  DataType.FLOAT,
  DataType.FLOAT16,
  DataType.BFLOAT16,
  DataType.DOUBLE,
]);

/** The graph outputs whose elements are floating-point numbers. */
export function floatingOutputs(model: Model): string[] {
  return model.graph.outputs
    .filter((output) => output.type?.kind === 'tensor' && FLOATING.has(output.type.elementType))
    .map((output) => output.name);
}

/** Loads the samples, runs the original once on each, and keeps feeds and outputs. */
export async function openEvaluation(
  runtime: Runtime,
  model: Model,
  samples: readonly Sample[],
  { signal, progress }: WorkOptions = {},
): Promise<Evaluation> {
  const folder = weightsFolder(model) ?? '.';
  const original = await runtime.open(
    { model: { bytes: exposed(model, []).bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
    signal,
  );
  const feeds: Feeds[] = [];
  const references: Outputs[] = [];
  for (const sample of samples) {
    progress?.(feeds.length, samples.length, 'original');
    const feed = await putSample(runtime, sample, signal);
    feeds.push(feed);
    references.push(await runtime.run(original, feed, undefined, signal));
  }
  progress?.(samples.length, samples.length, 'original');
  return {
    runtime,
    model,
    folder,
    samples,
    floatOutputs: floatingOutputs(model),
    original,
    feeds,
    references,
  };
}

/** Frees what `openEvaluation` put into the compute process. */
export async function closeEvaluation(evaluation: Evaluation): Promise<void> {
  const handles = [...evaluation.feeds, ...evaluation.references].flatMap((tensors) =>
    Object.values(tensors),
  );
  await evaluation.runtime.release(handles);
  await evaluation.runtime.close(evaluation.original);
}

/** Puts the tensors of a sample into the compute process. */
export async function putSample(
  runtime: Runtime,
  sample: Sample,
  signal: AbortSignal | undefined,
): Promise<Record<string, TensorHandle>> {
  const feeds: Record<string, TensorHandle> = {};
  for (const [name, tensor] of Object.entries(sample.inputs)) {
    feeds[name] = await runtime.put(tensor.dataType, tensor.dims, tensor.content, signal);
  }
  return feeds;
}
