/**
 * The type of every tensor of a model by the operators' schemas, scope by scope, and everything about types and
 * names for which ONNX Runtime would refuse the model. A converted model passes here before it is written.
 * Knows types and names only: no shapes, no values, no precision plan.
 */
import { controlFlowTypes, SUBGRAPH_OPERATORS } from './control-flow-types.js';
import { calledFunction, functionBody } from './functions.js';
import { capturedNames, indexGraphSteps } from './graph-index.js';
import type { Graph, LocalFunction, Node, ValueInfo, ValueType } from './model.js';
import { nodeTypes } from './node-types.js';
import { NEWEST_KNOWN_OPSET, operatorSchema } from './schemas.js';
import { finish, isStep, type Steps } from './steps.js';
import { addTypesFromReaders } from './types-from-readers.js';
import { sameType, typeName } from './value-type.js';

export type TypeProblemCode =
  | 'type-not-allowed'
  | 'type-variable'
  | 'input-count'
  | 'output-count'
  | 'attribute'
  | 'unknown-operator'
  | 'undefined-input'
  | 'undefined-output'
  | 'not-sorted'
  | 'duplicate-name'
  | 'duplicate-node'
  | 'initializer-type'
  | 'output-type'
  | 'stale-value-info'
  | 'subgraph-type';

/** Something about types or names that makes a model wrong. */
export interface TypeProblem {
  readonly code: TypeProblemCode;
  /** `OUTER > ATTRIBUTE > INNER` inside sub-graphs; a node without a name by its first output; empty for none. */
  readonly node: string;
  readonly tensor: string;
  readonly wanted: string;
  readonly found: string;
  /** One sentence for people. */
  readonly message: string;
}

/** The parts of a model that types depend on. A `Model` is one. */
export interface TypeInferenceSource {
  readonly graph: Graph;
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: readonly LocalFunction[];
}

export interface InferredTypes {
  /** Tensors of the main graph. A tensor whose type cannot be known, and is declared nowhere, is not in it. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** The same for the main graph and each sub-graph, without the names of the scopes around it. */
  readonly scopes: ReadonlyMap<Graph, ReadonlyMap<string, ValueType>>;
  readonly problems: readonly TypeProblem[];
}

type Types = readonly (ValueType | undefined)[];

/** Functions that call functions deeper than this are taken for a cycle. */
const DEEPEST_CALL = 32;
/** Functions that call each other twice and more multiply: beyond this many calls their types are left unknown. */
const MOST_CALLS = 100_000;

/** Infers the types of a model, or of a graph that would become one. Never throws for what a model holds. */
export function inferTypes(source: TypeInferenceSource): InferredTypes {
  return finish(inferTypesSteps(source));
}

/** What was found for a source, which never changes: a model is asked about by everything that begins with it. */
const remembered = new WeakMap<TypeInferenceSource, InferredTypes>();

/** The same, a few nodes at a time. */
export function* inferTypesSteps(source: TypeInferenceSource): Steps<InferredTypes> {
  const known = remembered.get(source);
  if (known !== undefined) return known;
  const pass = new TypePass(source);
  const types = yield* pass.graphSteps(source.graph, [], undefined, '');
  const inferred = { types, scopes: pass.scopes, problems: pass.problems };
  remembered.set(source, inferred);
  return inferred;
}

/** The name by which people address a node: its own, or its first output that has one. */
export function nodeName(node: Node): string {
  return node.name === '' ? (node.outputs.find((output) => output !== '') ?? node.opType) : node.name;
}

/** One level of names. `outer` is undefined for the main graph and for function bodies. */
interface Scope {
  readonly types: Map<string, ValueType>;
  /** Names that stand for a value so far, also where its type is not known. */
  readonly defined: Set<string>;
  /** Names that nodes of this scope define, at whatever place. */
  readonly written: { readonly has: (name: string) => boolean };
  readonly declaredOutputs: ReadonlyMap<string, ValueType>;
  readonly valueInfo: ReadonlyMap<string, ValueType>;
  readonly outer: Scope | undefined;
  readonly opsets: ReadonlyMap<string, number>;
  /** `OUTER > ATTRIBUTE`, or empty. */
  readonly path: string;
  /** How many function calls deep. */
  readonly depth: number;
}

/** The type of a name as a scope sees it. */
function typeIn(scope: Scope, name: string): ValueType | undefined {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    if (level.defined.has(name)) return level.types.get(name);
  }
  return undefined;
}

class TypePass {
  readonly problems: TypeProblem[] = [];
  readonly scopes = new Map<Graph, ReadonlyMap<string, ValueType>>();

  private calls = 0;

  constructor(private readonly source: TypeInferenceSource) {}

  /** Types of a graph's tensors; `given` are what a container feeds to the graph's inputs, by index. */
  *graphSteps(
    graph: Graph,
    given: Types,
    outer: Scope | undefined,
    path: string,
  ): Steps<Map<string, ValueType>> {
    const index = yield* indexGraphSteps(graph);
    const scope: Scope = {
      types: new Map(),
      defined: new Set(),
      written: index.producers,
      declaredOutputs: typesByName(graph.outputs),
      valueInfo: typesByName(graph.valueInfo),
      outer,
      opsets: outer?.opsets ?? this.source.opsets,
      path,
      depth: outer?.depth ?? 0,
    };
    this.defineInputs(graph, given, scope);
    yield* this.initializerSteps(graph, scope);
    yield;
    this.checkNodeNames(graph.nodes, scope);
    yield;
    if (!index.isSorted) yield* this.orderSteps(graph.nodes, scope);
    yield;
    // A graph in the wrong order is a problem of its own; its types are found all the same.
    const isWhole = index.order.length === graph.nodes.length;
    const order = isWhole ? index.order : [...new Set([...index.order, ...graph.nodes.keys()])];
    for (const at of order) {
      if (isStep(at)) yield;
      const node = graph.nodes[at];
      if (node !== undefined) this.defineNode(node, scope);
    }
    yield* addTypesFromReaders({
      nodes: order.flatMap((at) => graph.nodes[at] ?? []),
      opsets: scope.opsets,
      functions: this.source.functions,
      types: scope.types,
      typeOf: (name) => typeIn(scope, name),
    });
    this.checkOutputs(graph, scope);
    this.scopes.set(graph, scope.types);
    return scope.types;
  }

  private defineInputs(graph: Graph, given: Types, scope: Scope): void {
    graph.inputs.forEach((input, index) => {
      if (scope.defined.has(input.name)) this.reportDuplicate(scope, '', input.name);
      scope.defined.add(input.name);
      const fed = given[index];
      const type = input.type ?? fed;
      if (type === undefined) return;
      scope.types.set(input.name, type);
      if (fed === undefined || sameType(fed, type)) return;
      const [wanted, found] = [typeName(type), typeName(fed)];
      const message = `input "${input.name}" of ${scope.path} is declared ${wanted} and fed ${found}`;
      this.report(scope, { code: 'subgraph-type', node: '', tensor: input.name, wanted, found, message });
    });
  }

  private *initializerSteps(graph: Graph, scope: Scope): Steps<void> {
    const inputs = typesByName(graph.inputs);
    const seen = new Set<string>();
    for (const [index, tensor] of graph.initializers.entries()) {
      if (isStep(index)) yield;
      const { name, dataType, dims } = tensor;
      if (seen.has(name)) this.reportDuplicate(scope, '', name);
      seen.add(name);
      scope.defined.add(name);
      const type: ValueType = { kind: 'tensor', elementType: dataType, shape: dims };
      if (!scope.types.has(name)) scope.types.set(name, type);
      const declared = inputs.get(name) ?? scope.valueInfo.get(name);
      if (declared === undefined || sameType(declared, type)) continue;
      const [wanted, found] = [typeName(declared), typeName(type)];
      const message = `initializer "${name}" is ${found} and declared ${wanted}`;
      this.report(scope, { code: 'initializer-type', node: '', tensor: name, wanted, found, message });
    }
    for (const name of graph.sparseInitializers) {
      scope.defined.add(name);
      const type = scope.valueInfo.get(name) ?? graph.sparseTypes?.get(name);
      if (type !== undefined) scope.types.set(name, type);
    }
  }

  private checkNodeNames(nodes: readonly Node[], scope: Scope): void {
    const names = new Set<string>();
    for (const { name, outputs, opType } of nodes) {
      // ONNX Runtime makes initializers of constants before it looks at names.
      if (opType === 'Constant') continue;
      if (name !== '' && names.has(name)) {
        const message = `two nodes have the name "${name}"`;
        const tensor = outputs[0] ?? '';
        this.report(scope, {
          code: 'duplicate-node',
          node: name,
          tensor,
          wanted: 'one',
          found: 'two',
          message,
        });
      }
      names.add(name);
    }
  }

  private *orderSteps(nodes: readonly Node[], scope: Scope): Steps<void> {
    const before = new Set<string>();
    for (const [index, node] of nodes.entries()) {
      if (isStep(index)) yield;
      const isTooEarly = (name: string): boolean =>
        name !== '' && !before.has(name) && scope.written.has(name) && !scope.defined.has(name);
      const tensor = node.inputs.find(isTooEarly) ?? capturedNames(node).find(isTooEarly);
      if (tensor !== undefined) {
        const message = `"${nodeName(node)}" reads "${tensor}" before the node that writes it`;
        const [wanted, found] = ['a value written before', 'one written after'];
        this.report(scope, { code: 'not-sorted', node: nodeName(node), tensor, wanted, found, message });
      }
      for (const output of node.outputs) before.add(output);
    }
  }

  private defineNode(node: Node, scope: Scope): void {
    const inputs = node.inputs.map((name) => this.readInput(node, name, scope));
    const inferred = this.outputTypes(node, inputs, scope);
    node.outputs.forEach((name, index) => {
      if (name === '') return;
      if (scope.defined.has(name)) this.reportDuplicate(scope, nodeName(node), name);
      scope.defined.add(name);
      const declared = scope.declaredOutputs.get(name) ?? scope.valueInfo.get(name);
      const type = inferred[index] ?? declared;
      if (type === undefined) return;
      // The declared shape is worth keeping where the type is the same.
      scope.types.set(name, declared !== undefined && sameType(declared, type) ? declared : type);
      this.checkDeclared(nodeName(node), name, type, scope);
    });
  }

  private readInput(node: Node, name: string, scope: Scope): ValueType | undefined {
    if (name === '') return undefined;
    for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
      if (level.defined.has(name)) return level.types.get(name);
      // Written later: `orderSteps` has reported it in the scope where it is.
      if (level.written.has(name)) return undefined;
    }
    const message = `"${nodeName(node)}" reads "${name}", which nothing defines`;
    const [wanted, found] = ['a value', 'nothing of that name'];
    this.report(scope, {
      code: 'undefined-input',
      node: nodeName(node),
      tensor: name,
      wanted,
      found,
      message,
    });
    return undefined;
  }

  private outputTypes(node: Node, inputs: Types, scope: Scope): Types {
    const called = calledFunction(this.source.functions, node);
    if (called !== undefined) return this.callTypes(node, called, inputs, scope);
    const opset = scope.opsets.get(node.domain) ?? 1;
    const schema = operatorSchema(node.domain, node.opType, opset);
    if (schema === undefined || schema.deprecated) {
      this.checkKnown(node, opset, scope);
      return [];
    }
    const { outputs, findings } = nodeTypes(node, schema, opset, inputs);
    for (const finding of findings) this.report(scope, { ...finding, node: nodeName(node) });
    if (node.domain !== '' || !SUBGRAPH_OPERATORS.has(node.opType)) return outputs;
    return controlFlowTypes(node, opset, inputs, {
      inside: (attribute, graph, given) =>
        finish(
          this.graphSteps(graph, given, scope, joinPath(scope.path, `${nodeName(node)} > ${attribute}`)),
        ),
      mismatch: (tensor, wanted, found, message) => {
        this.report(scope, { code: 'subgraph-type', node: nodeName(node), tensor, wanted, found, message });
      },
    });
  }

  private callTypes(node: Node, called: LocalFunction, inputs: Types, scope: Scope): Types {
    const mayCall = scope.depth < DEEPEST_CALL && this.calls++ < MOST_CALLS;
    const nodes = mayCall ? functionBody(called, node) : undefined;
    if (nodes === undefined) return [];
    const body: Scope = {
      types: new Map(),
      defined: new Set(called.inputs),
      written: new Set(nodes.flatMap((inner) => inner.outputs)),
      declaredOutputs: new Map(),
      valueInfo: new Map(),
      outer: undefined,
      opsets: called.opsets,
      path: joinPath(scope.path, `${nodeName(node)} > ${called.name}`),
      depth: scope.depth + 1,
    };
    called.inputs.forEach((name, index) => {
      const type = inputs[index];
      if (type !== undefined) body.types.set(name, type);
    });
    finish(this.orderSteps(nodes, body));
    for (const inner of nodes) this.defineNode(inner, body);
    for (const name of called.outputs) if (!body.defined.has(name)) this.reportUndefinedOutput(body, name);
    return called.outputs.map((name) => body.types.get(name));
  }

  private checkKnown(node: Node, opset: number, scope: Scope): void {
    if (node.domain !== '' || opset > NEWEST_KNOWN_OPSET) return;
    const message = `the ONNX standard has no operator ${node.opType} at opset ${String(opset)}`;
    const [wanted, found] = ['an operator of the standard', `${node.opType} at opset ${String(opset)}`];
    const tensor = node.outputs[0] ?? '';
    this.report(scope, { code: 'unknown-operator', node: nodeName(node), tensor, wanted, found, message });
  }

  private checkOutputs(graph: Graph, scope: Scope): void {
    for (const { name } of graph.outputs) {
      if (!scope.defined.has(name)) this.reportUndefinedOutput(scope, name);
      const type = scope.types.get(name);
      // What nodes write has been compared there: left are inputs and initializers that are outputs as well.
      if (type !== undefined && !scope.written.has(name)) this.checkDeclared('', name, type, scope);
    }
  }

  private checkDeclared(node: string, name: string, type: ValueType, scope: Scope): void {
    const output = scope.declaredOutputs.get(name);
    if (output !== undefined && !sameType(output, type)) {
      const [wanted, found] = [typeName(output), typeName(type)];
      const message = `output "${name}" is declared ${wanted} and is ${found}`;
      this.report(scope, { code: 'output-type', node, tensor: name, wanted, found, message });
    }
    const info = scope.valueInfo.get(name);
    if (info !== undefined && !sameType(info, type)) {
      const [wanted, found] = [typeName(type), typeName(info)];
      const message = `"${name}" is ${wanted}, but value_info declares ${found}`;
      this.report(scope, { code: 'stale-value-info', node, tensor: name, wanted, found, message });
    }
  }

  private reportUndefinedOutput(scope: Scope, name: string): void {
    const place = scope.path === '' ? 'the graph' : scope.path;
    const message = `output "${name}" of ${place} is defined by nothing in it`;
    const [wanted, found] = ['a value of this graph', 'nothing of that name'];
    this.report(scope, { code: 'undefined-output', node: '', tensor: name, wanted, found, message });
  }

  private reportDuplicate(scope: Scope, node: string, name: string): void {
    const message = `"${name}" is defined twice`;
    this.report(scope, { code: 'duplicate-name', node, tensor: name, wanted: 'one', found: 'two', message });
  }

  private report(scope: Scope, problem: TypeProblem): void {
    this.problems.push({ ...problem, node: joinPath(scope.path, problem.node) });
  }
}

function typesByName(infos: readonly ValueInfo[]): ReadonlyMap<string, ValueType> {
  const types = new Map<string, ValueType>();
  for (const { name, type } of infos) if (type !== undefined) types.set(name, type);
  return types;
}

function joinPath(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return `${outer} > ${inner}`;
}
