/** The low formats that a plan speaks of: the one that most of its layers have, and the others. Pure. */
import { LOW_FORMAT_NAMES, type LowFormatName } from '../../formats/index.js';
import type { BoundPlan, LayerDecision } from '../../plan/index.js';

/** The format that most of the lowered layers have; FP16 where there are none. */
export function lowFormat({ decisions }: Pick<BoundPlan, 'decisions'>): LowFormatName {
  const count = counted(decisions, ({ format }) => format);
  return LOW_FORMAT_NAMES.reduce((most, format) => (count(format) > count(most) ? format : most));
}

/** All formats that layers or their weights have, `lowFormat` first, then by how many layers have them. */
export function lowFormats({ decisions }: Pick<BoundPlan, 'decisions'>): readonly LowFormatName[] {
  const first = lowFormat({ decisions });
  const layers = counted(decisions, ({ format }) => format);
  const weights = counted(decisions, ({ numerics }) => numerics?.weights);
  const uses = (format: LowFormatName): number => layers(format) + weights(format);
  const others = LOW_FORMAT_NAMES.filter((format) => format !== first && uses(format) > 0);
  return [first, ...others.toSorted((one, other) => uses(other) - uses(one))];
}

function counted(
  decisions: readonly LayerDecision[],
  formatOf: (decision: LayerDecision) => string | undefined,
): (format: string) => number {
  const counts = new Map<string, number>();
  for (const decision of decisions) {
    const format = formatOf(decision);
    if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + 1);
  }
  return (format) => counts.get(format) ?? 0;
}
