/**
 * What the jobs of a live analysis share: the compute process with the evaluations in it, samples that were read, results that
 * were asked for last, and which work ended the process. Knows no plan.
 */
import type { Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import { closeEvaluation, type Evaluation } from '../sessions/evaluation.js';
import type { MetricFits, Predictor } from '../prediction/index.js';
import type { Sample } from '../samples/index.js';
import { Attempts } from './attempts.js';
import { LiveTargets } from './live-targets.js';
import type { NamedFigures } from './measuring.js';
import type { LayerRangeNumbers, LayerSensitivity } from './numbers.js';
import { Recent } from './recent.js';

/** Evaluations kept in the compute process: each holds its samples and a session. */
const KEPT_EVALUATIONS = 2;
/** Sets of samples kept here: every change of what feeds an input makes another, which may be large. */
const KEPT_SAMPLES = 4;

export class JobContext {
  readonly attempts = new Attempts();
  readonly targets: LiveTargets;
  /** Whole results as they are shown, so that a flip neither reads them again nor changes what they do not depend on. */
  readonly local = new Recent<ReadonlyMap<string, LayerSensitivity>>();
  readonly measured = new Recent<readonly NamedFigures[]>();
  readonly ranges = new Recent<ReadonlyMap<string, LayerRangeNumbers>>();
  readonly predictors = new Recent<Predictor>();
  /** Formats in which a model is known to be sketched. */
  readonly sketched = new Recent<boolean>();
  readonly fits = new Recent<MetricFits>();
  private readonly evaluations = new Map<string, Promise<Evaluation>>();
  private readonly samples = new Map<string, Promise<readonly Sample[]>>();

  constructor(
    readonly runtime: Runtime,
    readonly store: Store,
    /** Told when something was found of targets: plans have to be bound again. */
    readonly targetsFound: () => void = () => undefined,
  ) {
    this.targets = new LiveTargets(runtime, store);
  }

  /** The samples of what feeds a plan's inputs, read once while few others are asked for. */
  samplesOf(key: string, read: () => Promise<readonly Sample[]>): Promise<readonly Sample[]> {
    const samples = keptWhileItHolds(this.samples, key, read);
    for (const oldest of this.samples.keys()) {
      if (this.samples.size <= KEPT_SAMPLES) break;
      if (oldest !== key) this.samples.delete(oldest);
    }
    return samples;
  }

  /** For files that may have changed. */
  forgetSamples(): void {
    this.samples.clear();
  }

  /** The evaluation under `key`, opened if need be; older ones are closed. */
  async evaluationOf(key: string, open: () => Promise<Evaluation>): Promise<Evaluation> {
    const evaluation = keptWhileItHolds(this.evaluations, key, open);
    for (const [oldest, unused] of this.evaluations) {
      if (this.evaluations.size <= KEPT_EVALUATIONS) break;
      if (oldest === key) continue;
      this.evaluations.delete(oldest);
      await unused.then(closeEvaluation, () => undefined);
    }
    return evaluation;
  }

  /** For a compute process that has ended with all it held: there is nothing left to free. */
  forgetEvaluations(): void {
    this.evaluations.clear();
  }
}

/** A promise that is kept while it does not fail. */
function keptWhileItHolds<T>(kept: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = make();
  kept.set(key, made);
  made.catch(() => {
    if (kept.get(key) === made) kept.delete(key);
  });
  return made;
}
