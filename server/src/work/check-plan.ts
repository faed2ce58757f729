/** Everything that can be said of a plan without running its model: what is written, what is missing, what is known. */
import {
  identifyKnown,
  latencySourceFindings,
  liveFindings,
  RuntimeFailure,
  storedNumbers,
  storedSupport,
  supportFindings,
  withStore,
  withStoredSums,
  type ResultStore,
  type Runtime,
  type Sample,
} from '../analysis/index.js';
import type { Diagnostic, SyntaxTree } from '../language/index.js';
import { externalProblems } from '../onnx/index.js';
import type { TracedPlan, UnboundPlan } from '../plan/index.js';
import { readSamples } from './samples.js';

interface CheckParts {
  readonly signal: AbortSignal;
  /** Where results are found; without it nothing is said of them. */
  readonly store?: ResultStore | undefined;
  /** Tells its version, where there may be results; the caller ends it. */
  readonly runtime: Runtime;
}

/**
 * All diagnostics of a plan that need no inference: its own, those of its samples and of its model's external data, and
 * what follows from results that are kept, as an editor shows it.
 */
export async function checkPlan(
  tree: SyntaxTree,
  plan: TracedPlan | UnboundPlan,
  parts: CheckParts,
): Promise<readonly Diagnostic[]> {
  if (plan.model === undefined) return plan.diagnostics;
  const external = externalDiagnostics(tree, plan);
  const { samples, diagnostics } = await readSamples(plan, parts.signal);
  const findings = external.length > 0 ? [] : await storedFindings(plan, samples, parts);
  return [...plan.diagnostics, ...external, ...diagnostics, ...latencySourceFindings(plan), ...findings];
}

/** Files of weights that are missing, refused or too short, at the model's path in the plan. */
function externalDiagnostics(tree: SyntaxTree, plan: TracedPlan): readonly Diagnostic[] {
  const statement = tree.statements.find((one) => one.kind === 'model');
  const range = statement?.kind === 'model' ? statement.path?.range : undefined;
  return externalProblems(plan.model).map(({ code, message }) => ({
    code,
    severity: 'error',
    message,
    range: range ?? { start: 0, end: 0 },
  }));
}

async function storedFindings(
  plan: TracedPlan,
  samples: readonly Sample[],
  { signal, store, runtime }: CheckParts,
): Promise<readonly Diagnostic[]> {
  if (store === undefined || samples.length === 0) return [];
  try {
    const identity = await identifyKnown(plan.model, samples, runtime, store, signal);
    // What a target runs does not depend on the model's content.
    if (identity === undefined) return supportFindings(plan, await storedSupport(plan, runtime, store));
    const evaluation = (): Promise<never> => Promise.reject(new Error('a check runs nothing'));
    const results = withStore({ runtime, samples, evaluation }, store, identity, plan.model);
    const aimed = await withStoredSums(plan, runtime, store);
    return liveFindings(aimed, await storedNumbers(results, aimed, store));
  } catch (error) {
    // Without a runtime there is nothing that could have been kept, and whether there is one is not asked here.
    if (error instanceof RuntimeFailure && !signal.aborted) return [];
    throw error;
  }
}
