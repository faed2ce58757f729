/** The lock of a plan whose names are right: what is to be written beside it. Knows no disk. */
import type { Steps } from '../../onnx/index.js';
import { knowModelSteps } from '../knowledge.js';
import { writeLockSteps } from './layer-lock.js';
import { layerRecordSteps } from './layer-records.js';
import type { TracedPlan } from '../types.js';

/**
 * The text of the lock that belongs beside the plan; undefined where the plan needs none, since it names no layer one by one,
 * and where the lock that is there is still needed, since it knows layers that have moved.
 */
export function* lockTextSteps(plan: TracedPlan): Steps<string | undefined> {
  if (plan.diagnostics.some((one) => one.code === 'layer-moved' || one.code === 'lock-unreadable')) return;
  const named = namedLayers(plan);
  if (named.size === 0) return undefined;
  const knowledge = yield* knowModelSteps(plan.model);
  const layers = yield* layerRecordSteps(knowledge, 'contents');
  return yield* writeLockSteps({ named: [...named], layers });
}

/** The layers that statements name one by one, included files and all. */
function namedLayers({ statements, layers }: TracedPlan): ReadonlySet<string> {
  const known = new Set(layers.map(({ name }) => name));
  const named = new Set<string>();
  for (const { statement } of statements) {
    const names =
      statement.kind === 'layer'
        ? statement.names
        : statement.kind === 'between'
          ? [statement.from, statement.to]
          : [];
    for (const name of names) if (name !== undefined && known.has(name.value)) named.add(name.value);
  }
  return named;
}
