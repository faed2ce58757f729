/** The one low format that sensitivities and ranges of a plan are shown for. Pure. */
import { LOW_FORMAT_NAMES, type LowFormatName } from '../../formats/index.js';
import type { BoundPlan } from '../../plan/index.js';

/** The format that most of the lowered layers have; FP16 where there are none. */
export function lowFormat({ decisions }: Pick<BoundPlan, 'decisions'>): LowFormatName {
  const counts = new Map<string, number>();
  for (const { format } of decisions) counts.set(format, (counts.get(format) ?? 0) + 1);
  const count = (format: string): number => counts.get(format) ?? 0;
  return LOW_FORMAT_NAMES.reduce((most, format) => (count(format) > count(most) ? format : most));
}
