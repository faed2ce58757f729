/** Modules of metrics of the user's own that cannot be run, and where the plan names them. */
import type { Diagnostic } from '../../language/index.js';
import type { OwnMetric } from '../../metrics/index.js';
import type { BoundPlan, OwnMetricStatement } from '../../plan/index.js';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';

/** Of a metric whatever plan names it; where is found when it is said. */
export interface OwnMetricFault {
  readonly own: OwnMetric;
  readonly message: string;
}

type OwnMetricPlan = Pick<BoundPlan, 'path' | 'ownMetrics' | 'tolerances'>;

/** Loads each module that a tolerance needs in the compute process. */
export async function ownMetricFaults(
  runtime: Runtime,
  plan: OwnMetricPlan,
  signal: AbortSignal,
): Promise<readonly OwnMetricFault[]> {
  const faults: OwnMetricFault[] = [];
  for (const { own } of usedMetrics(plan)) {
    try {
      await runtime.loadMetric(own, signal);
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || error.kind !== 'metric') throw error;
      faults.push({ own, message: error.message });
    }
  }
  return faults;
}

/** Faults at the statements of the plan as it is now; those of modules that have changed since, or are not used, are left out. */
export function ownMetricFindings(
  plan: OwnMetricPlan,
  faults: readonly OwnMetricFault[],
): readonly Diagnostic[] {
  if (faults.length === 0) return [];
  return usedMetrics(plan).flatMap(({ own, source: { path, range } }): readonly Diagnostic[] => {
    const fault = faults.find((one) => isSame(one.own, own));
    if (fault === undefined) return [];
    const { message } = fault;
    return [
      {
        ...{ code: 'metric-unreadable', severity: 'error', range, message },
        ...(path === plan.path ? {} : { path }),
      },
    ];
  });
}

function isSame(one: OwnMetric, other: OwnMetric): boolean {
  return one.name === other.name && one.path === other.path && one.hash === other.hash;
}

/** One that no tolerance names is nobody's reason to stop. */
function usedMetrics({ ownMetrics = new Map(), tolerances }: OwnMetricPlan): readonly OwnMetricStatement[] {
  const used = new Set(tolerances.map(({ metric }) => metric.own?.name));
  return [...ownMetrics.values()].filter(({ own }) => used.has(own.name));
}
