/** What each target of this machine does with the operators of a plan's model: natively, through casts, elsewhere or not at all. */
import {
  observedShapes,
  operatorSupport,
  targetStates,
  type OperatorSupport,
  type Provider,
  type SupportSubject,
} from '../analysis/index.js';
import type { Work } from './open-work.js';
import { guarded, type Refused } from './problem.js';

export interface OperatorsOnTarget {
  readonly target: Provider;
  readonly operators: readonly OperatorSupport[];
}

/** A target as the sessions of `work` open it, and where what is found of it is kept. */
export function supportSubject(
  { plan, store }: Pick<Work, 'plan' | 'store'>,
  provider: Provider,
): SupportSubject {
  return { provider, providerOptions: plan.targets.find(({ name }) => name === provider)?.options, store };
}

/** Tries the operators of the plan's layers in `format` on every target that is usable here. */
export async function targetSupport(
  work: Work,
  format: 'fp16' | 'bf16',
): Promise<{ readonly targets: readonly OperatorsOnTarget[] } | Refused> {
  const { plan, runtime, samples, signal, progress } = work;
  return await guarded(work, async () => {
    const [first] = samples;
    const shapes = first === undefined ? new Map() : await observedShapes(runtime, plan.model, first, work);
    const targets: OperatorsOnTarget[] = [];
    for (const { name, usable } of await targetStates(runtime, signal)) {
      if (!usable) continue;
      const options = { ...supportSubject(work, name), shapes, sample: first, signal, progress };
      const operators = await operatorSupport(runtime, plan.model, plan.layers, format, options);
      targets.push({ target: name, operators });
    }
    return { targets };
  });
}
