/** Every tolerance of a plan, measured by running the exported model on the target over all samples. */
import { join } from 'node:path';
import {
  calibrated,
  compareLayers,
  emulatedMeasurement,
  executedMeasurement,
  inSlices,
  knownMeasurement,
  RuntimeFailure,
  suspiciousLayers,
  USUAL_DRAWS,
  withTemporaryFolder,
  type ComparedLayers,
  type Executed,
  type LayerComparison,
  type Measurement,
  type SuspiciousLayer,
} from '../analysis/index.js';
import { errorsAmong } from '../language/index.js';
import { openModelSteps, type Model } from '../onnx/index.js';
import { precisionGraphSteps, type LayerDecision } from '../plan/index.js';
import { exportPlan } from './export-model.js';
import { mismatchIn, unlikeThePlan } from './given-model.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';

export interface VerifiedExecuted extends Executed {
  /** All tolerances hold on the target, and the plan has no error. */
  readonly holds: boolean;
  readonly errors: number;
  /** What emulation says of the same model. */
  readonly emulated: Measurement;
  /** Of each layer that the exported model still has. */
  readonly layers: readonly LayerComparison[];
  /** In what a model that was given is not what the plan converts to, as a sentence; undefined where it may be. */
  readonly unlike: string | undefined;
  /** Those of them that the target computes worse than their format explains, what may cause it first. */
  readonly suspicious: readonly SuspiciousInFormat[];
}

export interface SuspiciousInFormat extends SuspiciousLayer {
  /** What the plan decides; undefined where another model than the plan's was run. */
  readonly format: LayerDecision['format'] | undefined;
}

/**
 * Exports the plan to a folder that is removed again, or takes the model at `exported`, and measures it on the work's target:
 * its outputs against the tolerances, and each layer's output beside the emulated one.
 */
export async function verifyExecuted(
  work: Work,
  {
    draws = USUAL_DRAWS,
    exported,
  }: { readonly draws?: number | undefined; readonly exported?: string | undefined } = {},
): Promise<VerifiedExecuted | Refused> {
  return await withTemporaryFolder((folder) =>
    guarded(work, async () => {
      const missing = await missingTarget(work);
      if (missing !== undefined) return missing;
      const path = exported ?? join(folder, 'plan.onnx');
      if (exported === undefined) {
        const written = await exportPlan(work, path);
        if (isRefused(written)) return written;
      }
      const opened = await inSlices(openModelSteps(path));
      if ('problem' in opened) return refused('input', 'model-unreadable', opened.problem.message, path);
      try {
        const mismatch = exported === undefined ? undefined : mismatchIn(work, opened.model, path);
        if (mismatch !== undefined) return mismatch;
        return await verifyWritten(work, opened.model, path, draws, exported !== undefined);
      } finally {
        opened.model.source.close();
      }
    }),
  );
}

/** @param isGiven `model`, the file at `path`, was not written for this: what it was made by is not known */
async function verifyWritten(
  work: Work,
  model: Model,
  path: string,
  draws: number,
  isGiven: boolean,
): Promise<VerifiedExecuted> {
  const { plan, target: provider, threads, signal, progress } = work;
  const evaluation = (): ReturnType<Work['evaluation']> => work.evaluation();
  const renew = (): void => {
    work.renew();
  };
  const options = { provider, threads, renew, signal, progress };
  const executed = await executedMeasurement(evaluation, path, plan.tolerances, {
    ...options,
    draws,
    isMadeElsewhere: isGiven,
  });
  const graph = isGiven
    ? undefined
    : await calibrated(
        await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions)),
        evaluation,
        { signal },
      );
  const comparing = { ...options, highest: executed.optimization, graph };
  const compared = await unlessItFails(compareLayers(evaluation, model, plan.layers, comparing));
  const emulated = await emulatedFor(work, isGiven ? model : undefined);
  const errors = errorsAmong(plan.diagnostics).length;
  const formats = new Map(plan.decisions.map(({ layer, format }) => [layer.name, format]));
  return {
    ...executed,
    notes: [...new Set([...executed.notes, ...compared.notes])],
    holds: executed.measurement.holds && errors === 0,
    errors,
    emulated,
    layers: compared.layers,
    unlike: isGiven ? unlikeThePlan(plan, model) : undefined,
    suspicious: suspiciousLayers(plan.model, compared.layers).map((one) => ({
      ...one,
      format: isGiven ? undefined : formats.get(one.layer.name),
    })),
  };
}

/** The verdict stands without a comparison of layers, which takes models whose intermediate tensors are outputs: a runtime may fail at those. */
async function unlessItFails(comparing: Promise<ComparedLayers>): Promise<ComparedLayers> {
  try {
    return await comparing;
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || !['refused', 'failed', 'crashed'].includes(error.kind))
      throw error;
    return {
      layers: [],
      notes: [
        `layers were not compared, the model with its intermediate tensors as outputs does not run: ${error.message}`,
      ],
    };
  }
}

/** Of the plan, or of a model that it was converted to. */
async function emulatedFor(work: Work, exported: Model | undefined): Promise<Measurement> {
  const { plan, signal, progress } = work;
  if (exported !== undefined) {
    return await emulatedMeasurement(await work.evaluation(), exported, plan.tolerances, {
      signal,
      progress,
    });
  }
  return (await knownMeasurement(await work.results(), plan, plan.decisions, { signal, progress }))
    .measurement;
}
