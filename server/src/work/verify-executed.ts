/** Every tolerance of a plan, measured by running the exported model on the target over all samples. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  calibrated,
  compareLayers,
  emulatedMeasurement,
  executedMeasurement,
  inSlices,
  knownMeasurement,
  onSurvivingLevel,
  suspiciousLayers,
  USUAL_DRAWS,
  type Executed,
  type LayerComparison,
  type Measurement,
  type SuspiciousLayer,
} from '../analysis/index.js';
import { errorsAmong } from '../language/index.js';
import { openModelSteps, type Model } from '../onnx/index.js';
import { precisionGraphSteps } from '../plan/index.js';
import { exportPlan } from './export-model.js';
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
  /** Those of them that the target computes worse than their format explains, what may cause it first. */
  readonly suspicious: readonly SuspiciousLayer[];
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
  const { plan, target: provider, threads, signal, progress } = work;
  const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-executed-'));
  try {
    return await guarded(work, async () => {
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
        const options = { provider, threads, signal, progress };
        const original = plan.model.source.path;
        const { result, notes } = await onSurvivingLevel(
          work.runtime,
          path,
          { provider, threads, original },
          signal,
          {
            run: async (highest) =>
              executedMeasurement(await work.evaluation(), path, plan.tolerances, {
                ...options,
                ...{ draws, highest },
              }),
            renew: () => {
              work.renew();
            },
          },
        );
        const executed = { ...result, notes: [...notes, ...result.notes] };
        const evaluation = await work.evaluation();
        const graph =
          exported === undefined
            ? await calibrated(
                await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions)),
                () => work.evaluation(),
                { signal },
              )
            : undefined;
        const layers = await compareLayers(evaluation, opened.model, plan.layers, {
          ...options,
          ...{ highest: executed.optimization, graph },
        });
        const emulated = await emulatedFor(work, exported === undefined ? undefined : opened.model);
        const errors = errorsAmong(plan.diagnostics).length;
        return {
          ...executed,
          holds: executed.measurement.holds && errors === 0,
          errors,
          emulated,
          layers,
          suspicious: suspiciousLayers(plan.model, layers),
        };
      } finally {
        opened.model.source.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
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
