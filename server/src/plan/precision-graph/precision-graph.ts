/**
 * From decisions to types: which type every tensor of a model is written and read in, what has to be cast, and which
 * constants are stored in another type. The one source of both the converted and the emulated model; knows nothing of
 * how either is written.
 *
 * What goes through the border of a sub-graph or function is a movement: one type for what both branches of an If give, for
 * what a Loop or Scan carries, for what a call is given, chosen with all the others so that fewest casts are needed. A
 * tensor that a scope inside reads is cast in its own scope, the outermost in which it does not change.
 */
import { finish, isStep, type DataType, type Model, type Steps, type Tensor } from '../../onnx/index.js';
import { withoutHeld } from './already-rounded.js';
import { typeOfFormat } from '../model/format-types.js';
import { GraphEnds, typedTensor, type TypedScopedTensor } from './graph-ends.js';
import { isFloating } from '../model/model-facts.js';
import { movementTypes, type TypedEnd, type TypedTensor } from './movement-types.js';
import { endOf, modelScopes, type ModelScopes, type ScopedNode } from '../model/scopes.js';
import {
  elementFormat,
  nodeRounding,
  readsCodes,
  roundedEnd,
  type RoundedEnd,
} from '../roundings/roundings.js';
import type {
  ConstantCopy,
  Layer,
  LayerDecision,
  NodeInput,
  NodeRole,
  NodeRounding,
  PrecisionGraph,
  TensorCast,
} from '../types.js';

/**
 * The types that a model's tensors take under the decisions. Pure: the same model and decisions give the same
 * graph. Layers without a decision, and everything that no changed type touches, stay as in the model.
 *
 * @param roles of the nodes, by number.
 * @param layers of the model; a decision on anything else is ignored.
 */
export function precisionGraph(
  model: Model,
  roles: readonly NodeRole[],
  layers: readonly Layer[],
  decisions: readonly LayerDecision[],
): PrecisionGraph {
  return finish(precisionGraphSteps(model, roles, layers, decisions));
}

/** The same, a few tensors at a time. */
export function* precisionGraphSteps(
  model: Model,
  roles: readonly NodeRole[],
  layers: readonly Layer[],
  decisions: readonly LayerDecision[],
): Steps<PrecisionGraph> {
  const typing = new GraphTyping(model, roles, layers, decisions);
  yield;
  return yield* typing.result();
}

class GraphTyping {
  private readonly scopes: ModelScopes;
  private readonly nodes: readonly ScopedNode[];
  private readonly ends: GraphEnds;
  /** By node: the type that a decision gives, or that movement was found to take. */
  private readonly given: (DataType | undefined)[];
  private readonly decisionOfNode = new Map<number, LayerDecision>();
  private roundings: ReadonlyMap<number, NodeRounding> = new Map();
  private chosen: readonly DataType[] = [];
  /** Tensors of a known element type, by id. */
  private readonly typed = new Map<string, TypedScopedTensor>();

  constructor(
    private readonly model: Model,
    private readonly roles: readonly NodeRole[],
    layers: readonly Layer[],
    private readonly decisions: readonly LayerDecision[],
  ) {
    this.scopes = modelScopes(model);
    this.nodes = this.scopes.nodes;
    this.given = this.nodes.map(() => undefined);
    const layerNodes = new Set(layers.map((layer) => layer.nodeIndex));
    for (const decision of decisions) {
      const { nodeIndex } = decision.layer;
      if (!layerNodes.has(nodeIndex)) continue;
      this.decisionOfNode.set(nodeIndex, decision);
      this.given[nodeIndex] = this.decidedType(decision);
    }
    this.ends = new GraphEnds(this.scopes, roles, this.given);
  }

  *result(): Steps<PrecisionGraph> {
    const { ends } = this;
    yield;
    this.roundings = yield* this.roundingSteps();
    yield;
    const problems: TypedTensor[] = [];
    let count = 0;
    // In no order that types would depend on.
    for (const tensor of this.scopes.tensors.values()) {
      if (isStep(count++)) yield;
      const typed = typedTensor(tensor);
      if (typed === undefined) continue;
      this.typed.set(tensor.id, typed);
      const problem = ends.problemOf(typed);
      if (problem !== undefined) problems.push(problem);
    }
    yield;
    this.chosen = movementTypes(ends.movements, problems);
    yield;
    ends.movementNodes.forEach((node, place) => {
      const type = this.chosen[place];
      if (type !== ends.movements[place]?.originalType) this.given[node] = type;
    });
    const writtenTypes = new Map<string, DataType>();
    const casts: TensorCast[] = [];
    const constants: ConstantCopy[] = [];
    for (const tensor of this.typed.values()) {
      if (isStep(count++)) yield;
      if (!isFloating(tensor.original)) continue;
      if (tensor.constant !== undefined) {
        constants.push(...this.copiesOf(tensor, tensor.constant));
        continue;
      }
      const written = this.writtenType(tensor);
      if (written !== tensor.original) writtenTypes.set(tensor.tensor.id, written);
      casts.push(...this.castsOf(tensor, written));
    }
    const readTypes: (readonly (DataType | undefined)[])[] = [];
    for (const [node, { inputs }] of this.nodes.entries()) {
      if (isStep(node)) yield;
      readTypes.push(this.changedReadTypes(inputs, node));
    }
    return {
      model: this.model,
      decisions: this.decisions,
      nodeTypes: this.given,
      writtenTypes,
      readTypes,
      outputTypes: this.scopes.scopes.map((scope) =>
        scope.kind === 'main' ? [] : this.changedReadTypes(scope.outputs, endOf(scope)),
      ),
      casts,
      constants,
      roundings: this.roundings,
      quantizations: new Map(),
    };
  }

  private decidedType(decision: LayerDecision): DataType | undefined {
    const { layer } = decision;
    const format = elementFormat(decision);
    if (format === 'original') return undefined;
    const type = typeOfFormat(format);
    const operators = this.nodes[layer.nodeIndex]?.scope.operators;
    return operators?.allows(layer.node, type) === true ? type : undefined;
  }

  /** What decided layers round beside the types that they have. */
  private *roundingSteps(): Steps<ReadonlyMap<number, NodeRounding>> {
    const roundings = new Map<number, NodeRounding>();
    const endOfId = (id: string): RoundedEnd => {
      const tensor = this.scopes.tensors.get(id);
      return roundedEnd(tensor, this.roles[tensor?.producer ?? -1] === 'constant');
    };
    for (const [at, decision] of this.decisionOfNode) {
      if (isStep(at)) yield;
      const by = this.nodes[at];
      const schema = by?.scope.operators.schema(by.node);
      if (by === undefined || schema === undefined || this.given[at] === undefined) continue;
      const rounding = nodeRounding(decision, schema, by.inputs.map(endOfId), by.outputs.map(endOfId));
      if (rounding !== undefined) roundings.set(at, rounding);
    }
    const needed = new Map<number, NodeRounding>();
    for (const at of roundings.keys()) {
      const left = withoutHeld(this.scopes, roundings, at);
      if (left !== undefined) needed.set(at, left);
    }
    return needed;
  }

  private typeAt(end: TypedEnd): DataType {
    if ('label' in end) return end.label;
    const type = this.chosen[end.variable];
    if (type === undefined) throw new RangeError(`no movement ${end.variable}`);
    return type;
  }

  private writtenType({ tensor, original, constant }: TypedScopedTensor): DataType {
    if (!isFloating(original) || constant !== undefined) return original;
    return this.typeAt(this.ends.writerEnd(tensor, original));
  }

  private readType(tensor: TypedScopedTensor, reader: NodeInput): DataType {
    if (!isFloating(tensor.original)) return tensor.original;
    if (this.ends.takesAnyType(reader)) return this.writtenType(tensor);
    return this.typeAt(this.ends.readerEnd(reader, tensor.original));
  }

  private changedReadTypes(ids: readonly string[], node: number): readonly (DataType | undefined)[] {
    return ids.map((id, input) => {
      const tensor = this.typed.get(id);
      if (tensor === undefined) return undefined;
      const type = this.readType(tensor, { node, input });
      return type === tensor.original ? undefined : type;
    });
  }

  private castsOf(typed: TypedScopedTensor, written: DataType): readonly TensorCast[] {
    const { tensor, original } = typed;
    const { id, isFixed } = tensor;
    const byType = this.readersByType(typed);
    byType.delete(written);
    const mustKeep = written !== original && isFixed;
    if (mustKeep && !byType.has(original)) byType.set(original, []);
    return [...byType]
      .sort(([a], [b]) => a - b)
      .map(([to, readers]) => ({
        tensor: id,
        from: written,
        to,
        readers,
        keepsName: mustKeep && to === original,
      }));
  }

  private copiesOf(typed: TypedScopedTensor, value: Tensor): readonly ConstantCopy[] {
    const { tensor, original } = typed;
    const byType = this.readersByType(typed, (reader) => !this.readsCodes(reader));
    const originalIsRead = byType.delete(original) || tensor.isFixed;
    return [...byType]
      .sort(([a], [b]) => a - b)
      .map(([to, readers], place) => ({
        tensor: tensor.id,
        name: tensor.name,
        value,
        to,
        readers,
        replacesOriginal: place === 0 && !originalIsRead,
        overflow: this.overflowOf(readers),
      }));
  }

  /** Whether a constant is read in a format of its own, whatever type it is in then. */
  private readsCodes({ node, input }: NodeInput): boolean {
    const own = this.roundings.get(node);
    const by = this.nodes[node]?.node;
    return own !== undefined && by !== undefined && readsCodes(by, own, input);
  }

  private readersByType(
    typed: TypedScopedTensor,
    counts: (reader: NodeInput) => boolean = () => true,
  ): Map<DataType, NodeInput[]> {
    const byType = new Map<DataType, NodeInput[]>();
    for (const reader of typed.tensor.readers) {
      if (!counts(reader)) continue;
      const type = this.readType(typed, reader);
      const others = byType.get(type);
      if (others === undefined) byType.set(type, [reader]);
      else others.push(reader);
    }
    return byType;
  }

  /** What the layers that read the constant, also over movement, want of values beyond the range: the strictest. */
  private overflowOf(readers: readonly NodeInput[]): 'error' | 'saturate' | 'inf' {
    const wanted = new Set<string>();
    const seen = new Set<string>();
    const visit = (reader: NodeInput): void => {
      const { key, outputs } = this.ends.behind(reader);
      if (seen.has(key)) return;
      seen.add(key);
      const decision = this.decisionOfNode.get(reader.node);
      if (decision !== undefined) {
        wanted.add(decision.overflow);
        return;
      }
      for (const id of outputs) this.scopes.tensors.get(id)?.readers.forEach(visit);
    };
    readers.forEach(visit);
    if (wanted.has('error') || wanted.size === 0) return 'error';
    return wanted.has('saturate') ? 'saturate' : 'inf';
  }
}
