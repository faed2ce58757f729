/**
 * Earlier benchmarks of a model on a target, kept with the machine and the versions that they were taken with. A list under the model's
 * content, so that another ONNX Runtime, or another plan, can be compared with what was before it. Runs nothing.
 */
import { fingerprint, type Store } from '../../store/index.js';
import { contentHash, type Model } from '../../onnx/index.js';
import type { Provider, ProviderOptions } from '../../runtime/index.js';

export interface KeptBenchmark {
  /** When it ended: ISO 8601, UTC. */
  readonly at: string;
  /** The plan's path, and a hash of what it decided. */
  readonly plan: string;
  /** The model that was timed: a hash of its content, and its path. Documents of earlier versions lack them. */
  readonly model?: string;
  readonly modelPath?: string;
  readonly decisions: string;
  /** A hash of the sample that was timed. */
  readonly input: string;
  readonly target: Provider;
  /** Of the target, as the plan gives them. Entries of earlier versions lack them. */
  readonly options?: ProviderOptions;
  /** The processor. */
  readonly device: string;
  /** The graphics devices and their drivers, where the target runs on one. Entries of earlier versions lack them. */
  readonly graphics?: string;
  /** The one of them that it ran on, in words, where the system tells. */
  readonly graphicsDevice?: string;
  readonly platform: string;
  readonly cores: number;
  readonly onnxRuntime: string;
  /** Of this product. */
  readonly version: string;
  readonly threads: number;
  readonly runs: number;
  readonly busy: boolean;
  readonly load: number;
  /** Milliseconds and bytes. */
  readonly rows: readonly {
    readonly name: string;
    readonly median: number;
    readonly p10: number;
    readonly p90: number;
    readonly bytes: number;
  }[];
}

const KIND = 'benchmarks';
/** Raised when a change of the code changes what a `KeptBenchmark` is. */
const VERSION = 1;
/** The newest ones that are kept of a model on a target. */
const MOST_KEPT = 50;

/** What a benchmark says of the model that it timed; without its hash where it cannot be read. */
export async function timedModel(
  store: Store | undefined,
  model: Model,
  signal?: AbortSignal,
): Promise<Pick<KeptBenchmark, 'model' | 'modelPath'>> {
  const hashed = await (store === undefined ? contentHash(model, signal) : fingerprint(model, store, signal));
  const { path: modelPath } = model.source;
  return {
    ...('problem' in hashed ? {} : { model: hashed.hash }),
    ...(modelPath === undefined ? {} : { modelPath }),
  };
}

/** What is kept of `model` on `target`, the newest first; nothing of a model that cannot be read. */
export async function benchmarkHistory(
  store: Store,
  model: Model,
  target: string,
  signal?: AbortSignal,
): Promise<readonly KeptBenchmark[]> {
  const recipe = await recipeOf(store, model, target, signal);
  if (recipe === undefined) return [];
  // What is kept is kept of this model, whether it says so or not.
  return (await kept(store, recipe)).map((one) => ({ ...one, model: recipe.model }));
}

/** Adds a benchmark of `model`, as the newest. */
export async function keepBenchmark(
  store: Store,
  model: Model,
  benchmark: KeptBenchmark,
  signal?: AbortSignal,
): Promise<void> {
  const recipe = await recipeOf(store, model, benchmark.target, signal);
  if (recipe === undefined) return;
  const all = [benchmark, ...(await kept(store, recipe))];
  await store.put(KIND, recipe, all.slice(0, MOST_KEPT));
}

async function recipeOf(
  store: Store,
  model: Model,
  target: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly model: string; readonly target: string; readonly version: number } | undefined> {
  const hashed = await fingerprint(model, store, signal);
  return 'problem' in hashed ? undefined : { model: hashed.hash, target, version: VERSION };
}

async function kept(store: Store, recipe: object): Promise<readonly KeptBenchmark[]> {
  return ((await store.get(KIND, recipe)) as readonly KeptBenchmark[] | undefined) ?? [];
}
