/**
 * The layers of a model: their names, the weights that they hold and the work that they do. What a layer is, is
 * said in roles.ts; what a plan decides about it is not known here.
 */
import {
  inferScopedShapes,
  multiplyAdds,
  type Graph,
  type Model,
  type Shape,
  type Tensor,
} from '../onnx/index.js';
import { isFloating } from './model-facts.js';
import { isMovement } from './movement.js';
import { indexNodeNames, writeName } from './node-names.js';
import { nodeRoles } from './roles.js';
import {
  constantOf,
  modelScopes,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
} from './scopes.js';
import type { Layer } from './types.js';

/**
 * The layers of all graphs of a model, as people read them: in the order of the nodes of the main graph, those inside a
 * node where that node stands.
 *
 * @param shapes of the main graph's tensors, for the multiply-adds; without them these are not known.
 */
export function findLayers(model: Model, shapes?: ReadonlyMap<string, Shape>): readonly Layer[] {
  const scopes = modelScopes(model);
  const roles = nodeRoles(model);
  const { addresses } = indexNodeNames(model);
  const counts = shapes === undefined ? undefined : new WorkCount(scopes, shapes);
  return scopes.readingOrder.flatMap((nodeIndex): Layer[] => {
    const scoped = scopes.nodes[nodeIndex];
    if (roles[nodeIndex] !== 'layer' || scoped === undefined) return [];
    const { node } = scoped;
    return [
      {
        name: writeName(addresses[nodeIndex] ?? node.name),
        node,
        nodeIndex,
        weights: weightsOf(scoped, scopes),
        multiplyAdds: counts?.of(scoped),
      },
    ];
  });
}

/**
 * Multiply-adds by the shapes of the scope that a node stands in. A branch counts as if it were taken; how many rounds a
 * Loop or Scan does is not known, and neither is then the work in it.
 */
class WorkCount {
  private inner: ReadonlyMap<Graph, ReadonlyMap<string, Shape>> | undefined;

  constructor(
    private readonly scopes: ModelScopes,
    private readonly shapes: ReadonlyMap<string, Shape>,
  ) {}

  of({ node, scope, inputs, outputs }: ScopedNode): number | undefined {
    if (scope.place === 0) return multiplyAdds(node, this.shapes);
    if (this.isRepeated(scope)) return undefined;
    const visible = new Map<string, Shape>();
    for (const id of [...inputs, ...outputs]) {
      const tensor = this.scopes.tensors.get(id);
      const shape = tensor === undefined ? undefined : this.shapeOf(tensor);
      if (tensor !== undefined && shape !== undefined) visible.set(tensor.name, shape);
    }
    return multiplyAdds(node, visible);
  }

  private shapeOf({ scope, name }: ScopedTensor): Shape | undefined {
    if (scope.place === 0) return this.shapes.get(name);
    this.inner ??= inferScopedShapes(this.scopes.model);
    return this.inner.get(scope.graph)?.get(name);
  }

  private isRepeated(scope: Scope): boolean {
    for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
      const container = this.scopes.nodes[level.container]?.node;
      if (level.kind === 'sub-graph' && container?.opType !== 'If') return true;
    }
    return false;
  }
}

/** A single number is a parameter of the operator, not a weight. */
function weightsOf({ inputs }: ScopedNode, scopes: ModelScopes): readonly Tensor[] {
  const weights = new Map<string, Tensor>();
  for (const input of inputs) {
    const weight = storedBehind(input, scopes);
    if (weight === undefined || !isFloating(weight.tensor.dataType)) continue;
    if (weight.tensor.dims.reduce((product, dim) => product * dim, 1) < 2) continue;
    weights.set(weight.of.id, { ...weight.tensor, name: weight.of.name });
  }
  return [...weights.values()];
}

/** The stored tensor whose values an input reads, also through movement such as Constant -> Reshape -> MatMul. */
function storedBehind(
  id: string,
  { tensors, nodes }: ModelScopes,
): { readonly of: ScopedTensor; readonly tensor: Tensor } | undefined {
  for (let of = tensors.get(id); of !== undefined;) {
    const tensor = storedIn(of);
    if (tensor !== undefined) return { of, tensor };
    const producer = nodes[of.producer ?? -1];
    if (producer === undefined || !isMovement(producer.node)) return undefined;
    // Only through movement of the constant alone: what joins data with it makes no weight.
    if (!producer.inputs.every((input) => input === '' || storedAt(tensors.get(input)) !== undefined))
      return undefined;
    of = tensors.get(producer.inputs[0] ?? '');
  }
  return undefined;
}

function storedIn(tensor: ScopedTensor): Tensor | undefined {
  return constantOf(tensor) ?? tensor.scope.index.initializers.get(tensor.name);
}

function storedAt(tensor: ScopedTensor | undefined): Tensor | undefined {
  return tensor === undefined ? undefined : storedIn(tensor);
}
