/**
 * A model cut in two: what stands before the cut gives the tensors that cross it, what stands behind it starts from
 * them, with some of its layers as switches. A layer's effect on the outputs then costs a run of the nodes behind
 * the cut. Knows where a graph may be cut; not where it should be.
 */
import {
  capturedNames,
  DataType,
  isStep,
  makeTensorType,
  makeValueInfo,
  type Model,
  type Node,
  type Steps,
  type Tensor,
  type ValueInfo,
  referredTensor,
  variantSteps,
  type Variant,
} from '../onnx/index.js';
import { freeNames, modelFacts, type Layer, type ModelFacts } from '../plan/index.js';
import { switchNode, type SwitchedLayer } from './switched-layer.js';

/** The nodes before a cut that matter behind it. */
export interface PrefixVariant extends Variant {
  /** The tensors that cross the cut; each is an output. */
  readonly crossing: readonly string[];
}

/** The nodes behind a cut that matter to the outputs asked for. */
export interface SegmentVariant extends Variant {
  /** The tensors that cross the cut; each is an input, as are those of the model's own inputs that are still read. */
  readonly crossing: readonly string[];
  /** The scalar boolean inputs that put a layer into its low type. Layers that no output depends on have none. */
  readonly selectors: ReadonlyMap<Layer, string>;
  /** Those of the outputs asked for that are computed behind the cut; the others no layer behind it can change. */
  readonly outputs: readonly string[];
}

/** Types that can be fed: what crosses a cut leaves the runtime and comes back. */
const FEEDABLE: ReadonlySet<DataType> = new Set([
  DataType.FLOAT,
  DataType.DOUBLE,
  DataType.FLOAT16,
  DataType.INT8,
  DataType.UINT8,
  DataType.INT16,
  DataType.UINT16,
  DataType.INT32,
  DataType.UINT32,
  DataType.INT64,
  DataType.UINT64,
  DataType.BOOL,
]);

/**
 * Whether the main graph may be cut before the node at each place of its topological order: everything that
 * crosses there is a tensor that can be fed. A cut at 0 leaves the model whole and is always allowed.
 */
export function allowedCuts(model: Model): readonly boolean[] {
  const facts = modelFacts(model);
  const { order } = facts.index;
  const place = placesOf(facts);
  const change = new Array<number>(order.length + 1).fill(0);
  order.forEach((at, from) => {
    const node = model.graph.nodes[at];
    if (node === undefined) return;
    for (const name of node.outputs) {
      if (name === '' || FEEDABLE.has(facts.elementType(name) ?? DataType.UNDEFINED)) continue;
      const last = lastReader(facts, name, place);
      if (last <= from) continue;
      // It crosses every cut from behind its writer to before its last reader.
      change[from + 1] = (change[from + 1] ?? 0) + 1;
      change[last + 1] = (change[last + 1] ?? 0) - 1;
    }
  });
  let crossing = 0;
  return order.map((_, cut) => {
    crossing += change[cut] ?? 0;
    return cut === 0 || crossing === 0;
  });
}

function lastReader(facts: ModelFacts, name: string, place: ReadonlyMap<number, number>): number {
  const readers = (facts.index.consumers.get(name) ?? []).map((reader) => reader.node);
  const all = [...readers, ...(facts.index.capturedBySubgraphs.get(name) ?? [])];
  return all.reduce((last, at) => Math.max(last, place.get(at) ?? -1), -1);
}

/** By node index: the place in the topological order. */
function placesOf(facts: ModelFacts): ReadonlyMap<number, number> {
  return new Map(facts.index.order.map((at, place) => [at, place]));
}

/**
 * What lies behind `cut` (a place of the topological order), with `switched` as switches, for the model's `outputs`; a few
 * nodes at a time.
 */
export function* segmentSteps(
  model: Model,
  cut: number,
  switched: readonly SwitchedLayer[],
  outputs: readonly string[],
): Steps<SegmentVariant> {
  const facts = modelFacts(model);
  const place = placesOf(facts);
  const computed = outputs.filter((name) => (place.get(facts.index.producers.get(name) ?? -1) ?? -1) >= cut);
  const kept = yield* neededNodes(model, facts, computed, (at) => (place.get(at) ?? -1) >= cut);
  const takeName = freeNames(model);
  const byNode = new Map(switched.map((one) => [one.layer.nodeIndex, one]));
  const selectors = new Map<Layer, string>();
  const nodes: Node[] = [];
  for (const [index, { at, node }] of kept.entries()) {
    if (isStep(index)) yield;
    const one = byNode.get(at);
    if (one === undefined) {
      nodes.push(node);
      continue;
    }
    const selector = takeName(`${one.layer.name}_selected`);
    selectors.set(one.layer, selector);
    nodes.push(switchNode(model, one, selector, takeName));
  }
  yield;
  const read = namesRead(kept.map(({ node }) => node));
  const written = new Set(kept.flatMap(({ node }) => node.outputs));
  const crossing = [...read].filter((name) => isComputed(facts, name) && !written.has(name));
  const variant = yield* variantSteps(model, {
    nodes,
    initializers: yield* initializersFor(model, facts, read),
    inputs: [
      ...model.graph.inputs.filter(({ name }) => read.has(name)),
      ...crossing.flatMap((name) => declaration(facts, name)),
      ...[...selectors.values()].map((name) => makeValueInfo(name, makeTensorType(DataType.BOOL, []))),
    ],
    outputs: model.graph.outputs.filter(({ name }) => computed.includes(name)),
  });
  return { ...variant, crossing, selectors, outputs: computed };
}

/** What lies before a cut and gives the `crossing` tensors of the segment behind it; a few nodes at a time. */
export function* prefixSteps(model: Model, crossing: readonly string[]): Steps<PrefixVariant> {
  const facts = modelFacts(model);
  const kept = yield* neededNodes(model, facts, crossing, () => true);
  const nodes = kept.map(({ node }) => node);
  const read = namesRead(nodes);
  const variant = yield* variantSteps(model, {
    nodes,
    initializers: yield* initializersFor(model, facts, read),
    inputs: model.graph.inputs.filter(({ name }) => read.has(name)),
    outputs: crossing.flatMap((name) => declaration(facts, name)),
  });
  return { ...variant, crossing };
}

interface KeptNode {
  readonly at: number;
  readonly node: Node;
}

/** Those nodes that `wanted` depends on and that are `inside`, in an order in which they run. */
function* neededNodes(
  model: Model,
  facts: ModelFacts,
  wanted: readonly string[],
  inside: (at: number) => boolean,
): Steps<readonly KeptNode[]> {
  const needed = new Set(wanted);
  const kept: KeptNode[] = [];
  for (const [index, at] of [...facts.index.order].reverse().entries()) {
    if (isStep(index)) yield;
    const node = model.graph.nodes[at];
    if (node === undefined || !inside(at) || isStored(facts, node)) continue;
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push({ at, node });
    for (const name of namesRead([node])) needed.add(name);
  }
  return kept.reverse();
}

function namesRead(nodes: readonly Node[]): ReadonlySet<string> {
  const names = new Set(nodes.flatMap((node) => [...node.inputs, ...capturedNames(node)]));
  names.delete('');
  return names;
}

/** A Constant node whose tensor is put among the initializers. */
function isStored(facts: ModelFacts, node: Node): boolean {
  return node.opType === 'Constant' && facts.index.constantOf(node.outputs[0] ?? '') !== undefined;
}

/** Whether a node computes the name; not stored, not given from outside. */
function isComputed(facts: ModelFacts, name: string): boolean {
  return facts.index.producers.has(name) && facts.index.constantOf(name) === undefined;
}

function* initializersFor(model: Model, facts: ModelFacts, read: ReadonlySet<string>): Steps<Tensor[]> {
  const tensors: Tensor[] = [];
  for (const [index, name] of [...read].entries()) {
    if (isStep(index)) yield;
    const tensor = facts.index.constantOf(name) ?? facts.index.initializers.get(name);
    if (tensor !== undefined) tensors.push(referredTensor(name, tensor, model));
  }
  return tensors;
}

function declaration(facts: ModelFacts, name: string): readonly ValueInfo[] {
  const type = facts.elementType(name);
  return type === undefined ? [] : [makeValueInfo(name, makeTensorType(type, undefined))];
}
