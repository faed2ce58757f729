/** Every tolerance of a plan, measured by running the exported model on the target over all samples. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  compareLayers,
  executedMeasurement,
  inSlices,
  suspiciousLayers,
  USUAL_DRAWS,
  type Executed,
  type LayerComparison,
} from '../analysis/index.js';
import { openModelSteps } from '../onnx/index.js';
import { exportPlan } from './export-model.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';

export interface VerifiedExecuted extends Executed {
  /** All tolerances hold on the target, and the plan has no error. */
  readonly holds: boolean;
  readonly errors: number;
  /** Of each layer that the exported model still has. */
  readonly layers: readonly LayerComparison[];
  /** Those of them that the target computes worse than their format explains, worst first. */
  readonly suspicious: readonly LayerComparison[];
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
        const evaluation = await work.evaluation();
        const options = { provider, threads, signal, progress };
        const executed = await executedMeasurement(evaluation, path, plan.tolerances, { ...options, draws });
        const layers = await compareLayers(evaluation, opened.model, plan.layers, options);
        const errors = plan.diagnostics.filter((one) => one.severity === 'error').length;
        return {
          ...executed,
          holds: executed.measurement.holds && errors === 0,
          errors,
          layers,
          suspicious: suspiciousLayers(layers),
        };
      } finally {
        opened.model.source.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
