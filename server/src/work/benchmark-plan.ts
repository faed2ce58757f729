/** Latency and size of FP32, the plan and all-FP16, executed for real, in turns; and what comes of the comparison. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { benchmark, withTemporaryFolder, type Benchmark } from '../analysis/index.js';
import { externalLocations, weightsFolder, type Model } from '../onnx/index.js';
import type { BoundPlan } from '../plan/index.js';
import { allLow, exportModel, exportPlan, type ExportedModel } from './export-model.js';
import { missingTarget } from './missing-target.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';
import { ranElsewhere, type RanElsewhere } from './ran-elsewhere.js';

/** Timed runs of each model, if not said otherwise. */
export const USUAL_RUNS = 50;

/** Bytes of each model, external data included, and the casts of those that were converted. */
export interface BenchedModels {
  readonly fp32: { readonly bytes: number };
  readonly plan: { readonly bytes: number; readonly casts: number };
  readonly fp16: { readonly bytes: number; readonly casts: number };
}

export interface BenchedPlan {
  /** Rows `fp32`, `plan` and `fp16`. */
  readonly timed: Benchmark;
  readonly models: BenchedModels;
  /** What of the three ran on another provider than the target. */
  readonly ran: RanElsewhere;
}

/** Exports the plan and its all-FP16 variant to a folder that is removed again, and times them with the original. */
export async function benchmarkPlan(
  work: Work,
  plan: BoundPlan,
  { runs = USUAL_RUNS }: { readonly runs?: number | undefined } = {},
): Promise<BenchedPlan | Refused> {
  const [sample] = work.samples;
  const original = plan.model.source.path;
  if (sample === undefined || original === undefined) {
    return refused('input', 'samples-unusable', 'there is no sample to time', plan.path);
  }
  const { signal, threads, target, progress } = work;
  return await withTemporaryFolder((folder) =>
    guarded(work, async () => {
      const missing = await missingTarget(work);
      if (missing !== undefined) return missing;
      const mixed = await exportPlan(work, join(folder, 'plan.onnx'));
      if (isRefused(mixed)) return mixed;
      const fp16 = await exportModel(plan, allLow(plan, 'fp16'), join(folder, 'fp16.onnx'), { signal });
      if (isRefused(fp16)) return fp16;
      const entries = [
        { name: 'fp32', path: original },
        { name: 'plan', path: mixed.path },
        { name: 'fp16', path: fp16.path },
      ];
      const models = {
        fp32: { bytes: originalBytes(plan.model) },
        plan: withData(mixed),
        fp16: withData(fp16),
      };
      const renew = (): void => {
        work.renew();
      };
      const options = { provider: target, runs, threads, signal, progress, renew };
      const timed = await benchmark(work.runtime, entries, sample, options);
      const placed = entries.flatMap((entry) => {
        const row = timed.rows.find(({ name }) => name === entry.name);
        return row === undefined ? [] : [{ ...entry, optimization: row.optimization }];
      });
      return { timed, models, ran: await ranElsewhere(work, placed) };
    }),
  );
}

function withData({ bytes, externalBytes, casts }: ExportedModel): BenchedModels['plan'] {
  return { bytes: bytes + externalBytes, casts };
}

function originalBytes(model: Model): number {
  const data = [...externalLocations(model)].map((location) =>
    resolve(weightsFolder(model) ?? '.', location),
  );
  return data.reduce((sum, path) => sum + statSync(path).size, model.source.length);
}
