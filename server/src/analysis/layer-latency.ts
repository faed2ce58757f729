/**
 * How long each layer takes in the original and in the converted model, executed for real: both profiled in turns
 * at the highest optimisation level that works, medians over runs, kernels led back to the layers that they came from, and
 * the casts at the borders between formats counted to the layers that cause them.
 */
import { labelled, type LabelledVariant } from '../emulate/index.js';
import { weightsFolder, type Model } from '../onnx/index.js';
import { findLayers, type Layer } from '../plan/index.js';
import type { OptimizationLevel, ProfiledKernel, Runtime, Session, TensorHandle } from '../runtime/index.js';
import { putSample, type Feeds, type WorkOptions } from './evaluation.js';
import { medianKernels } from './median-kernels.js';
import { modelLatency } from './model-latency.js';
import { openOptimized } from './open-session.js';
import { quantile } from './benchmark.js';
import type { Sample } from './samples/index.js';

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
  /** In the order of the model's layers. */
  readonly layers: readonly LayerTimes[];
  /** Kernels of nodes that are no layers: movement, shapes, integers, and casts that the original has. */
  readonly others: Milliseconds;
  /** Kernels that cannot be led back to a node. */
  readonly unmapped: Milliseconds;
  /** Their names, of both models, longest first. */
  readonly unmappedKernels: readonly string[];
  /** The rest of a run: what the runtime does between kernels, profiling included. */
  readonly outside: Milliseconds;
  /** Median of a whole run, with its spread. */
  readonly whole: Milliseconds;
  readonly p10: Milliseconds;
  readonly p90: Milliseconds;
  readonly optimization: { readonly fp32: OptimizationLevel; readonly plan: OptimizationLevel };
  readonly notes: readonly string[];
}

export interface LayerLatencyOptions extends WorkOptions {
  readonly threads: number;
  /** Runs that count; more come before them. */
  readonly runs?: number;
}

/** Runs before the clock counts: kernels choose algorithms and memory is laid out in the first ones. */
const WARM_UP_RUNS = 3;
const RUNS = 20;

/** Profiles `original` and `converted`, the model that a plan for it was converted to, on `sample`. */
export async function layerLatency(
  runtime: Runtime,
  original: Model,
  converted: Model,
  sample: Sample,
  { threads, signal, progress, runs = RUNS }: LayerLatencyOptions,
): Promise<LayerLatency> {
  const profiled = [];
  for (const model of [original, converted]) {
    const variant = labelled(model);
    const file = { bytes: variant.bytes, weightsFolder: weightsFolder(model) ?? '.' };
    // First one by one: an optimisation level that kills the process would take the other session along.
    const { session, optimization, notes } = await openOptimized(runtime, file, { threads }, signal);
    await runtime.close(session);
    profiled.push({ model, variant, file, optimization, notes });
  }
  const sessions: Session[] = [];
  const feeds = await putSample(runtime, sample, signal);
  try {
    for (const { file, optimization } of profiled) {
      const settings = { provider: 'cpu', optimization, threads, timing: true, profile: true } as const;
      sessions.push(await runtime.open({ model: file, ...settings }, signal));
    }
    const timed = profiled.flatMap(({ variant }, index) => {
      const session = sessions[index];
      return session === undefined ? [] : [{ session, feeds: renamed(feeds, variant) }];
    });
    const times: number[][] = timed.map(() => []);
    for (let done = 0; done < WARM_UP_RUNS + runs; done++) {
      progress?.(done, WARM_UP_RUNS + runs, 'latency of layers');
      const measured = await runtime.time(timed, 1, signal);
      for (const [index, row] of measured.entries()) times[index]?.push(...row);
    }
    progress?.(WARM_UP_RUNS + runs, WARM_UP_RUNS + runs, 'latency of layers');
    const kernels: (readonly ProfiledKernel[])[] = [];
    for (const session of sessions) kernels.push(await runtime.profile(session, signal));
    const layers = findLayers(original);
    const [fp32, plan] = profiled.map(({ model, variant }, index) => {
      const found = medianKernels(kernels[index] ?? [], WARM_UP_RUNS + runs, WARM_UP_RUNS);
      return modelLatency(original, { model, variant, layers, kernels: found });
    });
    if (fp32 === undefined || plan === undefined) throw new RangeError('two models are profiled');
    const sorted = times.map((row) => row.slice(WARM_UP_RUNS).sort((a, b) => a - b));
    const both = (share: number): Milliseconds => ({
      fp32: quantile(sorted[0] ?? [], share),
      plan: quantile(sorted[1] ?? [], share),
    });
    const whole = both(0.5);
    return {
      layers: layers.map((layer, index) => ({
        layer,
        fp32: fp32.layers[index] ?? 0,
        plan: plan.layers[index] ?? 0,
        casts: plan.casts[index] ?? 0,
        fusedInto: { fp32: fp32.fusedInto[index], plan: plan.fusedInto[index] },
      })),
      others: { fp32: fp32.others, plan: plan.others },
      unmapped: { fp32: fp32.unmapped, plan: plan.unmapped },
      unmappedKernels: [...new Set([...fp32.unmappedKernels, ...plan.unmappedKernels])],
      outside: { fp32: whole.fp32 - fp32.total, plan: whole.plan - plan.total },
      whole,
      p10: both(0.1),
      p90: both(0.9),
      optimization: {
        fp32: profiled[0]?.optimization ?? 'disabled',
        plan: profiled[1]?.optimization ?? 'disabled',
      },
      notes: profiled.flatMap(({ notes }) => notes),
    };
  } finally {
    for (const session of sessions) await runtime.close(session);
    await runtime.release(Object.values(feeds));
  }
}

function renamed(feeds: Feeds, { inputs }: LabelledVariant): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, handle]): [string, TensorHandle] => [inputs.get(name) ?? name, handle]),
  );
}
