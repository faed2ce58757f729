/** Writes the mixed-precision model of a set of decisions: converted, type-checked, then streamed to a new file. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, linkSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import {
  convertSteps,
  type ConversionProblem,
  type ConversionSummary,
  type ConvertOptions,
} from '../convert/index.js';
import { calibrated, inSlices, needsSamples, type Evaluation } from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import {
  externalLocations,
  openModel,
  piecesLength,
  weightsFolder,
  writePieces,
  type Piece,
} from '../onnx/index.js';
import {
  allowedFormats,
  precisionGraphSteps,
  type BoundPlan,
  type LayerDecision,
  type PrecisionGraph,
} from '../plan/index.js';
import type { Work } from './open-work.js';
import { guarded, isRefused, refused, refusedBy, type Refused } from './problem.js';

export interface ExportedModel extends ConversionSummary {
  readonly path: string;
  /** Of the file of external data that was written beside it. */
  readonly externalBytes: number;
}

export interface ExportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Writes the weights to a file of external data beside the model, whatever the original does. */
  readonly externalData?: boolean | undefined;
  /**
   * Which files may be written over: a model of this name with the external data that it names, as usual, or none. A file
   * that has the name of the external data and belongs to no such model never is.
   */
  readonly replaces?: 'model' | 'nothing' | undefined;
  /** The samples, from which integer formats take their scales; without it a plan that has such formats is refused. */
  readonly evaluation?: (() => Promise<Evaluation>) | undefined;
}

/** Whether the plan has integer formats whose scales only a run over its samples can tell. */
export async function exportNeedsSamples(plan: BoundPlan): Promise<boolean> {
  // Most plans have no integers, and a graph of a large model takes seconds.
  const isInteger = (format: string | undefined): boolean => format === 'int8' || format === 'int4';
  if (!plan.decisions.some(({ format, numerics }) => isInteger(format) || isInteger(numerics?.weights))) {
    return false;
  }
  return needsSamples(
    await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions)),
  );
}

/** The same as `exportModel` of the work's plan, with its samples. */
export async function exportPlan(
  work: Work,
  path: string,
  options: Omit<ExportOptions, 'evaluation' | 'signal'> = {},
): Promise<ExportedModel | Refused> {
  const { plan, signal } = work;
  const evaluation = (): Promise<Evaluation> => work.evaluation();
  return await guarded(work, () =>
    exportModel(plan, plan.decisions, path, { ...options, signal, evaluation }),
  );
}

/**
 * Converts and writes to `path`. What stands in the way is a problem: with a diagnostic at the statement that decides the
 * layer for each reason of the conversion, or with the file system's. Nothing is written then.
 */
export async function exportModel(
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  path: string,
  { signal, externalData = false, replaces = 'model', evaluation }: ExportOptions = {},
): Promise<ExportedModel | Refused> {
  const placing = placeOfWeights(plan, path, externalData);
  if (isRefused(placing)) return placing;
  const data = join(dirname(path), placing.externalLocation);
  const refusal =
    refuseOwnFile(path, plan) ??
    refuseOwnFile(data, plan) ??
    (replaces === 'nothing' ? refuseExisting(path) : undefined);
  if (refusal !== undefined) return refusal;
  const graph = await withScales(
    await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions)),
    evaluation,
    signal,
  );
  const conversion = await inSlices(convertSteps(graph, placing));
  if ('problems' in conversion) {
    const diagnostics = withoutTwins(conversion.problems).map((problem) =>
      atStatement(plan, decisions, problem),
    );
    const message = 'the model was not converted';
    return refusedBy('shortfall', plan, diagnostics) ?? refused('shortfall', 'not-converted', message, path);
  }
  const { external } = conversion;
  // Only now it is known whether there will be such a file: a model beyond what one file can hold has one.
  if (external !== undefined && !(replaces === 'model' && isDataOf(data, path))) {
    const taken = refuseExisting(data);
    if (taken !== undefined) return taken;
  }
  const problem =
    external === undefined
      ? await write(path, conversion.pieces, signal)
      : await writeBoth({ path, pieces: conversion.pieces }, { path: data, pieces: external.pieces }, signal);
  if (problem !== undefined) return problem;
  return { path, externalBytes: piecesLength(external?.pieces ?? []), ...conversion.summary };
}

/** Scales that need samples stay unknown without them, and the conversion says so. */
async function withScales(
  graph: PrecisionGraph,
  evaluation: ExportOptions['evaluation'],
  signal: AbortSignal | undefined,
): Promise<PrecisionGraph> {
  if (evaluation !== undefined) return await calibrated(graph, evaluation, { signal });
  if (needsSamples(graph)) return graph;
  return await calibrated(graph, () => Promise.reject(new RangeError('no samples are wanted')));
}

/**
 * Neither the model nor the plan is ever written over, by whatever name `target` reaches it: links, another case where the file
 * system does not tell cases apart; and nothing that goes by a plan's name.
 */
function refuseOwnFile(target: string, { path, model }: BoundPlan): Refused | undefined {
  const real = realPath(target);
  if (isSameFile(target, path) || real.toLowerCase().endsWith('.precision')) {
    return refused('input', 'cannot-write', 'this is the name of a plan; choose another', target);
  }
  if (model.source.path === undefined || !isSameFile(target, model.source.path)) return undefined;
  return refused('input', 'cannot-write', 'this is the model that is read; choose another name', target);
}

function refuseExisting(path: string): Refused | undefined {
  if (!existsSync(path)) return undefined;
  const message = `${basename(path)} exists and is left as it is, unless it is removed first`;
  return refused('input', 'exists', message, path);
}

/** Whether the model at `path` keeps weights in the file `data`. */
function isDataOf(data: string, path: string): boolean {
  const opened = openModel(path);
  if ('problem' in opened) return false;
  const { model } = opened;
  const folder = weightsFolder(model) ?? dirname(path);
  const locations = [...externalLocations(model)];
  model.source.close();
  return locations.some((location) => isSameFile(resolve(folder, location), data));
}

/** Whether two paths reach one file: by links of either kind, or in another case where the file system does not tell cases apart. */
function isSameFile(path: string, other: string): boolean {
  if (realPath(path) === realPath(other)) return true;
  const [one, two] = [path, other].map((each) => statSync(each, { bigint: true, throwIfNoEntry: false }));
  return one !== undefined && one.dev === two?.dev && one.ino === two.ino;
}

interface Written {
  readonly path: string;
  readonly pieces: readonly Piece[];
}

/**
 * The weights first: a model file never stands beside data that it does not match. Where the model cannot be written after
 * them, or is not waited for, what was there before is put back.
 */
async function writeBoth(
  model: Written,
  weights: Written,
  signal: AbortSignal | undefined,
): Promise<Refused | undefined> {
  const target = realPath(weights.path);
  const aside = keptAside(target);
  if (isRefused(aside)) return aside;
  let isWhole = false;
  let isChanged = false;
  try {
    const problem = await write(weights.path, weights.pieces, signal);
    if (problem !== undefined) return problem;
    isChanged = true;
    const failed = await write(model.path, model.pieces, signal);
    isWhole = failed === undefined;
    return failed;
  } finally {
    if (isWhole || !isChanged) {
      if (aside.path !== undefined) rmSync(aside.path, { force: true });
    } else if (aside.path === undefined) rmSync(target, { force: true });
    else renameSync(aside.path, target);
  }
}

/** A second name for a file that is about to be replaced, or a copy where the file system has no second names; none where there is no file. */
function keptAside(path: string): { readonly path: string | undefined } | Refused {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return { path: undefined };
  const aside = join(dirname(path), `.onnx-precision-${randomBytes(6).toString('hex')}.tmp`);
  try {
    linkSync(path, aside);
  } catch {
    try {
      copyFileSync(path, aside);
    } catch (error) {
      rmSync(aside, { force: true });
      const reason = error instanceof Error ? error.message : String(error);
      const message = `this file is to be replaced, and cannot be kept until that is done: ${reason}`;
      return refused('input', 'cannot-write', message, path);
    }
  }
  return { path: aside };
}

/** One missing file of weights is a problem of every tensor in it: it is said once. */
function withoutTwins(problems: readonly ConversionProblem[]): ConversionProblem[] {
  return [...new Map(problems.map((problem) => [`${problem.code} ${problem.message}`, problem])).values()];
}

async function write(
  path: string,
  pieces: readonly Piece[],
  signal: AbortSignal | undefined,
): Promise<Refused | undefined> {
  const written = await writePieces(path, pieces, undefined, signal === undefined ? {} : { signal });
  if (!('problem' in written)) return undefined;
  const { code, message } = written.problem;
  return refused(code === 'cancelled' ? 'cancelled' : 'input', code, message, path);
}

/**
 * Where the weights go. Those of a model with external data stay external: all in a file of its own where the converted
 * model leaves the folder that the original's data is in, or where that is `wanted`; otherwise what keeps its type stays
 * where it is. Any model beyond what one file can hold gets such a file. The original's data is never written over.
 */
function placeOfWeights(
  { model }: BoundPlan,
  path: string,
  wanted: boolean,
): (ConvertOptions & { readonly externalLocation: string }) | Refused {
  const locations = externalLocations(model);
  const folder = weightsFolder(model);
  const data = [...locations].map((location) => realPath(resolve(folder ?? '.', location)));
  const own = `${basename(path)}.data`;
  for (const target of [path, join(dirname(path), own)]) {
    if (!data.includes(realPath(target))) continue;
    const message = 'this file holds the weights of the model that is read; choose another name';
    return refused('input', 'cannot-write', message, target);
  }
  const leaves = locations.size > 0 && realPath(dirname(path)) !== folder;
  const rest = locations.size > 0 ? 'converted' : 'necessary';
  return { externalLocation: own, externalWeights: wanted || leaves ? 'all' : rest };
}

/** The path behind symbolic links; the path itself where there is nothing. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function atStatement(
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  problem: ConversionProblem,
): Diagnostic {
  const source = decisions.find((decision) => decision.layer.name === problem.layer)?.source;
  const elsewhere = source !== undefined && source.path !== plan.path;
  return {
    code: problem.code,
    severity: 'error',
    range: source?.range ?? { start: 0, end: 0 },
    message: problem.message,
    ...(elsewhere ? { path: source.path } : {}),
  };
}

/** The decisions with every layer that allows it in `format`: the plan that has no plan. */
export function allLow(plan: BoundPlan, format: 'fp16' | 'bf16'): LayerDecision[] {
  return plan.decisions.map((decision) => {
    const allowed = allowedFormats(plan.model, decision.layer).includes(format);
    // What lies beyond the range becomes infinite, as a converter without a plan would have it.
    return {
      ...decision,
      wanted: format,
      format: allowed ? format : 'original',
      numerics: undefined,
      clamped: undefined,
      overflow: 'inf',
    };
  });
}
