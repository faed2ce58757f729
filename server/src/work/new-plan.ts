/** A starting plan for a model, beside it or elsewhere. Never overwrites a file. */
import { existsSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { layersBeyondRange, watchFiles, type Progress, type Runtime } from '../analysis/index.js';
import { openModel, type Model } from '../onnx/index.js';
import { findLayers, startingPlan } from '../plan/index.js';
import { formatNumber } from '../report/index.js';
import { guarded, isRefused, refused, type Refused } from './problem.js';
import { replaceFile } from './replace-file.js';

export interface NewPlanParts {
  /** Reads the weights; runs nothing. The caller's, who ends it. */
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly progress?: Progress | undefined;
  /** One line for each layer, in graph order, in place of rules. */
  readonly expand?: boolean | undefined;
}

export interface NewPlan {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** Where the plan of a model goes if nothing else is said: beside it, under its name. */
export function usualPlanPath(modelPath: string): string {
  return resolve(modelPath.replace(/(\.onnx)?$/i, '.precision'));
}

/** The text of a starting plan that will lie at `planPath`; refused where a file is there already. Writes nothing. */
export async function newPlan(
  modelPath: string,
  planPath: string,
  { runtime, signal, progress = () => undefined, expand = false }: NewPlanParts,
): Promise<NewPlan | Refused> {
  const opened = openModel(resolve(modelPath));
  if ('problem' in opened) return refused('input', opened.problem.code, opened.problem.message, modelPath);
  const { model } = opened;
  const path = resolve(planPath);
  if (existsSync(path)) return refused('input', 'exists', 'this file exists', path);
  const name = relative(dirname(path), resolve(modelPath)).replaceAll('\\', '/');
  const files = watchFiles(model);
  return await guarded({ signal, changedFile: () => files.changed() }, async () => {
    const keep = await beyondRange(runtime, model, { signal, progress });
    const text = startingPlan(model, name === '' ? basename(modelPath) : name, { expand, keep });
    return { path, text };
  });
}

/** `newPlan`, written to its place. */
export async function writeNewPlan(
  modelPath: string,
  planPath: string,
  parts: NewPlanParts,
): Promise<NewPlan | Refused> {
  const plan = await newPlan(modelPath, planPath, parts);
  if (isRefused(plan)) return plan;
  const written = await replaceFile(plan.path, plan.text);
  return isRefused(written) ? written : plan;
}

/** The layers whose weights FP16 cannot hold, by name, with the reason that the plan gives. */
async function beyondRange(
  runtime: Runtime,
  model: Model,
  options: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<ReadonlyMap<string, string>> {
  const beyond = await layersBeyondRange(runtime, model, findLayers(model), 'fp16', options);
  return new Map(
    [...beyond].map(([layer, { maxAbs }]) => [
      layer.name,
      `holds weights up to ${formatNumber(maxAbs)}, beyond FP16`,
    ]),
  );
}
