/**
 * Model-local functions under a plan. A function has one body and may be called from many places, in which a plan decides
 * differently: calls of the same types share a body, and each further set of types gets a function of its own. Where all
 * calls agree, the function changes in its place. Knows which call needs which body; not how a body is written.
 */
import {
  calledFunction,
  subgraphsOf,
  type DataType,
  type Graph,
  type LocalFunction,
  type Node,
} from '../onnx/index.js';
import { modelScopes, type ModelScopes, type PrecisionGraph, type Scope } from '../plan/index.js';

/** `FunctionProto.value_info`, which is not read, and would go on to declare the types of before. */
const VALUE_INFO = 12;

export class MixedFunctions {
  private readonly scopes: ModelScopes;
  /** By call: the name of the function that it is to have. */
  private readonly names = new Map<Scope, string>();
  private readonly changes: readonly (readonly unknown[])[];
  /** By name that is to be written: the function as it will be. */
  private readonly written = new Map<LocalFunction, Map<string, LocalFunction>>();

  constructor(private readonly graph: PrecisionGraph) {
    this.scopes = modelScopes(graph.model);
    this.changes = changesByScope(graph, this.scopes);
    const byFunction = new Map<LocalFunction, Scope[]>();
    for (const scope of this.scopes.scopes) {
      if (scope.calls !== undefined)
        byFunction.set(scope.calls, [...(byFunction.get(scope.calls) ?? []), scope]);
    }
    const elsewhere = this.calledElsewhere();
    for (const [called, calls] of byFunction) this.nameCalls(called, calls, elsewhere.has(called));
  }

  /** The name of the function that a call is to have, once the body for it is known. */
  calleeOf(scope: Scope, called: LocalFunction, body: Graph): string {
    // A body in which nothing is cast and nothing stored takes whatever types it is given.
    if (body === scope.graph) return called.name;
    const name = this.names.get(scope) ?? called.name;
    const written = this.written.get(called) ?? new Map<string, LocalFunction>();
    this.written.set(called, written);
    if (!written.has(name)) {
      written.set(name, {
        ...called,
        name,
        nodes: body.nodes,
        inputs: body.inputs.map((input) => input.name),
        outputs: body.outputs.map((output) => output.name),
        message: declaresTypes(called) ? undefined : called.message,
      });
    }
    return name;
  }

  /** The functions of the converted model: new ones behind the one that they come from. */
  result(): readonly LocalFunction[] {
    const { functions } = this.graph.model;
    const after = functions.flatMap((local) => {
      const written = this.written.get(local) ?? new Map<string, LocalFunction>();
      const others = [...written].flatMap(([name, made]) => (name === local.name ? [] : [made]));
      return [written.get(local.name) ?? local, ...others];
    });
    const isSame = after.length === functions.length && after.every((local, at) => local === functions[at]);
    return isSame ? functions : after;
  }

  private nameCalls(called: LocalFunction, calls: readonly Scope[], isCalledElsewhere: boolean): void {
    const types = new Map<Scope, string>(calls.map((scope) => [scope, this.typesOf(scope)]));
    const distinct = new Set(types.values());
    if (distinct.size === 1 && !isCalledElsewhere) return;
    const names = new Map([['', called.name]]);
    for (const [scope, key] of types) {
      const name = names.get(key) ?? this.freeName(called);
      names.set(key, name);
      this.names.set(scope, name);
    }
  }

  private freeName({ name, domain }: LocalFunction): string {
    const isTaken = (wanted: string): boolean =>
      this.graph.model.functions.some((local) => local.domain === domain && local.name === wanted) ||
      [...this.names.values()].includes(wanted);
    let count = 2;
    while (isTaken(`${name}_${count}`)) count++;
    return `${name}_${count}`;
  }

  /** All that the plan changes in a body; empty for nothing. Two calls of the same text may share a body. */
  private typesOf(scope: Scope): string {
    const changes: unknown[] = [];
    // The scopes inside of one stand right behind it.
    for (let { place } = scope; ; place++) {
      const inner = this.scopes.scopes[place];
      if (inner === undefined || !isInside(inner, scope)) break;
      const own = this.changes[place] ?? [];
      if (own.length > 0) changes.push([place - scope.place, own]);
    }
    if (changes.length === 0) return '';
    // What a body refers to may have been written into it.
    const { attributes = [], attributeDefaults = [] } = scope.calls ?? {};
    const isGeneric = attributes.length > 0 || attributeDefaults.length > 0;
    return JSON.stringify([isGeneric ? scope.place : '', changes]);
  }

  /** The functions that calls reach which are not looked into: these must stay as they are. */
  private calledElsewhere(): ReadonlySet<LocalFunction> {
    const { functions } = this.graph.model;
    const found = new Set<LocalFunction>();
    const visit = (node: Node): void => {
      const called = calledFunction(functions, node);
      if (called !== undefined && !found.has(called)) {
        found.add(called);
        called.nodes.forEach(visit);
      }
      for (const { graph } of subgraphsOf(node)) graph.nodes.forEach(visit);
    };
    for (const { node, inner } of this.scopes.nodes) if (inner.length === 0) visit(node);
    return found;
  }
}

function isInside(scope: Scope, outer: Scope): boolean {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    if (level === outer) return true;
  }
  return false;
}

/** By place of a scope: what a plan changes in it, in words that mean the same in every call. */
function changesByScope(
  { nodeTypes, readTypes, outputTypes, writtenTypes, casts, constants }: PrecisionGraph,
  { scopes, tensors }: ModelScopes,
): readonly (readonly unknown[])[] {
  const changes = scopes.map(({ firstNode, graph, place }): unknown[] =>
    [
      ...graph.nodes.map((_, index) => {
        const at = firstNode + index;
        return ['node', index, nodeTypes[at], ...(readTypes[at] ?? [])];
      }),
      ['outputs', 0, ...(outputTypes[place] ?? [])],
    ].filter(([, , ...types]) => types.some((type) => type !== undefined)),
  );
  const add = (id: string, what: string, type: DataType): void => {
    const tensor = tensors.get(id);
    if (tensor !== undefined) changes[tensor.scope.place]?.push([what, tensor.name, type]);
  };
  for (const [id, type] of writtenTypes) add(id, 'written', type);
  for (const { tensor, to } of [...casts, ...constants]) add(tensor, 'read', to);
  return changes;
}

function declaresTypes({ message }: LocalFunction): boolean {
  return message?.fields.some((field) => field.number === VALUE_INFO) === true;
}
