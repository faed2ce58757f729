/**
 * What goes in and out of the graphs that a node holds: which outputs of a branch are which output of an If, what a
 * Loop or Scan carries from one round to the next, what it slices and stacks. Each border is a set of places between
 * which values pass unchanged. Knows the three operators; no types and no names.
 */
import { intAttribute, type Graph, type LocalFunction, type Node } from '../../onnx/index.js';

/** A place at the node itself (`graph` is undefined) or at one of the graphs that it holds, by its position. */
export interface Place {
  readonly graph: number | undefined;
  readonly index: number;
}

export interface Border {
  /** Inputs of the node, and outputs of graphs. */
  readonly read: readonly Place[];
  /** Outputs of the node, and inputs of graphs. */
  readonly written: readonly Place[];
}

export interface HeldGraph {
  readonly attribute: string;
  readonly graph: Graph;
}

const ofNode = (index: number): Place => ({ graph: undefined, index });
const ofGraph = (graph: number, index: number): Place => ({ graph, index });

/**
 * The borders of a node that holds graphs. Undefined for operators other than If, Loop and Scan, and where counts do not
 * agree: such graphs are not looked into.
 *
 * @param opset of the ONNX domain.
 */
export function bordersOf(
  node: Node,
  graphs: readonly HeldGraph[],
  opset: number,
): readonly Border[] | undefined {
  if (node.domain !== '') return undefined;
  switch (node.opType) {
    case 'If':
      return ifBorders(node, graphs);
    case 'Loop':
      return loopBorders(node, graphs);
    case 'Scan':
      return scanBorders(node, graphs, opset);
    default:
      return undefined;
  }
}

/** The borders of a call: the function's body is the one graph. */
export function callBorders(node: Node, called: LocalFunction): readonly Border[] {
  return [
    ...node.inputs.map((_, index) => ({ read: [ofNode(index)], written: [ofGraph(0, index)] })),
    ...called.outputs.map((_, index) => ({ read: [ofGraph(0, index)], written: [ofNode(index)] })),
  ];
}

function ifBorders({ outputs }: Node, graphs: readonly HeldGraph[]): readonly Border[] | undefined {
  const attributes = graphs.map(({ attribute }) => attribute).sort();
  if (attributes.join() !== 'else_branch,then_branch') return undefined;
  if (graphs.some(({ graph }) => graph.outputs.length !== outputs.length)) return undefined;
  return outputs.map((_, index) => ({
    read: graphs.map((_graph, branch) => ofGraph(branch, index)),
    written: [ofNode(index)],
  }));
}

function loopBorders(node: Node, graphs: readonly HeldGraph[]): readonly Border[] | undefined {
  const body = onlyBody(graphs);
  // The number of rounds and the condition go in first, and the condition comes out first.
  const carried = node.inputs.length - 2;
  if (body?.inputs.length !== carried + 2 || body.outputs.length < carried + 1) return undefined;
  if (node.outputs.length > body.outputs.length - 1) return undefined;
  return Array.from({ length: body.outputs.length - 1 }, (_, index) =>
    index < carried
      ? {
          read: [ofNode(index + 2), ofGraph(0, index + 1)],
          written: [ofGraph(0, index + 2), ofNode(index)],
        }
      : { read: [ofGraph(0, index + 1)], written: [ofNode(index)] },
  );
}

function scanBorders(node: Node, graphs: readonly HeldGraph[], opset: number): readonly Border[] | undefined {
  const body = onlyBody(graphs);
  // The lengths of the sequences of a batch went in first.
  const first = opset < 9 ? 1 : 0;
  const inputs = node.inputs.length - first;
  const carried = inputs - intAttribute(node, 'num_scan_inputs', inputs);
  if (body?.inputs.length !== inputs || carried < 0 || body.outputs.length < carried) return undefined;
  if (node.outputs.length > body.outputs.length) return undefined;
  const state = Array.from({ length: carried }, (_, index) => ({
    read: [ofNode(first + index), ofGraph(0, index)],
    written: [ofGraph(0, index), ofNode(index)],
  }));
  const sliced = Array.from({ length: inputs - carried }, (_, index) => ({
    read: [ofNode(first + carried + index)],
    written: [ofGraph(0, carried + index)],
  }));
  const stacked = Array.from({ length: body.outputs.length - carried }, (_, index) => ({
    read: [ofGraph(0, carried + index)],
    written: [ofNode(carried + index)],
  }));
  return [...state, ...sliced, ...stacked];
}

function onlyBody(graphs: readonly HeldGraph[]): Graph | undefined {
  const [body] = graphs;
  return graphs.length === 1 && body?.attribute === 'body' ? body.graph : undefined;
}
