/** The `reason` of each decision, which nothing that is computed needs to know. Knows no tool. */
import type { TracedPlan } from '../plan/index.js';

/** By `Layer.name`. */
export function decisionReasons({ statements, layers }: TracedPlan): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  for (const { statement, decides } of statements) {
    const option = statement.options?.options.findLast(({ name }) => name.text === 'reason');
    if (option?.value?.kind !== 'string') continue;
    for (const index of decides) {
      const layer = layers[index];
      if (layer !== undefined) reasons.set(layer.name, option.value.value);
    }
  }
  return reasons;
}
