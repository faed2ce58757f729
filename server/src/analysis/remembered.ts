/**
 * What is known of a model on its samples: answered by the store where it can be, measured where it cannot, and kept as
 * soon as it is. An editor and the command ask by the same keys, so that each finds what the other measured. Knows
 * neither of them, and no single method.
 */
import type { Model, TensorProblem } from '../onnx/index.js';
import type { IntegerRanges } from '../plan/index.js';
import type { Runtime } from '../runtime/index.js';
import {
  fingerprint,
  memoryStore,
  openStore,
  rememberedFingerprint,
  type Store,
  type StoreOptions,
} from '../store/index.js';
import type { Evaluation } from './sessions/evaluation.js';
import { keepResults, type KeptResults } from './sessions/kept-results.js';
import { samplesKey, type Sample } from './samples/index.js';
import { watchFiles } from './watched-files.js';

/** Part of every key: raised when a change of the code changes what the same inputs give, or how it is written down. */
const NUMERICS_VERSION = 4;

/** Everything beside its subject that determines a result. */
export type Recipe = Readonly<Record<string, unknown>>;

/** What it took to answer; nothing where the store did. */
export interface Effort {
  readonly sessions: number;
  readonly inferences: number;
}

export const NO_EFFORT: Effort = { sessions: 0, inferences: 0 };

/** The sum of what several answers took. */
export function effortOf(...parts: readonly (Effort | undefined)[]): Effort {
  const sum = (key: keyof Effort): number => parts.reduce((total, part) => total + (part?.[key] ?? 0), 0);
  return { sessions: sum('sessions'), inferences: sum('inferences') };
}

/** A model on its samples, and what runs it. */
export interface Measurable {
  readonly runtime: Runtime;
  readonly samples: readonly Sample[];
  /** Opened at the first call; what that takes counts once, with whoever opens it. */
  evaluation(): Promise<Evaluation>;
}

/** Where results of one model on its samples are found, and what finds those that are not there. */
export interface Results extends Measurable {
  /** How the ranges of an integer format are chosen; as usual where it is left out. Part of every key here. */
  readonly ranges?: IntegerRanges;
  /** What is kept under `kind` and `recipe`; undefined where nothing is. */
  find(kind: string, recipe: Recipe): Promise<unknown>;
  /** Keeps a result, unless the model has changed under the work. */
  keep(kind: string, recipe: Recipe, value: unknown): Promise<void>;
}

/** Everything is measured, and nothing kept. */
export function withoutStore(measurable: Measurable): Results {
  return {
    ...measurable,
    find: () => Promise.resolve(undefined),
    keep: () => Promise.resolve(),
  };
}

/** The same for an evaluation that is open. */
export function measuredAnew(evaluation: Evaluation): Results {
  const { runtime, samples } = evaluation;
  return withoutStore({ runtime, samples, evaluation: () => Promise.resolve(evaluation) });
}

/** The results of a model on samples, in `store` under their identity. */
export function withStore(measurable: Measurable, store: Store, { recipe }: Identity, model: Model): Results {
  const files = watchFiles(model);
  const kept: KeptResults = {
    find: (kind, own) => store.get(kind, { ...recipe, ...own }),
    keep: async (kind, own, value) => {
      if (files.changed() === undefined) await store.put(kind, { ...recipe, ...own }, value);
    },
  };
  return {
    ...measurable,
    ...kept,
    evaluation: async () => {
      const evaluation = await measurable.evaluation();
      keepResults(evaluation, kept);
      return evaluation;
    },
  };
}

export interface Identity {
  /** Tells evaluations apart: model and samples. */
  readonly evaluation: string;
  /** What every result depends on: the model's content, the samples, the runtime, our own numerics. */
  readonly recipe: Recipe;
}

/** The identity of a model on samples; a problem where the model cannot be read as a whole. */
export async function identify(
  model: Model,
  samples: readonly Sample[],
  runtime: Runtime,
  store: Store,
  signal?: AbortSignal,
): Promise<Identity | { readonly problem: TensorProblem }> {
  const hashed = await fingerprint(model, store, signal);
  return 'problem' in hashed ? hashed : await identityOf(hashed.hash, samples, runtime, signal);
}

/**
 * The identity of a model that was seen before, without reading it; undefined for any other, of which nothing can be kept
 * either.
 */
export async function identifyKnown(
  model: Model,
  samples: readonly Sample[],
  runtime: Runtime,
  store: Store,
  signal?: AbortSignal,
): Promise<Identity | undefined> {
  const hash = await rememberedFingerprint(model, store);
  return hash === undefined ? undefined : await identityOf(hash, samples, runtime, signal);
}

async function identityOf(
  model: string,
  samples: readonly Sample[],
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<Identity> {
  const { onnxRuntime, platform } = await runtime.information(signal);
  const key = samplesKey(samples);
  const recipe = { model, samples: key, onnxRuntime, platform, numerics: NUMERICS_VERSION };
  return { evaluation: `${model} ${key}`, recipe };
}

/** The answer of the store, or what `measure` finds, which is then kept. */
export async function remembered<T>(
  results: Results,
  kind: string,
  recipe: Recipe,
  measure: (evaluation: Evaluation) => Promise<T>,
): Promise<T> {
  const known = await results.find(kind, recipe);
  if (known !== undefined) return known as T;
  const found = await measure(await results.evaluation());
  await results.keep(kind, recipe, found);
  return found;
}

export type ResultStoreOptions = Omit<StoreOptions, 'folder'> & {
  /** The platform's folder for caches if left out; null for results that are forgotten with the process. */
  readonly folder?: string | null | undefined;
};

/** The store that all of this product share; reads and writes nothing yet. */
export function openResultStore({ folder, ...options }: ResultStoreOptions = {}): Store {
  return folder === null ? memoryStore(options) : openStore({ ...options, folder });
}

export type { Store as ResultStore } from '../store/index.js';
