/**
 * What every question about precision asks of a model first: who reads and writes each tensor, and its type. Found
 * once for a model, which never changes, and remembered as long as it lives. Knows no role and no decision.
 */
import {
  allowsType,
  calledFunction,
  DataType,
  indexGraph,
  isFloatingType,
  inferTypes,
  operatorSchema,
  subgraphsOf,
  type GraphIndex,
  type InferredTypes,
  type LocalFunction,
  type Model,
  type Node,
  type OperatorSchema,
  type ValueType,
} from '../../onnx/index.js';
import { oncePerModel } from './once-per-model.js';

/** What operators allow under the opsets of a graph. */
export interface OperatorFacts {
  /** The schema of a node; undefined for functions and operators that are not known. */
  schema(node: Node): OperatorSchema | undefined;
  /** Whether a layer or movement of this operator can be given `type` as its main type. */
  allows(node: Node, type: DataType): boolean;
  /** Whether tensors can be cast to `type` and back. */
  canCastTo(type: DataType): boolean;
}

export interface ModelFacts extends OperatorFacts {
  readonly index: GraphIndex;
  /** Types of the main graph and of every sub-graph. */
  readonly inferred: InferredTypes;
  /** The element type of a tensor of the main graph; undefined if it is no tensor or its type is not known. */
  elementType(name: string): DataType | undefined;
  /** Whether the type of the name is known at all, as a tensor or a container of tensors. */
  isTyped(name: string): boolean;
  /** Whether the name is a tensor, or a sequence or optional value of tensors, of floating-point elements. */
  holdsFloats(name: string): boolean;
  /** Whether the node holds a graph or calls a function of the model. */
  isContainer(node: Node): boolean;
}

/** FP64, FP32, FP16 and BF16: the types in which operators compute. */
export function isFloating(type: DataType | undefined): type is DataType {
  return type !== undefined && isFloatingType(type);
}

export const modelFacts = oncePerModel(findFacts);

/**
 * Operators that the standard defines by a function with FP32 constants inside, so that no runtime without a kernel of
 * its own can run them in another type, whatever the schema allows.
 */
const FP32_INSIDE: ReadonlySet<string> = new Set(['MeanVarianceNormalization']);

/** The first Cast whose result has a type that can be inferred. */
const FIRST_OPSET_WITH_CASTS = 6;

/** @param opsets of the model, or of the function that a node stands in. */
export function operatorFacts(
  functions: readonly LocalFunction[],
  opsets: ReadonlyMap<string, number>,
): OperatorFacts {
  const schemaOf = (node: Pick<Node, 'domain' | 'opType'>): OperatorSchema | undefined => {
    const opset = opsets.get(node.domain);
    return opset === undefined ? undefined : operatorSchema(node.domain, node.opType, opset);
  };
  const cast = schemaOf({ domain: '', opType: 'Cast' });
  const canCastTo = (type: DataType): boolean =>
    cast !== undefined && cast.since >= FIRST_OPSET_WITH_CASTS && allowsType(cast, type);
  const schema = (node: Node): OperatorSchema | undefined =>
    calledFunction(functions, node) === undefined ? schemaOf(node) : undefined;
  return {
    schema,
    canCastTo,
    allows(node, type) {
      const known = schema(node);
      if (known === undefined || !allowsType(known, type)) return false;
      if (type === DataType.FLOAT || type === DataType.DOUBLE) return true;
      return canCastTo(type) && !(node.domain === '' && FP32_INSIDE.has(node.opType));
    },
  };
}

function findFacts(model: Model): ModelFacts {
  const inferred = inferTypes(model);
  const { types } = inferred;
  return {
    ...operatorFacts(model.functions, model.opsets),
    index: indexGraph(model.graph, model.irVersion),
    inferred,
    elementType: (name) => elementTypeOf(types.get(name)),
    isTyped: (name) => types.has(name),
    holdsFloats: (name) => areFloats(types.get(name)),
    isContainer: (node) =>
      subgraphsOf(node).length > 0 || calledFunction(model.functions, node) !== undefined,
  };
}

/** The element type of a tensor; undefined for what is none. */
export function elementTypeOf(type: ValueType | undefined): DataType | undefined {
  return type?.kind === 'tensor' ? type.elementType : undefined;
}

/** Whether it is a tensor, or a sequence or optional value of tensors, of floating-point elements. */
export function areFloats(type: ValueType | undefined): boolean {
  let element = type;
  while (element?.kind === 'sequence' || element?.kind === 'optional') element = element.element;
  return isFloating(elementTypeOf(element));
}
