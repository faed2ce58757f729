/**
 * The shape of every tensor of a model, as far as it follows from the inputs' shapes and from small constants.
 * What cannot be known stays unknown: a shape given here is never wrong for a model that runs.
 * Walks graphs, sub-graphs and function bodies; what an operator does to shapes is in the rules.
 */
import { foldNode, readSmallTensor } from '../constants.js';
import type { PartialTensor } from '../constants-fold.js';
import { MOST_FOLDED_ELEMENTS } from '../constants-fold.js';
import { calledFunction, functionBody } from '../functions.js';
import { indexGraph, indexGraphSteps } from '../graph-index.js';
import type { Dimension, Graph, LocalFunction, Model, Node, Shape, Tensor, ValueInfo } from '../model.js';
import { finish, isStep, type Steps } from '../steps.js';
import { modelFolder } from '../tensor-bytes.js';
import { contradict, elementCount, knownShape, refineShape } from './dimension.js';
import type { NodeContext, Shapes } from './rule.js';
import { shapeRule } from './rules.js';

export interface ShapeOptions {
  /** Shapes of graph inputs, in place of the declared ones; their numbers also bind the declared symbols. */
  readonly inputShapes?: ReadonlyMap<string, Shape>;
  /** Values of symbolic dimensions. */
  readonly dims?: ReadonlyMap<string, number>;
}

/** Values are asked for through chains of small operators; a longer chain than this is none of shapes. */
const DEEPEST_CHAIN = 256;
/** Functions that call functions deeper than this are taken for a cycle. */
const DEEPEST_CALL = 32;
/** Nested loops are walked several times, and so is what functions share: beyond this many walks nothing is known. */
const MOST_WALKS = 100_000;

/** Shapes of the main graph's tensors, initializers and inputs included. Never throws for what a model holds. */
export function inferShapes(model: Model, options: ShapeOptions = {}): ReadonlyMap<string, Shape> {
  return finish(inferShapesSteps(model, options));
}

/** The same, a few nodes at a time. */
export function* inferShapesSteps(
  model: Model,
  options: ShapeOptions = {},
): Steps<ReadonlyMap<string, Shape>> {
  return (yield* scopedSteps(model, options)).get(model.graph) ?? new Map<string, Shape>();
}

/** A graph by itself; the body of a function, as a call runs it, by its nodes. */
type ScopeKey = Graph | readonly Node[];

type ScopedShapes = ReadonlyMap<ScopeKey, ReadonlyMap<string, Shape>>;

/** By model: the shapes without options, which everything that begins with a model asks for. */
const remembered = new WeakMap<Model, ScopedShapes>();

/**
 * The same for the main graph, every sub-graph and, by what `functionBody` gives, the body of every call, each without the names of
 * the scopes around it.
 */
export function inferScopedShapes(model: Model, options: ShapeOptions = {}): ScopedShapes {
  return finish(scopedSteps(model, options));
}

function* scopedSteps(model: Model, options: ShapeOptions): Steps<ScopedShapes> {
  const isPlain = options.dims === undefined && options.inputShapes === undefined;
  const known = isPlain ? remembered.get(model) : undefined;
  if (known !== undefined) return known;
  const trusting = new ShapePass(model, options, true);
  yield* trusting.run();
  let { scopes } = trusting;
  if (trusting.sawContradiction) {
    // What the model declares is stale in one place at least: better no shape than a wrong one.
    const strict = new ShapePass(model, options, false);
    yield* strict.run();
    ({ scopes } = strict);
  }
  if (isPlain) remembered.set(model, scopes);
  return scopes;
}

/** One level of names; `outer` is undefined for the main graph and for function bodies. */
interface Scope {
  readonly nodes: readonly Node[];
  readonly producers: ReadonlyMap<string, number>;
  readonly constantOf: (name: string) => Tensor | undefined;
  readonly shapes: Map<string, Shape>;
  readonly values: Map<string, PartialTensor | undefined>;
  /** Values that come from a caller: of a function's inputs. */
  readonly given: ReadonlyMap<string, () => PartialTensor | undefined>;
  /** Every name that stands for a value here, so that it hides the same name further out. */
  readonly names: ReadonlySet<string>;
  readonly declared: ReadonlyMap<string, Shape>;
  readonly outer: Scope | undefined;
  readonly opsets: ReadonlyMap<string, number>;
  readonly calls: number;
}

class ShapePass {
  readonly scopes = new Map<ScopeKey, Map<string, Shape>>();
  sawContradiction = false;
  private readonly folder: string | undefined;
  private readonly bound: ReadonlyMap<string, number>;
  private chain = 0;
  private walks = 0;

  constructor(
    private readonly model: Model,
    private readonly options: ShapeOptions,
    private readonly trustsDeclared: boolean,
  ) {
    this.folder = modelFolder(model);
    this.bound = boundSymbols(model.graph, options);
  }

  *run(): Steps<void> {
    const { graph } = this.model;
    const inputs = graph.inputs.map((input) => {
      const declared = this.declaredShape(input);
      const given = this.options.inputShapes?.get(input.name)?.map((dimension) => this.bind(dimension));
      if (given !== undefined && declared !== undefined && contradict(given, declared))
        this.sawContradiction = true;
      return refineShape(given, declared);
    });
    yield* this.graphSteps(graph, inputs, undefined);
  }

  /** Infers a graph whose inputs have these shapes; gives its outputs' shapes. */
  private *graphSteps(graph: Graph, inputs: Shapes, outer: Scope | undefined): Steps<Shapes> {
    const index = yield* indexGraphSteps(graph, this.model.irVersion);
    yield;
    const scope: Scope = {
      nodes: graph.nodes,
      producers: index.producers,
      constantOf: index.constantOf,
      shapes: new Map(),
      values: new Map(),
      given: new Map(),
      names: new Set([
        ...graph.inputs.map((input) => input.name),
        ...index.initializers.keys(),
        ...graph.sparseInitializers,
        ...index.producers.keys(),
      ]),
      declared: this.declaredShapes([...graph.valueInfo, ...graph.outputs]),
      outer,
      opsets: outer?.opsets ?? this.model.opsets,
      calls: outer?.calls ?? 0,
    };
    graph.inputs.forEach((input, at) => {
      const shape = refineShape(inputs[at], outer === undefined ? undefined : this.declaredShape(input));
      if (shape !== undefined) scope.shapes.set(input.name, shape);
    });
    for (const [name, tensor] of index.initializers) {
      // What a caller may feed in place of an initializer has the declared shape only.
      if (!index.isOverridable(name)) scope.shapes.set(name, tensor.dims);
    }
    yield;
    for (const at of index.order) {
      if (isStep(at)) yield;
      this.inferNode(at, scope);
    }
    this.scopes.set(graph, scope.shapes);
    return graph.outputs.map((output) => this.shapeOf(output.name, scope));
  }

  private inferNode(at: number, scope: Scope): void {
    const node = scope.nodes[at];
    if (node === undefined) return;
    const inferred = this.outputShapes(node, scope);
    node.outputs.forEach((name, index) => {
      const shape = inferred[index]?.map(validDimension);
      const declared = scope.declared.get(name);
      if (shape !== undefined && declared !== undefined && contradict(shape, declared))
        this.sawContradiction = true;
      const refined = refineShape(shape, declared);
      if (name !== '' && refined !== undefined) scope.shapes.set(name, refined);
    });
  }

  private outputShapes(node: Node, scope: Scope): Shapes {
    const called = calledFunction(this.model.functions, node);
    if (called !== undefined) return this.callShapes(node, called, scope);
    const rule = shapeRule(node.domain, node.opType);
    return rule === undefined ? [] : rule(this.context(node, scope));
  }

  private context(node: Node, scope: Scope): NodeContext {
    const name = (input: number): string => node.inputs[input] ?? '';
    return {
      node,
      opset: scope.opsets.get(node.domain) ?? 1,
      has: (input) => name(input) !== '',
      shape: (input) => this.shapeOf(name(input), scope),
      value: (input) => this.valueOf(name(input), scope),
      inside: (graph, inputs) =>
        this.walks++ < MOST_WALKS ? finish(this.graphSteps(graph, inputs, scope)) : [],
    };
  }

  private callShapes(node: Node, called: LocalFunction, scope: Scope): Shapes {
    const mayCall = scope.calls < DEEPEST_CALL && this.walks++ < MOST_WALKS;
    const nodes = mayCall ? functionBody(called, node) : undefined;
    if (nodes === undefined) return [];
    const graph: Graph = { ...EMPTY_GRAPH, nodes };
    const index = indexGraph(graph);
    const body: Scope = {
      nodes,
      producers: index.producers,
      constantOf: index.constantOf,
      shapes: new Map(),
      values: new Map(),
      given: new Map(
        called.inputs.map((name, at) => [name, () => this.valueOf(node.inputs[at] ?? '', scope)]),
      ),
      names: new Set([...called.inputs, ...index.producers.keys()]),
      declared: new Map(),
      outer: undefined,
      opsets: called.opsets,
      calls: scope.calls + 1,
    };
    called.inputs.forEach((name, at) => {
      const shape = this.shapeOf(node.inputs[at] ?? '', scope);
      if (shape !== undefined) body.shapes.set(name, shape);
    });
    for (const at of index.order) this.inferNode(at, body);
    this.scopes.set(nodes, body.shapes);
    return called.outputs.map((name) => body.shapes.get(name));
  }

  private shapeOf(name: string, scope: Scope): Shape | undefined {
    return scopeOf(name, scope)?.shapes.get(name);
  }

  /** What is known of the elements of a small tensor; computed when first asked for. */
  private valueOf(name: string, from: Scope): PartialTensor | undefined {
    const scope = scopeOf(name, from);
    if (scope === undefined || this.chain > DEEPEST_CHAIN) return undefined;
    if (scope.values.has(name)) return scope.values.get(name);
    this.chain++;
    const value = this.computeValue(name, scope);
    this.chain--;
    scope.values.set(name, value);
    return value;
  }

  private computeValue(name: string, scope: Scope): PartialTensor | undefined {
    const given = scope.given.get(name);
    if (given !== undefined) return given();
    const constant = scope.constantOf(name);
    if (constant !== undefined) return readSmallTensor(constant, this.folder);
    const node = scope.nodes[scope.producers.get(name) ?? -1];
    const dims = knownShape(scope.shapes.get(name));
    if (node === undefined || dims === undefined || (elementCount(dims) ?? 0) > MOST_FOLDED_ELEMENTS)
      return undefined;
    if (calledFunction(this.model.functions, node) !== undefined) return undefined;
    return foldNode({
      ...this.context(node, scope),
      output: node.outputs.indexOf(name),
      dims,
      outputShape: (output) => scope.shapes.get(node.outputs[output] ?? ''),
      attributeTensor: (tensor) => readSmallTensor(tensor, this.folder),
    });
  }

  private declaredShapes(infos: readonly ValueInfo[]): ReadonlyMap<string, Shape> {
    const shapes = new Map<string, Shape>();
    if (!this.trustsDeclared) return shapes;
    for (const info of infos) {
      const shape = refineShape(this.declaredShape(info), shapes.get(info.name));
      if (shape !== undefined) shapes.set(info.name, shape);
    }
    return shapes;
  }

  private declaredShape({ type }: ValueInfo): Shape | undefined {
    return type?.kind === 'tensor'
      ? type.shape?.map((dimension) => this.bind(validDimension(dimension)))
      : undefined;
  }

  private bind(dimension: Dimension): Dimension {
    return typeof dimension === 'string' ? (this.bound.get(dimension) ?? dimension) : dimension;
  }
}

const EMPTY_GRAPH: Graph = {
  name: '',
  nodes: [],
  initializers: [],
  sparseInitializers: [],
  inputs: [],
  outputs: [],
  valueInfo: [],
  message: undefined,
};

function scopeOf(name: string, from: Scope): Scope | undefined {
  if (name === '') return undefined;
  for (let scope: Scope | undefined = from; scope !== undefined; scope = scope.outer) {
    if (scope.names.has(name)) return scope;
  }
  return undefined;
}

/** Symbols by the values that `dims` gives them, and by the numbers that stand in their place in a given shape. */
function boundSymbols(graph: Graph, options: ShapeOptions): ReadonlyMap<string, number> {
  const bound = new Map(options.dims);
  for (const input of graph.inputs) {
    const given = options.inputShapes?.get(input.name);
    const declared = input.type?.kind === 'tensor' ? input.type.shape : undefined;
    if (given?.length !== declared?.length) continue;
    declared?.forEach((dimension, axis) => {
      const number = given?.[axis];
      if (typeof dimension === 'string' && typeof number === 'number' && !bound.has(dimension)) {
        bound.set(dimension, number);
      }
    });
  }
  return bound;
}

/** A model can declare, and a broken one can compute, what is no dimension. */
function validDimension(dimension: Dimension): Dimension {
  if (typeof dimension !== 'number') return dimension === '' ? undefined : dimension;
  return Number.isSafeInteger(dimension) && dimension >= 0 ? dimension : undefined;
}
