/**
 * How long each layer of a plan takes: the plan's model is converted for the time of the measurement, into a temporary folder that
 * is removed however it ends, and its weights are read from there by byte range. Knows no store.
 */
import { join } from 'node:path';
import { convertSteps } from '../../convert/index.js';
import {
  externalLocations,
  openModelSteps,
  piecesLength,
  writePieces,
  type Model,
} from '../../onnx/index.js';
import { precisionGraphSteps, type BoundPlan, type PrecisionGraph } from '../../plan/index.js';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';
import { inSlices } from '../sessions/in-slices.js';
import { layerLatency, type LayerLatency, type LayerLatencyOptions } from './layer-latency.js';
import type { Sample } from '../samples/index.js';
import { withTemporaryFolder } from './temporary-folder.js';

export interface PlanLatencyOptions extends LayerLatencyOptions {
  /** The converted model may be no larger: it is written to disk each time. Unlimited if left out. */
  readonly mostBytes?: number;
  /** Gives integer formats their scales, from samples; without it a plan that has such formats is not timed. */
  readonly withScales?: ((graph: PrecisionGraph) => Promise<PrecisionGraph>) | undefined;
}

/** A reason for which there is no model to time. */
export interface NoLatency {
  readonly problem: string;
}

/**
 * Why nothing was timed, where `error` is the target's fault: it is not there, lost, or does not run the model. Undefined for what says
 * nothing of the target: the caller gave up, a fault of the program, or a process that another call ended.
 */
export function untimed(error: unknown): string | undefined {
  if (!(error instanceof RuntimeFailure) || error.kind === 'cancelled' || error.kind === 'stale')
    return undefined;
  return error.message;
}

/** `layerLatency` of the plan's model against the original, or why the plan has no model that could be timed. */
export async function planLatency(
  runtime: Runtime,
  plan: BoundPlan,
  sample: Sample,
  options: PlanLatencyOptions,
): Promise<LayerLatency | NoLatency> {
  return await withTemporaryFolder(async (folder) => {
    const converted = await writeConverted(plan, folder, options);
    if ('problem' in converted) return converted;
    try {
      return await layerLatency(runtime, plan.model, converted.model, sample, options);
    } finally {
      converted.model.source.close();
    }
  });
}

async function writeConverted(
  plan: BoundPlan,
  folder: string,
  { signal, withScales, mostBytes = Number.POSITIVE_INFINITY }: PlanLatencyOptions,
): Promise<{ readonly model: Model } | NoLatency> {
  const unscaled = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
  const graph = withScales === undefined ? unscaled : await withScales(unscaled);
  // What lies beside the original would not be found from the temporary folder.
  const hasData = externalLocations(plan.model).size > 0;
  const conversion = await inSlices(
    convertSteps(graph, hasData ? { externalLocation: 'plan.onnx.data' } : {}),
  );
  if ('problems' in conversion) {
    return { problem: conversion.problems[0]?.message ?? 'the plan cannot be converted' };
  }
  const files = [
    ...(conversion.external === undefined ? [] : [conversion.external]),
    { location: 'plan.onnx', pieces: conversion.pieces },
  ];
  const bytes = files.reduce((sum, { pieces }) => sum + piecesLength(pieces), 0);
  if (bytes > mostBytes) return { problem: `the converted model is larger than ${mostBytes / 1e6} MB` };
  for (const { location, pieces } of files) {
    const written = await writePieces(join(folder, location), pieces, undefined, signal ? { signal } : {});
    if ('problem' in written) return { problem: written.problem.message };
  }
  const opened = await inSlices(openModelSteps(join(folder, 'plan.onnx')));
  return 'problem' in opened ? { problem: opened.problem.message } : opened;
}
