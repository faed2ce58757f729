/** What each target of this machine does with the operators of a plan's model: natively, through casts, elsewhere or not at all. */
import {
  observedShapes,
  operatorSupport,
  targetStates,
  type OperatorSupport,
  type Provider,
} from '../analysis/index.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';

export interface OperatorsOnTarget {
  readonly target: Provider;
  readonly operators: readonly OperatorSupport[];
}

/** Tries the operators of the plan's layers in `format` on every target that is usable here. */
export async function targetSupport(
  work: Work,
  format: 'fp16' | 'bf16',
): Promise<{ readonly targets: readonly OperatorsOnTarget[] } | Refused> {
  const { plan, runtime, samples, signal, progress, store } = work;
  return await guarded(work, async () => {
    const [first] = samples;
    const shapes = first === undefined ? new Map() : await observedShapes(runtime, plan.model, first, work);
    const targets: OperatorsOnTarget[] = [];
    for (const { name, usable } of await targetStates(runtime, signal)) {
      if (!usable) continue;
      const options = { provider: name, shapes, signal, progress, store };
      const operators = await operatorSupport(runtime, plan.model, plan.layers, format, options);
      targets.push({ target: name, operators });
    }
    return { targets };
  });
}
