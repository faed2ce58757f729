/**
 * The shape of a tensor of any scope, as far as inference finds it; in the body of a function for the call that the scope stands for.
 * Knows tensors by id; not what shapes are needed for.
 */
import { inferScopedShapes, type Shape } from '../../onnx/index.js';
import { constantOf, type ModelScopes } from './scope.js';

/** Undefined where not even the rank is known. */
export function tensorShape({ model, tensors }: ModelScopes, id: string): Shape | undefined {
  const tensor = tensors.get(id);
  if (tensor === undefined) return undefined;
  const { scope, name, type } = tensor;
  const constant = constantOf(tensor)?.dims;
  if (constant !== undefined) return constant;
  const { graph, kind } = scope;
  const found = inferScopedShapes(model)
    .get(kind === 'function' ? graph.nodes : graph)
    ?.get(name);
  return found ?? (type?.kind === 'tensor' ? type.shape : undefined);
}
