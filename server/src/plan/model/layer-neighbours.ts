/**
 * Which layers of the main graph hand floating-point tensors to each other, directly or through nodes that only move them.
 * Knows no decision: formats are chosen between neighbours, so whoever asks what a choice costs asks for them.
 */
import { isStep, type Model, type Steps } from '../../onnx/index.js';
import { isFloating, modelFacts } from './model-facts.js';
import { oncePerModelInSteps } from './once-per-model.js';
import { nodeRolesSteps } from './roles.js';
import type { NodeRole } from '../types.js';

/** Layers go by the numbers of their nodes. */
export interface Neighbours {
  /** The layers whose results a layer reads. */
  readonly before: readonly number[];
  /** The layers that read its results. */
  readonly after: readonly number[];
  /** It reads what keeps its type: an input of the model, or what a node that holds a graph gives. */
  readonly readsBorder: boolean;
  /** It feeds what keeps its type: an output of the model, or a node that holds a graph. */
  readonly feedsBorder: boolean;
}

/** Where the values of a tensor come from. */
interface Source {
  readonly layers: readonly number[];
  readonly isBorder: boolean;
}

const found = oncePerModelInSteps(neighbourSteps);

/** By number of a layer's node; layers inside sub-graphs and functions are left out. */
export const layerNeighbours = found.at;
export const layerNeighboursSteps = found.steps;

function* neighbourSteps(model: Model): Steps<ReadonlyMap<number, Neighbours>> {
  const roles = yield* nodeRolesSteps(model);
  const { nodes } = model.graph;
  const sourceOf = yield* tensorSourceSteps(model, roles);
  const leaves = yield* leavingTensorSteps(model, roles);
  const after = new Map<number, number[]>();
  const neighbours = new Map<number, Neighbours>();
  for (const [at, { inputs, outputs }] of nodes.entries()) {
    if (isStep(at)) yield;
    if (roles[at] !== 'layer') continue;
    const { layers: before, isBorder: readsBorder } = merged(inputs.map(sourceOf));
    const readers: number[] = [];
    after.set(at, readers);
    neighbours.set(at, {
      before,
      after: readers,
      readsBorder,
      feedsBorder: outputs.some((one) => leaves.has(one)),
    });
  }
  for (const [at, { before }] of neighbours) for (const source of before) after.get(source)?.push(at);
  return neighbours;
}

/** What writes a floating-point tensor of the main graph; constants come from nowhere. */
function* tensorSourceSteps(model: Model, roles: readonly NodeRole[]): Steps<(name: string) => Source> {
  const facts = modelFacts(model);
  const { index } = facts;
  const written = new Map<string, Source>();
  const sourceOf = (name: string): Source => {
    if (!isFloating(facts.elementType(name)) || index.constantOf(name) !== undefined) return merged([]);
    return written.get(name) ?? { layers: [], isBorder: true };
  };
  // In the order in which nodes run, so that what a node reads is known before it.
  for (const [step, at] of index.order.entries()) {
    if (isStep(step)) yield;
    const node = model.graph.nodes[at];
    const through = roles[at] === 'movement' ? (node?.inputs ?? []) : [];
    const source =
      roles[at] === 'layer'
        ? { layers: [at], isBorder: false }
        : merged([{ layers: [], isBorder: roles[at] === 'container' }, ...through.map(sourceOf)]);
    for (const output of node?.outputs ?? []) written.set(output, source);
  }
  return sourceOf;
}

/** The tensors of the main graph that are its outputs or read by a node that holds a graph, through movement too. */
function* leavingTensorSteps(model: Model, roles: readonly NodeRole[]): Steps<ReadonlySet<string>> {
  const { index } = modelFacts(model);
  const leaving = new Set<string>();
  for (const [step, at] of index.order.toReversed().entries()) {
    if (isStep(step)) yield;
    for (const output of model.graph.nodes[at]?.outputs ?? []) {
      const leaves =
        index.isGraphOutput(output) ||
        (index.capturedBySubgraphs.get(output)?.length ?? 0) > 0 ||
        (index.consumers.get(output) ?? []).some(({ node }) => {
          if (roles[node] === 'container') return true;
          const moved = roles[node] === 'movement' ? (model.graph.nodes[node]?.outputs ?? []) : [];
          return moved.some((name) => leaving.has(name));
        });
      if (leaves) leaving.add(output);
    }
  }
  return leaving;
}

function merged(sources: readonly Source[]): Source {
  return {
    layers: [...new Set(sources.flatMap(({ layers }) => layers))],
    isBorder: sources.some(({ isBorder }) => isBorder),
  };
}
