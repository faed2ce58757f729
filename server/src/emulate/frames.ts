/**
 * Where the nodes and constants of each scope go in a variant, and what tensors are called there. A sub-graph stays a graph of
 * its own; a function is written out where it is called, under names that nothing else has. Knows scopes and names;
 * no types.
 */
import {
  makeGraph,
  makeNode,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../onnx/index.js';
import { constantOf, type ModelScopes, type Scope, type TakeName } from '../plan/index.js';

/** A graph that grows. */
export interface Frame {
  readonly nodes: Node[];
  readonly initializers: Tensor[];
}

export class Frames {
  readonly main: Frame = { nodes: [], initializers: [] };
  private readonly frames = new Map<Scope, Frame>();
  private readonly names = new Map<string, string>();
  private readonly writtenOut = new Set<Scope>();

  constructor(
    private readonly scopes: ModelScopes,
    private readonly takeName: TakeName,
  ) {}

  /** A new frame for a sub-graph. */
  open(scope: Scope): Frame {
    const frame: Frame = { nodes: [], initializers: [] };
    this.frames.set(scope, frame);
    if (scope.outer !== undefined && this.isWrittenOut(scope.outer)) this.writtenOut.add(scope);
    return frame;
  }

  /** Puts the nodes of a function where those of its caller go. */
  openInto(body: Scope, caller: Scope): void {
    this.frames.set(body, this.in(caller));
    this.writtenOut.add(body);
  }

  /** Whether the scope is the body of a function, or inside one. */
  isWrittenOut(scope: Scope): boolean {
    return this.writtenOut.has(scope);
  }

  in(scope: Scope): Frame {
    return this.frames.get(scope) ?? this.main;
  }

  /** The frame in which a tensor is made. Constants are all in the main graph, unless something knows them by name. */
  of(id: string): Frame {
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined || this.isMoved(id)) return this.main;
    return this.in(tensor.scope);
  }

  /** What a tensor is called in the variant; what is no tensor is called as in the model. */
  nameOf(id: string): string {
    const known = this.names.get(id);
    if (known !== undefined) return known;
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined) return id;
    const isNew = this.isWrittenOut(tensor.scope) || this.isMoved(id);
    const name = isNew ? this.takeName(tensor.name) : tensor.name;
    this.names.set(id, name);
    return name;
  }

  rename(id: string, name: string): void {
    this.names.set(id, name);
  }

  /** Whether it is a constant of an inner scope that goes into the main graph. */
  private isMoved(id: string): boolean {
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined || tensor.scope.place === 0 || tensor.isFixed) return false;
    return constantOf(tensor) !== undefined && !tensor.scope.index.isGraphInput(tensor.name);
  }
}

/** An input or output of a sub-graph as it is declared now. */
export interface PassedValue {
  readonly value: ValueInfo;
  readonly name: string;
  /** Undefined: as it was. */
  readonly type: DataType | undefined;
}

/**
 * The graph of a frame. A runtime wants each output to be the output of a node in the graph itself, so that what comes
 * from outside, is constant or given twice passes through an identity.
 */
export function makeSubgraph(
  original: Graph,
  { nodes, initializers }: Frame,
  inputs: readonly PassedValue[],
  outputs: readonly PassedValue[],
  takeName: TakeName,
): Graph {
  const made = new Set([...nodes.flatMap((node) => node.outputs), ...inputs.map(({ name }) => name)]);
  const given = outputs.map((output): PassedValue => {
    if (made.delete(output.name)) return output;
    const name = takeName(`${output.name}_given`);
    nodes.push(makeNode({ opType: 'Identity', inputs: [output.name], outputs: [name] }));
    return { ...output, name };
  });
  const graph = makeGraph({
    name: original.name,
    nodes,
    initializers,
    inputs: inputs.map(declared),
    outputs: given.map(declared),
  });
  // Sparse initializers can only be taken over with the message that holds them.
  return original.sparseInitializers.length === 0
    ? graph
    : { ...graph, sparseInitializers: original.sparseInitializers, message: original.message };
}

function declared({ value, name, type: elementType }: PassedValue): ValueInfo {
  const { type } = value;
  if (elementType === undefined || type?.kind !== 'tensor') return { ...value, name };
  return { ...value, name, type: { ...type, elementType } };
}
