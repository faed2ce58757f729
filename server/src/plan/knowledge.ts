/**
 * What a plan needs to know of a model, computed once for each model object: layers, roles, names, and what each
 * pattern matches, so that a keystroke only looks things up. Knows no plan.
 */
import {
  finish,
  inferShapesSteps,
  inferTypesSteps,
  isStep,
  multiplyAdds,
  type Model,
  type Shape,
  type Steps,
} from '../onnx/index.js';
import type { FormatName, RunFormat } from '../formats/index.js';
import { boundShape } from './binding/dimensions.js';
import { findLayersSteps } from './model/layers.js';
import { modelFacts, type ModelFacts } from './model/model-facts.js';
import { indexNodeNamesSteps, type NodeNames } from './model/node-names.js';
import { writeOperatorType } from './model/operators.js';
import { nodeRolesSteps } from './model/roles.js';
import { runnableFormat, type RunnableFormat } from './decisions/run-format.js';
import { isInMainGraph, modelScopesSteps, type ScopedNode } from './model/scopes.js';
import type { Layer, NodeRole } from './types.js';

export interface ModelKnowledge {
  readonly model: Model;
  readonly facts: ModelFacts;
  readonly layers: readonly Layer[];
  /** By number of the node. */
  readonly roles: readonly NodeRole[];
  /** By number of the node: the index of its layer, or -1. */
  readonly layerOfNode: Int32Array;
  readonly names: NodeNames;
  /** The index of every layer. */
  readonly everyLayer: readonly number[];
  /** Indexes of layers, sorted by the names that patterns match (`names.addresses`) in code units. */
  readonly sortedByName: readonly number[];
  /** By tensor of the main graph. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** The operators of all graphs as plans write them, each with its layers and its number of nodes. */
  readonly operators: ReadonlyMap<string, OperatorUse>;
  readonly memory: Memory;
}

export interface OperatorUse {
  /** Indexes of layers, in graph order. */
  readonly layers: readonly number[];
  /** How many nodes there are, layers or not. */
  readonly nodes: number;
}

/** What was costly to find, by the question as text. */
export interface Memory {
  /** Layers that a pattern matches, or that lie on a path. */
  readonly layers: Map<string, readonly number[]>;
  /** By format: in what each layer can run instead, by layer. */
  readonly runnable: Map<string, readonly RunnableFormat[]>;
  /** The names nearest to one that the model has not. */
  readonly nearest: Map<string, readonly string[]>;
  /** The knowledge under the sizes that a plan binds. */
  readonly sized: Map<string, ModelKnowledge>;
}

/** What every plan asks for sooner or later. */
const RUN_FORMATS: readonly RunFormat[] = ['fp32', 'fp16', 'bf16'];

const MOST_REMEMBERED = 20_000;
/** Each holds a shape for every tensor; a plan that is being edited goes through a few. */
const MOST_SIZES = 8;

/** The answer found before, or a new one, which is kept. Forgets everything rather than grow without bound. */
export function remember<Answer>(
  memory: Map<string, Answer>,
  question: string,
  find: () => Answer,
  most = MOST_REMEMBERED,
): Answer {
  const remembered = memory.get(question);
  if (remembered !== undefined) {
    return remembered;
  }
  if (memory.size >= most) {
    memory.clear();
  }
  const answer = find();
  memory.set(question, answer);
  return answer;
}

const known = new WeakMap<Model, ModelKnowledge>();

/** In what each layer can run where `wanted` is asked for, by layer. */
export function runnableFormats(knowledge: ModelKnowledge, wanted: FormatName): readonly RunnableFormat[] {
  return remember(knowledge.memory.runnable, wanted, () =>
    knowledge.layers.map((layer) => runnableFormat(knowledge.model, layer, wanted)),
  );
}

/** What is known of a model; the first call for a model object takes its time, the next ones none. */
export function knowModel(model: Model): ModelKnowledge {
  return finish(knowModelSteps(model));
}

/** The same, a little at a time. */
export function* knowModelSteps(model: Model): Steps<ModelKnowledge> {
  const remembered = known.get(model);
  if (remembered) {
    return remembered;
  }
  const knowledge = yield* learningSteps(model);
  known.set(model, knowledge);
  return knowledge;
}

/**
 * The same with the sizes that a plan binds put into the shapes: multiply-adds that depend on them become known.
 * Layers keep their indexes and their names.
 */
export function* withSizes(
  knowledge: ModelKnowledge,
  sizes: ReadonlyMap<string, number>,
): Steps<ModelKnowledge> {
  if (sizes.size === 0) {
    return knowledge;
  }
  const question = JSON.stringify([...sizes].sort(([a], [b]) => (a < b ? -1 : 1)));
  const remembered = knowledge.memory.sized.get(question);
  if (remembered) {
    return remembered;
  }
  const shapes = yield* inferShapesSteps(knowledge.model, {
    dims: sizes,
    inputShapes: inputShapes(knowledge.model, sizes),
  });
  const layers: Layer[] = [];
  for (const [index, layer] of knowledge.layers.entries()) {
    if (isStep(index)) yield;
    layers.push(
      layer.multiplyAdds === undefined && isInMainGraph(knowledge.model, layer.nodeIndex)
        ? { ...layer, multiplyAdds: multiplyAdds(layer.node, shapes) }
        : layer,
    );
  }
  return remember(knowledge.memory.sized, question, () => ({ ...knowledge, shapes, layers }), MOST_SIZES);
}

function inputShapes(model: Model, sizes: ReadonlyMap<string, number>): ReadonlyMap<string, Shape> {
  return new Map(
    model.graph.inputs.flatMap(({ name, type }) =>
      type?.kind === 'tensor' && type.shape ? [[name, boundShape(name, type.shape, sizes)] as const] : [],
    ),
  );
}

/** Between the steps: what is found once for a model and remembered with it, each in a step of its own. */
function* learningSteps(model: Model): Steps<ModelKnowledge> {
  yield* inferTypesSteps(model);
  const shapes = yield* inferShapesSteps(model);
  yield;
  const facts = modelFacts(model);
  yield;
  const { nodes } = yield* modelScopesSteps(model);
  const roles = yield* nodeRolesSteps(model);
  const names = yield* indexNodeNamesSteps(model);
  const layerOfNode = new Int32Array(nodes.length).fill(-1);
  const layers = yield* findLayersSteps(model, shapes);
  layers.forEach(({ nodeIndex }, index) => {
    layerOfNode[nodeIndex] = index;
  });
  yield;
  const sortedByName = sortByName(layers, names);
  yield;
  const knowledge: ModelKnowledge = {
    model,
    facts,
    layers,
    roles,
    layerOfNode,
    names,
    everyLayer: layers.map((_layer, index) => index),
    sortedByName,
    shapes,
    operators: countOperators(nodes, layerOfNode),
    memory: { layers: new Map(), runnable: new Map(), nearest: new Map(), sized: new Map() },
  };
  for (const format of RUN_FORMATS) yield* runnableSteps(knowledge, format);
  return knowledge;
}

/** What `runnableFormats` gives, so that it is remembered when it is asked for. */
function* runnableSteps(knowledge: ModelKnowledge, wanted: RunFormat): Steps<void> {
  const formats: RunnableFormat[] = [];
  for (const [index, layer] of knowledge.layers.entries()) {
    if (isStep(index)) yield;
    formats.push(runnableFormat(knowledge.model, layer, wanted));
  }
  remember(knowledge.memory.runnable, wanted, () => formats);
}

function countOperators(
  nodes: readonly ScopedNode[],
  layerOfNode: Int32Array,
): ReadonlyMap<string, OperatorUse> {
  const operators = new Map<string, { layers: number[]; nodes: number }>();
  nodes.forEach(({ node }, index) => {
    const written = writeOperatorType(node);
    const use = operators.get(written) ?? { layers: [], nodes: 0 };
    operators.set(written, use);
    use.nodes += 1;
    const layer = layerOfNode[index] ?? -1;
    if (layer >= 0) {
      use.layers.push(layer);
    }
  });
  return operators;
}

function sortByName(layers: readonly Layer[], { addresses }: NodeNames): readonly number[] {
  const nameOf = (index: number): string => addresses[layers[index]?.nodeIndex ?? -1] ?? '';
  return layers
    .map((_layer, index) => index)
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}
