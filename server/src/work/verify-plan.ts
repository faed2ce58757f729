/** Every tolerance of a plan, measured by emulation over all samples, with its noise floor. */
import {
  effortOf,
  knownVerdict,
  toleranceFindings,
  USUAL_DRAWS,
  type Effort,
  type Measurement,
  type ToleranceVerdict,
} from '../analysis/index.js';
import { errorsAmong, type Diagnostic } from '../language/index.js';
import type { Work } from './open-work.js';
import { nothingToCompare } from './nothing-to-compare.js';
import { guarded, type Refused } from './problem.js';

export interface VerifiedPlan extends Effort {
  /** All tolerances hold, and the plan has no error: what is mistyped is left out, and must not pass for what holds. */
  readonly holds: boolean;
  /** How many errors the plan has. */
  readonly errors: number;
  readonly verdicts: readonly ToleranceVerdict[];
  /** Figures of every floating-point output, tolerance or not. */
  readonly outputs: Measurement['outputs'];
  /** `tolerance-exceeded` for each tolerance that does not hold. */
  readonly findings: readonly Diagnostic[];
}

/** Measures the plan as it is. */
export async function verifyPlan(
  work: Work,
  { draws = USUAL_DRAWS }: { readonly draws?: number | undefined } = {},
): Promise<VerifiedPlan | Refused> {
  return await guarded(work, async () => {
    const { plan } = work;
    const nothing = nothingToCompare(plan);
    if (nothing !== undefined) return nothing;
    const results = await work.results();
    const { measurement, verdicts, ...effort } = await knownVerdict(
      results,
      plan,
      plan.decisions,
      draws,
      work,
    );
    const errors = errorsAmong(plan.diagnostics).length;
    return {
      holds: measurement.holds && errors === 0,
      errors,
      verdicts,
      outputs: measurement.outputs,
      findings: toleranceFindings(plan, verdicts),
      ...effortOf(effort, work.effort),
    };
  });
}
