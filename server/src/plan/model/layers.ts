/**
 * The layers of a model: their names, the weights that they hold and the work that they do. What a layer is, is
 * said in roles.ts; what a plan decides about it is not known here.
 */
import {
  finish,
  inferScopedShapes,
  isStep,
  multiplyAdds,
  type Model,
  type Shape,
  type Steps,
  type Tensor,
} from '../../onnx/index.js';
import { isFloating } from './model-facts.js';
import { isMovement } from './movement.js';
import { indexNodeNamesSteps, writeName } from './node-names.js';
import { nodeRolesSteps } from './roles.js';
import {
  constantOf,
  modelScopesSteps,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
} from './scopes.js';
import type { Layer } from '../types.js';

/**
 * The layers of all graphs of a model, as people read them: in the order of the nodes of the main graph, those inside a
 * node where that node stands.
 *
 * @param shapes of the main graph's tensors, for the multiply-adds; without them these are not known.
 */
export function findLayers(model: Model, shapes?: ReadonlyMap<string, Shape>): readonly Layer[] {
  return finish(findLayersSteps(model, shapes));
}

/** The same a little at a time. */
export function* findLayersSteps(model: Model, shapes?: ReadonlyMap<string, Shape>): Steps<readonly Layer[]> {
  const scopes = yield* modelScopesSteps(model);
  const roles = yield* nodeRolesSteps(model);
  const { addresses } = yield* indexNodeNamesSteps(model);
  const counts = shapes === undefined ? undefined : new WorkCount(scopes, shapes);
  const layers: Layer[] = [];
  for (const [index, nodeIndex] of scopes.readingOrder.entries()) {
    if (isStep(index)) yield;
    const scoped = scopes.nodes[nodeIndex];
    if (roles[nodeIndex] !== 'layer' || scoped === undefined) continue;
    const { node } = scoped;
    layers.push({
      name: writeName(addresses[nodeIndex] ?? node.name),
      node,
      nodeIndex,
      weights: weightsOf(scoped, scopes),
      multiplyAdds: counts?.of(scoped),
    });
  }
  return layers;
}

/**
 * Multiply-adds by the shapes of the scope that a node stands in. A branch counts as if it were taken; how many rounds a
 * Loop or Scan does is not known, and neither is then the work in it.
 */
class WorkCount {
  private inner: ReturnType<typeof inferScopedShapes> | undefined;

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

const NO_WEIGHTS: readonly Tensor[] = [];

/** A single number is a parameter of the operator, not a weight. */
function weightsOf({ inputs }: ScopedNode, scopes: ModelScopes): readonly Tensor[] {
  let weights: Map<string, Tensor> | undefined;
  for (const input of inputs) {
    const weight = storedBehind(input, scopes);
    if (weight === undefined || !isFloating(weight.tensor.dataType)) continue;
    if (weight.tensor.dims.reduce((product, dim) => product * dim, 1) < 2) continue;
    const { of, tensor } = weight;
    weights ??= new Map();
    weights.set(of.id, tensor.name === of.name ? tensor : { ...tensor, name: of.name });
  }
  return weights === undefined ? NO_WEIGHTS : [...weights.values()];
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
