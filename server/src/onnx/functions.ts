/**
 * Model-local functions: finding the one that a node calls, and its body as it stands for that call, with the
 * caller's attributes put where the body refers to them. Knows neither types nor shapes.
 */
import type { Attribute, Graph, LocalFunction, Node } from './model.js';

/** The model-local function that a node calls, if any. It wins over an operator of the same name. */
export function calledFunction(functions: readonly LocalFunction[], node: Node): LocalFunction | undefined {
  return functions.find(
    (candidate) =>
      candidate.name === node.opType &&
      candidate.domain === node.domain &&
      candidate.overload === node.overload,
  );
}

/** By function and call: everything that walks bodies then means the same nodes and graphs in them. */
const bodies = new WeakMap<LocalFunction, WeakMap<Node, { readonly nodes: readonly Node[] | undefined }>>();

/**
 * The nodes of a function for one call, the same objects each time: each reference attribute is replaced by
 * the caller's attribute of that name, or left out where the caller gives none. Undefined where the body
 * refers to an attribute that has a default inside the function, which this reader does not keep.
 */
export function functionBody(called: LocalFunction, call: Node): readonly Node[] | undefined {
  let ofCalls = bodies.get(called);
  if (ofCalls === undefined) bodies.set(called, (ofCalls = new WeakMap()));
  let body = ofCalls.get(call);
  if (body === undefined) ofCalls.set(call, (body = { nodes: resolvedBody(called, call) }));
  return body.nodes;
}

function resolvedBody(called: LocalFunction, call: Node): readonly Node[] | undefined {
  const given = new Map(call.attributes.map((attribute) => [attribute.name, attribute]));
  const unresolved: string[] = [];

  const resolve = (attribute: Attribute): readonly Attribute[] => {
    switch (attribute.kind) {
      case 'reference': {
        const value = given.get(attribute.value);
        if (value !== undefined) return [{ ...value, name: attribute.name }];
        if (!called.attributes.includes(attribute.value)) unresolved.push(attribute.value);
        return [];
      }
      case 'graph':
        return [{ ...attribute, value: resolveGraph(attribute.value) }];
      case 'graphs':
        return [{ ...attribute, value: attribute.value.map(resolveGraph) }];
      default:
        return [attribute];
    }
  };
  const resolveNode = (node: Node): Node => ({ ...node, attributes: node.attributes.flatMap(resolve) });
  const resolveGraph = (graph: Graph): Graph => ({ ...graph, nodes: graph.nodes.map(resolveNode) });

  const nodes = called.nodes.map(resolveNode);
  return unresolved.length === 0 ? nodes : undefined;
}
