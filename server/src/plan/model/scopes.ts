/**
 * All graphs of a model as one: the main graph, the sub-graphs of If, Loop and Scan, and the body of each function as
 * each call runs it. Nodes are numbered through, those of the main graph first and as in it; a tensor is known by its scope and
 * name, so that what a sub-graph captures is the tensor outside, and what hides a name is another tensor. Knows
 * names and types; no role, no decision.
 */
import {
  calledFunction,
  capturedNames,
  functionBody,
  indexGraph,
  inferTypes,
  isStep,
  makeGraph,
  makeValueInfo,
  subgraphsOf,
  type Graph,
  type InferredTypes,
  type LocalFunction,
  type Model,
  type Node,
  type Steps,
  type ValueType,
} from '../../onnx/index.js';
import { elementTypeOf, isFloating, modelFacts, operatorFacts, type OperatorFacts } from './model-facts.js';
import { oncePerModelInSteps } from './once-per-model.js';
import { bordersOf, callBorders, type Border, type Place } from './scope-borders.js';
import {
  endOf,
  idIn,
  tensorNamed,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
  type Tie,
} from './scope.js';
import type { NodeInput } from '../types.js';

export * from './scope.js';

/** Stands in names where a sub-graph has its attribute. */
export const FUNCTION_BODY = 'body';
/** Functions that call functions deeper than this are taken for a cycle. */
const DEEPEST_CALL = 32;
/** Functions that call each other twice and more multiply: beyond this many nodes calls are left as they are. */
const MOST_NODES = 500_000;

const found = oncePerModelInSteps((model) => new ScopeWalk(model).resultSteps());

export const modelScopes = found.at;
export const modelScopesSteps = found.steps;

/** Whether everything inside can be given other names: nothing reads or holds by name what is not looked into. */
function isOpen(node: Node, opsets: ReadonlyMap<string, number>): boolean {
  const graphs = subgraphsOf(node);
  if (graphs.length === 0) return true;
  if (bordersOf(node, graphs, opsets.get('') ?? 1) === undefined) return capturedNames(node).length === 0;
  return graphs.every(
    ({ graph }) =>
      graph.sparseInitializers.length === 0 && graph.nodes.every((inner) => isOpen(inner, opsets)),
  );
}

type GrowingTensor = Omit<ScopedTensor, 'readers' | 'isFixed'> & { readers: NodeInput[]; isFixed: boolean };

/** Never written into. */
const NO_READERS: NodeInput[] = [];
type GrowingNode = Omit<ScopedNode, 'inner'> & { inner: readonly Scope[] };

interface ScopeParts {
  readonly kind: Scope['kind'];
  readonly graph: Graph;
  readonly inferred: InferredTypes;
  readonly types: ReadonlyMap<string, ValueType>;
  readonly opsets: ReadonlyMap<string, number>;
  readonly operators: OperatorFacts;
  readonly container: number;
  readonly attribute: string;
  readonly outer: Scope | undefined;
  readonly calls: LocalFunction | undefined;
  /** How many calls deep. */
  readonly depth: number;
}

class ScopeWalk {
  private readonly scopes: Scope[] = [];
  private readonly nodes: GrowingNode[] = [];
  private readonly tensors = new Map<string, GrowingTensor>();
  private readonly ties: Tie[] = [];

  constructor(private readonly model: Model) {}

  *resultSteps(): Steps<ModelScopes> {
    const { model } = this;
    const facts = modelFacts(model);
    yield* this.scopeSteps({
      kind: 'main',
      graph: model.graph,
      inferred: facts.inferred,
      types: facts.inferred.types,
      opsets: model.opsets,
      operators: facts,
      container: -1,
      attribute: '',
      outer: undefined,
      calls: undefined,
      depth: 0,
    });
    const { scopes, nodes, tensors, ties } = this;
    return {
      model,
      scopes,
      nodes,
      tensors,
      ties,
      readingOrder: this.listed((scope) => scope.graph.nodes.keys(), 'outer first'),
      order: this.listed((scope) => scope.index.order, 'inner first'),
    };
  }

  private *scopeSteps(parts: ScopeParts): Steps<Scope> {
    const { kind, graph, types, opsets, operators, container, attribute, outer, calls } = parts;
    const index =
      outer === undefined ? modelFacts(this.model).index : indexGraph(graph, this.model.irVersion);
    const [place, firstNode] = [this.scopes.length, this.nodes.length];
    const outputs: string[] = [];
    const scope: Scope = {
      ...{ place, kind, graph, index, operators, opsets, firstNode },
      ...{ container, attribute, outer, calls, types, outputs },
    };
    this.scopes.push(scope);
    yield* this.tensorSteps(scope);
    for (const [index, node] of graph.nodes.entries()) {
      if (isStep(index)) yield;
      this.addNode(node, scope);
    }
    graph.outputs.forEach(({ name }, input) => {
      const id = this.resolve(scope, name);
      outputs.push(id);
      if (kind === 'main') this.fix(id);
      else this.addReader(id, { node: endOf(scope), input });
    });
    for (const at of graph.nodes.keys()) {
      if (isStep(at)) yield;
      yield* this.enterSteps(firstNode + at, parts);
    }
    return scope;
  }

  private *tensorSteps(scope: Scope): Steps<void> {
    const { graph } = scope;
    for (const [index, { name }] of [...graph.inputs, ...graph.initializers].entries()) {
      if (isStep(index)) yield;
      this.define(scope, name, undefined);
    }
    for (const name of graph.sparseInitializers) this.define(scope, name, undefined);
    for (const [at, { outputs }] of graph.nodes.entries()) {
      if (isStep(at)) yield;
      for (const name of outputs) if (name !== '') this.define(scope, name, scope.firstNode + at);
    }
  }

  private define(scope: Scope, name: string, producer: number | undefined): void {
    const id = idIn(scope, name);
    if (this.tensors.has(id)) return;
    const type = scope.types.get(name);
    this.tensors.set(id, { id, name, scope, type, producer, readers: NO_READERS, isFixed: false });
  }

  private addNode(node: Node, scope: Scope): void {
    const at = this.nodes.length;
    const resolve = (name: string): string => this.resolve(scope, name);
    // In the main graph names are ids.
    const inputs = scope.place === 0 ? node.inputs : node.inputs.map(resolve);
    const outputs = scope.place === 0 ? node.outputs : node.outputs.map(resolve);
    this.nodes.push({ node, scope, inputs, outputs, inner: [] });
    inputs.forEach((id, input) => {
      this.addReader(id, { node: at, input });
    });
  }

  /** Most tensors have one reader: a list that grows from nothing would have room for seventeen. */
  private addReader(id: string, reader: NodeInput): void {
    const tensor = this.tensors.get(id);
    if (tensor === undefined) return;
    if (tensor.readers.length === 0) tensor.readers = [reader];
    else tensor.readers.push(reader);
  }

  private resolve(scope: Scope, name: string): string {
    return name === '' ? '' : (tensorNamed(this.tensors, scope, name)?.id ?? idIn(scope, name));
  }

  /** Looks into what a node holds or calls, where it is known what goes in and out. */
  private *enterSteps(at: number, around: ScopeParts): Steps<void> {
    const entered = this.nodes[at];
    if (entered === undefined) return;
    const { node, scope } = entered;
    const called = calledFunction(this.model.functions, node);
    if (called !== undefined) {
      yield* this.callSteps(entered, called, at, around);
      return;
    }
    const graphs = subgraphsOf(node);
    if (graphs.length === 0) return;
    const borders = bordersOf(node, graphs, scope.opsets.get('') ?? 1);
    if (borders === undefined) {
      for (const name of capturedNames(node)) this.fix(this.resolve(scope, name));
      return;
    }
    const inner: Scope[] = [];
    for (const { attribute, graph } of graphs) {
      const held = yield* this.scopeSteps({
        ...around,
        kind: 'sub-graph',
        graph,
        types: around.inferred.scopes.get(graph) ?? new Map<string, ValueType>(),
        container: at,
        attribute,
        outer: scope,
        calls: undefined,
      });
      inner.push(held);
    }
    entered.inner = inner;
    for (const border of borders) this.addTie(border, entered, at);
  }

  private *callSteps(
    entered: GrowingNode,
    called: LocalFunction,
    at: number,
    around: ScopeParts,
  ): Steps<void> {
    const { node, scope } = entered;
    if (around.depth >= DEEPEST_CALL || this.nodes.length > MOST_NODES) return;
    if (node.inputs.length > called.inputs.length || node.outputs.length > called.outputs.length) return;
    const inputs = entered.inputs.map((id) => this.tensors.get(id)?.type);
    const outputs = entered.outputs.map((id) => this.tensors.get(id)?.type);
    const pass = (id: string, type: ValueType | undefined): boolean => id === '' || type?.kind === 'tensor';
    if (!entered.inputs.every((id, input) => pass(id, inputs[input]))) return;
    if (!entered.outputs.every((id, output) => pass(id, outputs[output]))) return;
    const nodes = functionBody(called, node);
    if (nodes?.every((inner) => isOpen(inner, called.opsets)) !== true) return;
    const graph = makeGraph({
      name: called.name,
      nodes,
      inputs: called.inputs.map((name, input) => makeValueInfo(name, inputs[input])),
      outputs: called.outputs.map((name) => makeValueInfo(name, undefined)),
    });
    const { functions } = this.model;
    const { opsets } = called;
    const inferred = inferTypes({ graph, opsets, functions });
    const body = yield* this.scopeSteps({
      kind: 'function',
      graph,
      inferred,
      types: inferred.types,
      opsets,
      operators: operatorFacts(functions, opsets),
      container: at,
      attribute: FUNCTION_BODY,
      outer: scope,
      calls: called,
      depth: around.depth + 1,
    });
    entered.inner = [body];
    for (const border of callBorders(node, called)) this.addTie(border, entered, at);
  }

  private fix(id: string): void {
    const tensor = this.tensors.get(id);
    if (tensor !== undefined) tensor.isFixed = true;
  }

  /** Only floating-point tensors can take another type; everything else passes as it is. */
  private addTie(border: Border, { node, scope, inputs, outputs, inner }: ScopedNode, at: number): void {
    const held = (place: Place): Scope | undefined => inner[place.graph ?? -1];
    const written = border.written.map((place) => {
      const of = held(place);
      return of === undefined
        ? (outputs[place.index] ?? '')
        : idIn(of, of.graph.inputs[place.index]?.name ?? '');
    });
    const readIds = border.read.map((place) =>
      place.graph === undefined ? inputs[place.index] : held(place)?.outputs[place.index],
    );
    const types = [...written, ...readIds]
      .filter((id) => id !== undefined && id !== '')
      .map((id) => elementTypeOf(this.tensors.get(id ?? '')?.type));
    const [first] = types;
    const type = isFloating(first) && types.every((one) => one === first) ? first : undefined;
    const allowed = scope.operators.schema(node)?.outputs[0]?.dataTypes;
    this.ties.push({
      type,
      written: written.filter((id) => id !== ''),
      read: border.read.map((place) => {
        const of = held(place);
        return { node: of === undefined ? at : endOf(of), input: place.index };
      }),
      isAllowed: (other) =>
        allowed?.has(other) !== false &&
        [scope, ...inner].every(({ operators }) => operators.canCastTo(other)),
    });
  }

  private listed(
    nodesOf: (scope: Scope) => Iterable<number>,
    direction: 'outer first' | 'inner first',
  ): readonly number[] {
    const listed: number[] = [];
    const add = (scope: Scope): void => {
      for (const index of nodesOf(scope)) {
        const at = scope.firstNode + index;
        if (direction === 'outer first') listed.push(at);
        this.nodes[at]?.inner.forEach(add);
        if (direction === 'inner first') listed.push(at);
      }
    };
    const [main] = this.scopes;
    if (main !== undefined) add(main);
    return listed;
  }
}
