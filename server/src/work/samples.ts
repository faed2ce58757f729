/** The samples of a plan: problems become diagnostics at the statements that feed the inputs. */
import { resolvePlanSamples, type Sample } from '../analysis/index.js';
import type { Diagnostic } from '../language/index.js';
import type { BoundPlan } from '../plan/index.js';

export interface ReadSamples {
  readonly samples: readonly Sample[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads every sample once. What binding the plan has said already (`dim-unbound`) is not said again. */
export async function readSamples(plan: BoundPlan, signal: AbortSignal): Promise<ReadSamples> {
  const { samples, problems } = await resolvePlanSamples(plan, signal);
  const said = new Set(plan.diagnostics.map((one) => one.code));
  const news = problems.filter(({ code }) => code !== 'dim-unbound' || !said.has(code));
  const diagnostics = news.map((problem): Diagnostic => {
    const { code, severity, message, statement } = problem;
    const range = statement?.valueRange ?? { start: 0, end: 0 };
    const elsewhere = statement !== undefined && statement.path !== plan.path;
    return { code, severity, message, range, ...(elsewhere ? { path: statement.path } : {}) };
  });
  return { samples, diagnostics };
}
