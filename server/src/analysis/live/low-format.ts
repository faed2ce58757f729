/** The one low format that sensitivities and ranges of a plan are shown for. Pure. */
import type { BoundPlan } from '../../plan/index.js';

/** The format that most of the lowered layers have. */
export function lowFormat(plan: BoundPlan): 'fp16' | 'bf16' {
  const count = (format: string): number => plan.decisions.filter((one) => one.format === format).length;
  return count('bf16') > count('fp16') ? 'bf16' : 'fp16';
}
