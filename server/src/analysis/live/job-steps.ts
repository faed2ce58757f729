/**
 * How the steps of a job are done: each tried again where the compute process was lost, given up where it crashes the process,
 * and a failure of one no reason to leave out the others. A model that changes under the work ends all of it. Knows no method.
 */
import type { Model } from '../../onnx/index.js';
import { RuntimeFailure } from '../../runtime/index.js';
import { openEvaluation, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import type { Identity, Recipe } from '../remembered.js';
import type { Sample } from '../samples/index.js';
import type { WatchedFiles } from '../watched-files.js';
import type { JobContext } from './job-context.js';
import { modelNumber } from './plan-keys.js';

/** The files of the model are no longer those that the plan was bound to. */
export class ModelChanged extends Error {
  constructor(path: string) {
    super(`${path} was changed while it was analysed`);
    this.name = 'ModelChanged';
  }
}

/** What every step of a job shares. */
export interface JobParts {
  readonly context: JobContext;
  readonly model: Model;
  readonly identity: Identity;
  /** How the ranges of integers are chosen for layers, as `rangesText`. */
  readonly ranges: string;
  readonly samples: readonly Sample[];
  readonly files: WatchedFiles;
  readonly options: WorkOptions & { readonly signal: AbortSignal };
}

export class JobSteps {
  /** What went wrong in steps without which the others could be done. */
  readonly problems: string[] = [];
  /** The original model does not run: no step can be done. */
  private isBroken = false;

  constructor(private readonly parts: JobParts) {}

  /** Tells the result of a step from that of any other work. */
  keyOf(what: string, recipe: Recipe): string {
    const { identity, ranges } = this.parts;
    return `${what} ${identity.evaluation} ${ranges} ${JSON.stringify(recipe)}`;
  }

  /**
   * One step: the result, or undefined where it has none, with the reason among `complaints`.
   * @throws what makes all other steps impossible, too
   */
  async step<T>(
    what: string,
    recipe: Recipe,
    work: (key: string) => Promise<T>,
    complaints = this.problems,
  ): Promise<T | undefined> {
    const { context, files, options } = this.parts;
    const { signal } = options;
    const key = this.keyOf(what, recipe);
    try {
      return await context.attempts.perform({
        ...{ key, what, signal },
        work: async () => {
          const result = await work(key);
          checkFiles(files);
          return result;
        },
        lost: () => {
          context.forgetEvaluations();
        },
        excused: () => files.changed() !== undefined,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      checkFiles(files);
      if (this.isBroken || isFatal(error)) throw error;
      complaints.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** The model open in the compute process. */
  async evaluation(): Promise<Evaluation> {
    const { context, model, identity, samples, files, options } = this.parts;
    // Weights are read through this very model: the same content opened again is an evaluation of its own.
    const key = `${modelNumber(model)} ${identity.evaluation}`;
    try {
      this.isBroken = false;
      return await context.attempts.perform({
        ...{ key, signal: options.signal, what: 'running the original model' },
        work: () => context.evaluationOf(key, () => openEvaluation(context.runtime, model, samples, options)),
        lost: () => {
          context.forgetEvaluations();
        },
        excused: () => files.changed() !== undefined,
      });
    } catch (error) {
      this.isBroken = true;
      throw error;
    }
  }
}

/** @throws {ModelChanged} */
export function checkFiles(files: WatchedFiles): void {
  const changed = files.changed();
  if (changed !== undefined) throw new ModelChanged(changed);
}

/** Nothing can be run, whatever it is. */
function isFatal(error: unknown): boolean {
  return error instanceof RuntimeFailure && (error.kind === 'unavailable' || error.kind === 'cancelled');
}
