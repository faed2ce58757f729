/**
 * How the targets that a plan names run the layers that it lowers, answered by the store where it can be. Only operators and
 * formats of the plan are tried. Knows a plan; how one layer is tried, it does not.
 */
import type { Model, Shape } from '../../onnx/index.js';
import { inferredShapes, type BoundPlan, type PlanTarget } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import { shapeElements } from '../ranges/ranges.js';
import type { Results } from '../remembered.js';
import type { Sample } from '../samples/index.js';
import { providerOf } from './known-target.js';
import { layerSupport, storedLayerSupport } from './operator-support.js';
import { supportOnTarget, type SupportOnTarget } from './support-findings.js';

/** The targets that statements name: nothing is said of one that stands in where none does. */
export function namedTargets({ targets }: Pick<BoundPlan, 'targets'>): readonly PlanTarget[] {
  return targets.filter(({ isAssumed }) => isAssumed !== true);
}

const FORMATS = ['fp16', 'bf16'] as const;

/** Tries what is not known yet on each of `targets`, which are usable. */
export async function knownSupport(
  plan: BoundPlan,
  targets: readonly PlanTarget[],
  { runtime, samples }: Pick<Results, 'runtime' | 'samples'>,
  { store, ...options }: WorkOptions & { readonly store?: Store | undefined },
): Promise<readonly SupportOnTarget[]> {
  let shapes: ReadonlyMap<string, Shape> | undefined;
  const found: SupportOnTarget[] = [];
  for (const target of targets) {
    const provider = providerOf(target);
    if (provider === undefined) continue;
    const subject = { provider, providerOptions: target.options, store };
    for (const format of FORMATS) {
      const layers = layersIn(plan, format);
      if (layers.length === 0) continue;
      shapes ??= await concreteShapes(runtime, plan.model, samples[0], options);
      const tried = await layerSupport(runtime, plan.model, layers, format, {
        ...subject,
        ...options,
        shapes,
        sample: samples[0],
      });
      found.push(supportOnTarget(target.name, format, tried));
    }
  }
  return found;
}

/** As far as it is kept. */
export async function storedSupport(
  plan: BoundPlan,
  runtime: Runtime,
  store: Store,
): Promise<readonly SupportOnTarget[]> {
  const found: SupportOnTarget[] = [];
  for (const target of namedTargets(plan)) {
    const provider = providerOf(target);
    if (provider === undefined) continue;
    for (const format of FORMATS) {
      const subject = { provider, providerOptions: target.options, store };
      const tried = await storedLayerSupport(runtime, plan.model, layersIn(plan, format), format, subject);
      if (tried.length > 0) found.push(supportOnTarget(target.name, format, tried));
    }
  }
  return found;
}

function layersIn(plan: BoundPlan, format: string): BoundPlan['layers'] {
  return plan.decisions.flatMap((one) => (one.format === format ? [one.layer] : []));
}

/** The inferred shapes where they are all known, otherwise those of a run. */
async function concreteShapes(
  runtime: Runtime,
  model: Model,
  sample: Sample | undefined,
  options: WorkOptions,
): Promise<ReadonlyMap<string, Shape>> {
  const inferred = inferredShapes({ model });
  const isKnown = model.graph.nodes.every(({ outputs }) =>
    outputs.every((name) => name === '' || shapeElements(inferred.get(name)) !== undefined),
  );
  return isKnown || sample === undefined ? inferred : await observedShapes(runtime, model, sample, options);
}
