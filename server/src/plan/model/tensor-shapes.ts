/**
 * The shape of a tensor of any scope, as far as inference finds it. What is in a function's body has none but what its caller
 * declares. Knows tensors by id; not what shapes are needed for.
 */
import { inferScopedShapes, type Shape } from '../../onnx/index.js';
import { constantOf, type ModelScopes } from './scope.js';

/** Undefined where not even the rank is known. */
export function tensorShape({ model, tensors }: ModelScopes, id: string): Shape | undefined {
  const tensor = tensors.get(id);
  if (tensor === undefined) return undefined;
  const { scope, name, type } = tensor;
  const found = constantOf(tensor)?.dims ?? inferScopedShapes(model).get(scope.graph)?.get(name);
  return found ?? (type?.kind === 'tensor' ? type.shape : undefined);
}
