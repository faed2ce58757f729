/** Writes the mixed-precision model of a set of decisions: converted, type-checked, then streamed to a new file. */
import { convert, type ConversionProblem, type ConversionSummary } from '../convert/index.js';
import type { Diagnostic } from '../language/index.js';
import { writePieces } from '../onnx/index.js';
import { precisionGraph, type BoundPlan, type LayerDecision } from '../plan/index.js';
import { CommandFailure, EXIT } from './exit-status.js';

export interface ExportedModel extends ConversionSummary {
  readonly path: string;
}

/**
 * Converts and writes to `path`. What stands in the way is a diagnostic of a `RefusedExport`, each at the statement
 * that decides the layer, or a `CommandFailure` of the file system; nothing is written then.
 */
export async function exportModel(
  plan: BoundPlan,
  decisions: readonly LayerDecision[],
  path: string,
  signal?: AbortSignal,
): Promise<ExportedModel> {
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, decisions);
  const conversion = convert(graph);
  if ('problems' in conversion) {
    throw new RefusedExport(
      plan.path,
      conversion.problems.map((problem) => placed(plan, decisions, problem)),
    );
  }
  const written = await writePieces(
    path,
    conversion.pieces,
    undefined,
    signal === undefined ? {} : { signal },
  );
  if ('problem' in written)
    throw new CommandFailure(EXIT.usage, written.problem.code, written.problem.message, path);
  return { path, ...conversion.summary };
}

/** An export that was refused, with one diagnostic for each reason. */
export class RefusedExport extends CommandFailure {
  constructor(
    path: string,
    readonly diagnostics: readonly Diagnostic[],
  ) {
    const [first] = diagnostics;
    const more = diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : '';
    super(
      EXIT.short,
      first?.code ?? 'not-converted',
      `${first?.message ?? 'the model cannot be converted'}${more}`,
      path,
    );
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
export function allLow(
  plan: BoundPlan,
  format: 'fp16' | 'bf16',
  allowed: (decision: LayerDecision) => boolean,
): LayerDecision[] {
  return plan.decisions.map((decision) => {
    const chosen = allowed(decision) ? format : 'original';
    // What lies beyond the range becomes infinite, as a converter without a plan would have it.
    return { ...decision, wanted: format, format: chosen, clamped: undefined, overflow: 'inf' };
  });
}
