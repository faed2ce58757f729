/** Modules of metrics of the user's own that cannot be run, each at the statement that names it. */
import type { Diagnostic } from '../language/index.js';
import type { BoundPlan } from '../plan/index.js';
import { RuntimeFailure, type Runtime } from '../runtime/index.js';

/** Loads each module in the compute process. */
export async function ownMetricFaults(
  runtime: Runtime,
  { path: plan, ownMetrics = new Map() }: Pick<BoundPlan, 'path' | 'ownMetrics'>,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const faults: Diagnostic[] = [];
  for (const { own, source } of ownMetrics.values()) {
    const { path, range } = source;
    try {
      await runtime.loadMetric(own, signal);
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || error.kind !== 'failed') throw error;
      faults.push({
        ...{ code: 'metric-unreadable', severity: 'error', range, message: error.message },
        ...(path === plan ? {} : { path }),
      });
    }
  }
  return faults;
}
