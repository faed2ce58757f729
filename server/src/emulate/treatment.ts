/** How a node is written in an FP32 graph. Knows one node at a time, by its operator and the types in the model. */
import { elementTypeOf, holdsOthers, isFloating, type ModelScopes, type ScopedNode } from '../plan/index.js';

export type Treatment =
  /** A constant, which is stored when it is read. */
  | 'stored'
  /** A function that is written out. */
  | 'call'
  /** If, Loop or Scan. */
  | 'container'
  /** What cannot be computed in FP32 by itself: unknown operators, and sequences and what else is no tensor. */
  | 'opaque'
  /** A cast between floating-point types, which is a rounding or nothing. */
  | 'float cast'
  | 'computing';

export function treatmentOf(scoped: ScopedNode, scopes: ModelScopes): Treatment {
  const { node, scope, inner, inputs, outputs } = scoped;
  const typeOf = (id: string | undefined) => scopes.tensors.get(id ?? '')?.type;
  if (node.opType === 'Constant' && scope.index.constantOf(node.outputs[0] ?? '') !== undefined) {
    return 'stored';
  }
  const [first] = inner;
  if (first !== undefined) return first.calls === undefined ? 'container' : 'call';
  if (scope.operators.schema(node) === undefined || holdsOthers(scopes, scoped)) return 'opaque';
  const isContained = (id: string): boolean => (typeOf(id)?.kind ?? 'tensor') !== 'tensor';
  if ([...inputs, ...outputs].some(isContained)) return 'opaque';
  const isCast = node.domain === '' && node.opType === 'Cast';
  const isOfFloats = [inputs[0], outputs[0]].every((id) => isFloating(elementTypeOf(typeOf(id))));
  return isCast && isOfFloats ? 'float cast' : 'computing';
}
