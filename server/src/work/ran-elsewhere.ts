/**
 * What of models that are run on the target of a piece of work runs on another provider, as ONNX Runtime lets it without a word: whoever
 * tries or times a model says so.
 */
import {
  modelPlacement,
  placementNotes,
  RuntimeFailure,
  type Elsewhere,
  type RuntimeFailureKind,
  type PlacementOptions,
} from '../analysis/index.js';
import type { Work } from './open-work.js';

/** A model as it is run otherwise. */
export interface PlacedModel {
  /** What it is called where there are several; empty for the only one. */
  readonly name: string;
  readonly path: string;
  readonly optimization: PlacementOptions['optimization'];
  readonly options?: PlacementOptions['providerOptions'];
  readonly threads?: number;
}

export interface RanElsewhere {
  readonly elsewhere: readonly (Elsewhere & { readonly model: string })[];
  /** One for each kind of kernels, or why it could not be found where a model's kernels ran. */
  readonly sentences: readonly string[];
}

/** What says that a model does not run while it is profiled, which is no reason to lose what is known of it. */
const NOT_PROFILED: ReadonlySet<RuntimeFailureKind> = new Set(['refused', 'failed', 'crashed']);

/** Runs each model once more, profiled. The CPU is where everything else falls back to: on it nothing runs elsewhere. */
export async function ranElsewhere(work: Work, models: readonly PlacedModel[]): Promise<RanElsewhere> {
  const { runtime, samples, target: provider, threads, signal } = work;
  const [sample] = samples;
  const elsewhere: (Elsewhere & { readonly model: string })[] = [];
  const sentences: string[] = [];
  if (provider === 'cpu' || sample === undefined) return { elsewhere, sentences };
  for (const { name, path, optimization, options: providerOptions, threads: own = threads } of models) {
    const said = (sentence: string): void =>
      void sentences.push(name === '' ? sentence : `${name}: ${sentence}`);
    const renew = (): void => {
      work.renew();
    };
    try {
      const options = { provider, providerOptions, threads: own, optimization, renew, signal };
      const placement = await modelPlacement(runtime, path, sample, options);
      elsewhere.push(...placement.elsewhere.map((one) => ({ model: name, ...one })));
      placementNotes(placement, provider).forEach(said);
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || !NOT_PROFILED.has(error.kind)) throw error;
      said(`which of its kernels run on ${provider} could not be found: ${error.message}`);
    }
  }
  return { elsewhere, sentences };
}
