/**
 * Types across If, Loop, Scan and SequenceMap: what goes into the sub-graphs, what comes out, and what must agree
 * (both branches of an If; what a Loop or Scan carries from one round to the next).
 * Knows the four operators; walking the sub-graphs is the caller's.
 */
import { graphAttribute, intAttribute } from './attributes.js';
import type { Graph, Node, ValueType } from './model.js';
import { DataType } from './model.js';
import { sameType, tensorOf, typeName } from './value-type.js';

export const SUBGRAPH_OPERATORS: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

type Types = readonly (ValueType | undefined)[];

export interface SubgraphTypes {
  /** Infers inside a sub-graph, given the types of its inputs; gives the types by name. */
  inside(attribute: string, graph: Graph, given: Types): ReadonlyMap<string, ValueType>;
  mismatch(tensor: string, wanted: string, found: string, message: string): void;
}

/** Output types of one of `SUBGRAPH_OPERATORS`. */
export function controlFlowTypes(node: Node, opset: number, inputs: Types, walk: SubgraphTypes): Types {
  switch (node.opType) {
    case 'If':
      return ifTypes(node, walk);
    case 'Loop':
      return loopTypes(node, inputs, walk);
    case 'Scan':
      return scanTypes(node, opset === 8 ? inputs.slice(1) : inputs, walk);
    default:
      return sequenceMapTypes(node, inputs, walk);
  }
}

function ifTypes(node: Node, walk: SubgraphTypes): Types {
  const thenTypes = bodyOutputs(node, 'then_branch', [], walk);
  const elseTypes = bodyOutputs(node, 'else_branch', [], walk);
  if (thenTypes === undefined || elseTypes === undefined) return [];
  checkCount(node, 'outputs of then_branch', node.outputs.length, thenTypes.length, walk);
  checkCount(node, 'outputs of else_branch', node.outputs.length, elseTypes.length, walk);
  return node.outputs.map((tensor, index) => {
    const wanted = thenTypes[index];
    const found = elseTypes[index];
    if (wanted !== undefined && found !== undefined && !sameType(wanted, found)) {
      const message = `output "${tensor}" of If is ${typeName(wanted)} in then_branch and ${typeName(found)} in else_branch`;
      walk.mismatch(tensor, typeName(wanted), typeName(found), message);
    }
    return withoutShape(wanted ?? found);
  });
}

function loopTypes(node: Node, inputs: Types, walk: SubgraphTypes): Types {
  const carried = node.inputs.slice(2).map((_, index) => withoutShape(inputs[index + 2]));
  const body = graphAttribute(node, 'body');
  const given = [tensorOf(DataType.INT64), tensorOf(DataType.BOOL), ...carried];
  const results = bodyOutputs(node, 'body', given, walk);
  if (results === undefined || body === undefined) return [];
  checkCount(node, 'inputs of body', given.length, body.inputs.length, walk);
  checkCount(node, 'outputs of body', node.outputs.length + 1, results.length, walk);
  checkCarried(node, body, 2, 1, carried.length, results, walk);
  return node.outputs.map((_, index) => withoutShape(results[index + 1]));
}

function scanTypes(node: Node, inputs: Types, walk: SubgraphTypes): Types {
  const body = graphAttribute(node, 'body');
  const carried = inputs.length - intAttribute(node, 'num_scan_inputs', inputs.length);
  const given = inputs.map(withoutShape);
  const results = bodyOutputs(node, 'body', given, walk);
  if (results === undefined || body === undefined) return [];
  checkCount(node, 'inputs of body', given.length, body.inputs.length, walk);
  checkCount(node, 'outputs of body', node.outputs.length, results.length, walk);
  checkCarried(node, body, 0, 0, carried, results, walk);
  return node.outputs.map((_, index) => withoutShape(results[index]));
}

function sequenceMapTypes(node: Node, inputs: Types, walk: SubgraphTypes): Types {
  const given = inputs.map((type) => (type?.kind === 'sequence' ? type.element : type));
  const results = bodyOutputs(node, 'body', given, walk) ?? [];
  const body = graphAttribute(node, 'body');
  if (body !== undefined) checkCount(node, 'inputs of body', given.length, body.inputs.length, walk);
  return results.map((element) => (element === undefined ? undefined : { kind: 'sequence', element }));
}

/** Types of a sub-graph's outputs; undefined where the node does not hold the sub-graph. */
function bodyOutputs(node: Node, attribute: string, given: Types, walk: SubgraphTypes): Types | undefined {
  const graph = graphAttribute(node, attribute);
  if (graph === undefined) return undefined;
  const types = walk.inside(attribute, graph, given);
  return graph.outputs.map((output) => types.get(output.name) ?? output.type);
}

function checkCarried(
  node: Node,
  body: Graph,
  firstInput: number,
  firstOutput: number,
  count: number,
  results: Types,
  walk: SubgraphTypes,
): void {
  for (let index = 0; index < count; index++) {
    const tensor = body.outputs[firstOutput + index]?.name ?? '';
    const wanted = body.inputs[firstInput + index]?.type;
    const found = results[firstOutput + index];
    if (wanted === undefined || found === undefined || sameType(wanted, found)) continue;
    // An optional may be filled by a round.
    if (wanted.kind === 'optional' && sameType(wanted.element, found)) continue;
    const message =
      `${node.opType} carries "${body.inputs[firstInput + index]?.name ?? ''}" as ${typeName(wanted)} into a round ` +
      `and "${tensor}" as ${typeName(found)} out of it`;
    walk.mismatch(tensor, typeName(wanted), typeName(found), message);
  }
}

function checkCount(node: Node, what: string, wanted: number, found: number, walk: SubgraphTypes): void {
  if (wanted === found) return;
  const message = `${node.opType} needs ${String(wanted)} ${what} and has ${String(found)}`;
  walk.mismatch('', String(wanted), String(found), message);
}

/** Rounds and branches may differ in shape. */
function withoutShape(type: ValueType | undefined): ValueType | undefined {
  return type?.kind === 'tensor' ? tensorOf(type.elementType) : type;
}
