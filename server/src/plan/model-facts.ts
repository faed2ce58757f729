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
  type Model,
  type Node,
  type OperatorSchema,
} from '../onnx/index.js';

export interface ModelFacts {
  readonly index: GraphIndex;
  /** The element type of a tensor of the main graph; undefined if it is no tensor or its type is not known. */
  elementType(name: string): DataType | undefined;
  /** Whether the type of the name is known at all, as a tensor or a container of tensors. */
  isTyped(name: string): boolean;
  /** Whether the name is a tensor, or a sequence or optional value of tensors, of floating-point elements. */
  holdsFloats(name: string): boolean;
  /** The schema of a node at the model's opset; undefined for functions and operators that are not known. */
  schema(node: Node): OperatorSchema | undefined;
  /** Whether a layer or movement of this operator can be given `type` as its main type. */
  allows(node: Node, type: DataType): boolean;
  /** Whether the node holds a graph or calls a function of the model. */
  isContainer(node: Node): boolean;
}

/** FP64, FP32, FP16 and BF16: the types in which operators compute. */
export function isFloating(type: DataType | undefined): type is DataType {
  return type !== undefined && isFloatingType(type);
}

const remembered = new WeakMap<Model, ModelFacts>();

export function modelFacts(model: Model): ModelFacts {
  const known = remembered.get(model);
  if (known !== undefined) return known;
  const facts = findFacts(model);
  remembered.set(model, facts);
  return facts;
}

/**
 * Operators that the standard defines by a function with FP32 constants inside, so that no runtime without a kernel of
 * its own can run them in another type, whatever the schema allows.
 */
const FP32_INSIDE: ReadonlySet<string> = new Set(['MeanVarianceNormalization']);

/** The first Cast whose result has a type that can be inferred. */
const FIRST_OPSET_WITH_CASTS = 6;

function findFacts(model: Model): ModelFacts {
  const { types } = inferTypes(model);
  const schemaOf = (node: Pick<Node, 'domain' | 'opType'>): OperatorSchema | undefined => {
    const opset = model.opsets.get(node.domain);
    return opset === undefined ? undefined : operatorSchema(node.domain, node.opType, opset);
  };
  const cast = schemaOf({ domain: '', opType: 'Cast' });
  const canCastTo = (type: DataType): boolean =>
    cast !== undefined && cast.since >= FIRST_OPSET_WITH_CASTS && allowsType(cast, type);
  const schema = (node: Node): OperatorSchema | undefined =>
    calledFunction(model.functions, node) === undefined ? schemaOf(node) : undefined;
  return {
    index: indexGraph(model.graph, model.irVersion),
    elementType(name) {
      const type = types.get(name);
      return type?.kind === 'tensor' ? type.elementType : undefined;
    },
    isTyped: (name) => types.has(name),
    holdsFloats(name) {
      let type = types.get(name);
      while (type?.kind === 'sequence' || type?.kind === 'optional') type = type.element;
      return type?.kind === 'tensor' && isFloating(type.elementType);
    },
    schema,
    allows(node, type) {
      const known = schema(node);
      if (known === undefined || !allowsType(known, type)) return false;
      if (type === DataType.FLOAT || type === DataType.DOUBLE) return true;
      return canCastTo(type) && !(node.domain === '' && FP32_INSIDE.has(node.opType));
    },
    isContainer: (node) =>
      subgraphsOf(node).length > 0 || calledFunction(model.functions, node) !== undefined,
  };
}
