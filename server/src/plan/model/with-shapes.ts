/** Puts shapes that were observed in a run to a bound plan whose shapes could not be inferred. Pure. */
import { multiplyAdds, type Shape } from '../../onnx/index.js';
import { knowModel } from '../knowledge.js';
import { isInMainGraph } from './scopes.js';
import type { BoundPlan, Layer } from '../types.js';

/** The shapes that inference alone finds, without the plan's dimensions. */
export function inferredShapes({ model }: Pick<BoundPlan, 'model'>): ReadonlyMap<string, Shape> {
  return knowModel(model).shapes;
}

/** The same plan with the multiply-adds of each layer counted from `shapes`, where they were not known. */
export function withShapes<P extends BoundPlan>(plan: P, shapes: ReadonlyMap<string, Shape>): P {
  const all = new Map([...knowModel(plan.model).shapes, ...shapes]);
  const counted = new Map<Layer, Layer>(
    plan.layers.map((layer) => [
      layer,
      layer.multiplyAdds === undefined && isInMainGraph(plan.model, layer.nodeIndex)
        ? { ...layer, multiplyAdds: multiplyAdds(layer.node, all) }
        : layer,
    ]),
  );
  return {
    ...plan,
    layers: plan.layers.map((layer) => counted.get(layer) ?? layer),
    decisions: plan.decisions.map((decision) => ({
      ...decision,
      layer: counted.get(decision.layer) ?? decision.layer,
    })),
  };
}
