/** Writes the mixed-precision model of a set of decisions: converted, type-checked, then streamed to a new file. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { convert, type ConversionProblem, type ConversionSummary } from '../convert/index.js';
import type { Diagnostic } from '../language/index.js';
import { externalLocations, piecesLength, weightsFolder, writePieces, type Piece } from '../onnx/index.js';
import { allowedFormats, precisionGraph, type BoundPlan, type LayerDecision } from '../plan/index.js';
import { placeDiagnostics } from './diagnostics.js';
import { CommandFailure, EXIT, failureOf } from './exit-status.js';
import type { LoadedPlan } from './load.js';

export interface ExportedModel extends ConversionSummary {
  readonly path: string;
  /** Of the file of external data that was written beside it. */
  readonly externalBytes: number;
}

/**
 * Converts and writes to `path`. What stands in the way is a `CommandFailure`: with a diagnostic at the statement that
 * decides the layer for each reason of the conversion, or with the file system's. Nothing is written then.
 */
export async function exportModel(
  loaded: LoadedPlan,
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  path: string,
  signal?: AbortSignal,
): Promise<ExportedModel> {
  const location = externalLocation(plan, path);
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
  const conversion = convert(graph, location === undefined ? {} : { externalLocation: location });
  if ('problems' in conversion) {
    const diagnostics = withoutTwins(conversion.problems).map((problem) => placed(plan, decisions, problem));
    const failure = failureOf(EXIT.short, placeDiagnostics(loaded.path, loaded.text, diagnostics));
    throw failure ?? new CommandFailure(EXIT.short, 'not-converted', 'the model was not converted', path);
  }
  // The weights first: a model file never stands beside data that it does not match.
  const { external } = conversion;
  if (external !== undefined) await write(join(dirname(path), external.location), external.pieces, signal);
  await write(path, conversion.pieces, signal);
  return { path, externalBytes: piecesLength(external?.pieces ?? []), ...conversion.summary };
}

/** One missing file of weights is a problem of every tensor in it: it is said once. */
function withoutTwins(problems: readonly ConversionProblem[]): ConversionProblem[] {
  return [...new Map(problems.map((problem) => [`${problem.code} ${problem.message}`, problem])).values()];
}

async function write(path: string, pieces: readonly Piece[], signal: AbortSignal | undefined): Promise<void> {
  const written = await writePieces(path, pieces, undefined, signal === undefined ? {} : { signal });
  if ('problem' in written) {
    throw new CommandFailure(EXIT.usage, written.problem.code, written.problem.message, path);
  }
}

/**
 * Where the weights of a model with external data go: beside the converted model where it leaves the folder that
 * the original's data is in. Its data is never written over.
 */
function externalLocation({ model }: BoundPlan, path: string): string | undefined {
  const locations = externalLocations(model);
  const folder = weightsFolder(model);
  if (locations.size === 0 || folder === undefined) return undefined;
  const data = [...locations].map((location) => realPath(resolve(folder, location)));
  const own = `${basename(path)}.data`;
  for (const target of [path, join(dirname(path), own)]) {
    if (!data.includes(realPath(target))) continue;
    const message = 'this file holds the weights of the model that is read; choose another name';
    throw new CommandFailure(EXIT.usage, 'cannot-write', message, target);
  }
  return realPath(dirname(path)) === folder ? undefined : own;
}

/** The path behind symbolic links; the path itself where there is nothing. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function placed(
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
      clamped: undefined,
      overflow: 'inf',
    };
  });
}
