/**
 * Who writes and who reads each tensor of one graph, sub-graph captures included; the constants among them; and
 * whether the nodes stand in an order in which they can run. Built once per graph; knows no types or shapes.
 */
import { subgraphsOf } from './attributes.js';
import type { Attribute, Graph, Node, Tensor } from './model.js';
import { DataType } from './model.js';
import { finish, isStep, type Steps } from './steps.js';

export interface Reader {
  /** Index of the node in the graph. */
  readonly node: number;
  /** Index among the node's inputs. */
  readonly input: number;
}

export interface GraphIndex {
  readonly graph: Graph;
  /** Tensor name to the index of the node that writes it. */
  readonly producers: ReadonlyMap<string, number>;
  /** Tensor name to the node inputs of this graph that read it, in node order. */
  readonly consumers: ReadonlyMap<string, readonly Reader[]>;
  /** Tensor name to the nodes of this graph whose sub-graphs, at any depth, read it from the outside. */
  readonly capturedBySubgraphs: ReadonlyMap<string, readonly number[]>;
  readonly initializers: ReadonlyMap<string, Tensor>;
  /**
   * Node indexes in an order in which each node stands after all that it reads: the file's order where that is
   * such an order, otherwise the nearest one to it. Nodes on or behind a cycle are left out.
   */
  readonly order: readonly number[];
  /** Whether the file's order is an order in which the nodes can run. */
  readonly isSorted: boolean;
  readonly isGraphInput: (name: string) => boolean;
  readonly isGraphOutput: (name: string) => boolean;
  /** An initializer that is also a graph input, so that a caller may feed something else (from IR version 4). */
  readonly isOverridable: (name: string) => boolean;
  /**
   * The tensor behind a name that cannot change: an initializer that no caller may override, or the output of a
   * Constant node (`value`, `value_float(s)`, `value_int(s)`). The same object on each call.
   */
  readonly constantOf: (name: string) => Tensor | undefined;
}

/** From this IR version on initializers need not be listed among the inputs, and those that are may be overridden. */
const FIRST_WITH_DEFAULTS = 4;

/** By graph, which never changes: whatever looks at a graph begins with its index. */
const remembered = {
  withDefaults: new WeakMap<Graph, GraphIndex>(),
  withoutDefaults: new WeakMap<Graph, GraphIndex>(),
};

/**
 * @param irVersion the model's; before 4 every initializer had to be listed among the inputs, and is constant.
 */
export function indexGraph(graph: Graph, irVersion = FIRST_WITH_DEFAULTS): GraphIndex {
  return finish(indexGraphSteps(graph, irVersion));
}

/** The same a little at a time. */
export function* indexGraphSteps(graph: Graph, irVersion = FIRST_WITH_DEFAULTS): Steps<GraphIndex> {
  const hasDefaults = irVersion >= FIRST_WITH_DEFAULTS;
  const indexes = hasDefaults ? remembered.withDefaults : remembered.withoutDefaults;
  let index = indexes.get(graph);
  if (index === undefined) {
    index = yield* makeIndexSteps(graph, hasDefaults);
    indexes.set(graph, index);
  }
  return index;
}

function* makeIndexSteps(graph: Graph, hasDefaults: boolean): Steps<GraphIndex> {
  const producers = new Map<string, number>();
  const consumers = new Map<string, Reader[]>();
  const capturedBySubgraphs = new Map<string, number[]>();
  for (const [index, node] of graph.nodes.entries()) {
    if (isStep(index)) yield;
    for (const output of node.outputs)
      if (output !== '' && !producers.has(output)) producers.set(output, index);
    node.inputs.forEach((name, input) => {
      if (name !== '') append(consumers, name, { node: index, input });
    });
    for (const name of capturedNames(node)) append(capturedBySubgraphs, name, index);
  }
  yield;

  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const graphInputs = new Set(graph.inputs.map((input) => input.name));
  const graphOutputs = new Set(graph.outputs.map((output) => output.name));
  /** Of Constant nodes, whose values are made here. */
  const constants = new Map<string, Tensor | undefined>();
  const order = yield* topologicalOrderSteps(graph, producers, capturedBySubgraphs);
  const isOverridable = (name: string): boolean =>
    hasDefaults && initializers.has(name) && graphInputs.has(name);

  const constantOf = (name: string): Tensor | undefined => {
    const initializer = initializers.get(name);
    if (initializer !== undefined) return isOverridable(name) ? undefined : initializer;
    const producer = producers.get(name);
    const node = producer === undefined ? undefined : graph.nodes[producer];
    if (node?.opType !== 'Constant') return undefined;
    if (!constants.has(name)) constants.set(name, constantNodeTensor(node));
    return constants.get(name);
  };

  return {
    graph,
    producers,
    consumers,
    capturedBySubgraphs,
    initializers,
    order,
    isSorted: order.length === graph.nodes.length && order.every((node, position) => node === position),
    isGraphInput: (name) => graphInputs.has(name),
    isGraphOutput: (name) => graphOutputs.has(name),
    isOverridable,
    constantOf,
  };
}

const NO_NAMES: readonly string[] = [];

/** The names that a node's sub-graphs read from the graph around it, each once, in order of first use. */
export function capturedNames(node: Node): readonly string[] {
  // Nearly every node of a large model.
  if (!node.attributes.some(({ kind }) => kind === 'graph' || kind === 'graphs')) return NO_NAMES;
  const captured = new Set<string>();
  for (const { graph } of subgraphsOf(node)) for (const name of freeNames(graph)) captured.add(name);
  return [...captured];
}

/** The tensor that a Constant node holds; undefined for strings, sparse values and other operators. */
export function constantNodeTensor(node: Node): Tensor | undefined {
  if (node.opType !== 'Constant' || node.domain !== '') return undefined;
  const name = node.outputs[0] ?? '';
  for (const attribute of node.attributes) {
    const tensor = attributeTensor(name, attribute);
    if (tensor !== undefined) return tensor;
  }
  return undefined;
}

function attributeTensor(name: string, attribute: Attribute): Tensor | undefined {
  if (attribute.kind === 'tensor' && attribute.name === 'value') return attribute.value;
  if (attribute.kind === 'float' && attribute.name === 'value_float') {
    return floatTensor(name, [], [attribute.value]);
  }
  if (attribute.kind === 'floats' && attribute.name === 'value_floats') {
    return floatTensor(name, [attribute.value.length], attribute.value);
  }
  if (attribute.kind === 'int' && attribute.name === 'value_int') {
    return int64Tensor(name, [], [attribute.value]);
  }
  if (attribute.kind === 'ints' && attribute.name === 'value_ints') {
    return int64Tensor(name, [attribute.value.length], attribute.value);
  }
  return undefined;
}

function floatTensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, index) => {
    view.setFloat32(index * 4, value, true);
  });
  return madeTensor(name, DataType.FLOAT, dims, view);
}

function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  const largest = 2n ** 63n - 1n;
  values.forEach((value, index) => {
    // 2^63 - 1, "to the end" in Slice, is not a double: the nearest one is 2^63, which would wrap around.
    const exact = BigInt(Math.trunc(value));
    view.setBigInt64(index * 8, exact > largest ? largest : exact, true);
  });
  return madeTensor(name, DataType.INT64, dims, view);
}

function madeTensor(name: string, dataType: DataType, dims: readonly number[], view: DataView): Tensor {
  const bytes = new Uint8Array(view.buffer);
  return { name, dataType, dims, data: { kind: 'made', bytes }, message: undefined };
}

function freeNames(graph: Graph): ReadonlySet<string> {
  const defined = new Set<string>([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.map((tensor) => tensor.name),
    ...graph.sparseInitializers,
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const free = new Set<string>();
  const read = (name: string): void => {
    if (name !== '' && !defined.has(name)) free.add(name);
  };
  for (const node of graph.nodes) {
    node.inputs.forEach(read);
    capturedNames(node).forEach(read);
  }
  for (const output of graph.outputs) read(output.name);
  return free;
}

/** Kahn's algorithm, always taking the ready node that stands first in the file. */
function* topologicalOrderSteps(
  graph: Graph,
  producers: ReadonlyMap<string, number>,
  captured: ReadonlyMap<string, readonly number[]>,
): Steps<readonly number[]> {
  // As nearly every file has them: nothing need be built to find another order.
  if (yield* isInOrderSteps(graph, producers, captured)) return [...graph.nodes.keys()];
  const successors = new Map<number, number[]>();
  const waitingFor: number[] = graph.nodes.map(() => 0);
  const connect = (name: string, reader: number): void => {
    const producer = producers.get(name);
    if (producer === undefined) return;
    append(successors, producer, reader);
    waitingFor[reader] = (waitingFor[reader] ?? 0) + 1;
  };
  for (const [index, node] of graph.nodes.entries()) {
    if (isStep(index)) yield;
    for (const name of node.inputs) connect(name, index);
  }
  for (const [name, readers] of captured) for (const reader of readers) connect(name, reader);

  const ready = new MinimumQueue();
  waitingFor.forEach((count, index) => {
    if (count === 0) ready.push(index);
  });
  const order: number[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    if (isStep(order.length)) yield;
    order.push(next);
    for (const successor of successors.get(next) ?? []) {
      const left = (waitingFor[successor] ?? 0) - 1;
      waitingFor[successor] = left;
      if (left === 0) ready.push(successor);
    }
  }
  return order;
}

function* isInOrderSteps(
  graph: Graph,
  producers: ReadonlyMap<string, number>,
  captured: ReadonlyMap<string, readonly number[]>,
): Steps<boolean> {
  const isBefore = (name: string, reader: number): boolean => (producers.get(name) ?? -1) < reader;
  for (const [index, { inputs }] of graph.nodes.entries()) {
    if (isStep(index)) yield;
    if (!inputs.every((name) => isBefore(name, index))) return false;
  }
  for (const [name, readers] of captured) {
    if (!readers.every((reader) => isBefore(name, reader))) return false;
  }
  return true;
}

/** A binary heap of node indexes. */
class MinimumQueue {
  private readonly heap: number[] = [];

  push(value: number): void {
    const heap = this.heap;
    let child = heap.length;
    heap.push(value);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (this.at(parent) <= value) break;
      heap[child] = this.at(parent);
      child = parent;
    }
    heap[child] = value;
  }

  pop(): number | undefined {
    const heap = this.heap;
    const least = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return least;
    let parent = 0;
    while (true) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (this.at(child + 1) < this.at(child)) child++;
      if (this.at(child) >= last) break;
      heap[parent] = this.at(child);
      parent = child;
    }
    heap[parent] = last;
    return least;
  }

  private at(index: number): number {
    return this.heap[index] ?? Infinity;
  }
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
