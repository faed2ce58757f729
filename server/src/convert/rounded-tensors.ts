/**
 * The roundings of a precision graph that no element type stands for, as an edit of the model's graph: which tensor is rounded
 * where, under which names, and which constants only their codes remain of. Knows places and names; how a rounding is
 * written is in rounding-nodes.ts.
 */
import {
  DataType,
  makeAttribute,
  makeNode,
  makeTensor,
  type Model,
  type Node,
  type Tensor,
} from '../onnx/index.js';
import {
  constantOf,
  elementTypeOf,
  indexInScope,
  isQuantizing,
  makeCast,
  modelScopes,
  quantizationKey,
  readsCodes,
  roundingKey,
  scaledInputs,
  type HeldPlaces,
  type ModelScopes,
  type PrecisionGraph,
  type Scope,
  type TakeName,
  type TensorRounding,
} from '../plan/index.js';
import type { MixedNames } from './mixed-names.js';
import { holdingNode, roundingNodes, storedWeightNodes, type RoundingPlace } from './rounding-nodes.js';

/** Initializers may stand outside the inputs of a graph from here on. */
const FIRST_IR_WITH_CONSTANTS = 4;

interface RoundedTensor {
  readonly id: string;
  readonly scope: Scope;
  readonly rounding: TensorRounding | undefined;
  readonly factor: number;
  /** The format in whose range it is held, and which it has; nothing else is done to it then. */
  readonly held: HeldPlaces['format'] | undefined;
  /** The type in which it is read. */
  readonly type: DataType;
  readonly name: string;
  /** The first of its readers, by its index in the scope. */
  readonly first: number;
}

export class RoundedTensors {
  private readonly scopes: ModelScopes;
  /** By node and input. */
  private readonly given = new Map<string, RoundedTensor>();
  private readonly tensors = new Map<string, RoundedTensor>();
  /** By node and output: the name of what is not rounded yet. */
  private readonly raw = new Map<string, string>();
  private readonly stored = new Map<Scope, Tensor[]>();
  private readonly isCodesOnly = new Set<string>();

  constructor(
    private readonly graph: PrecisionGraph,
    private readonly names: MixedNames,
    private readonly takeName: TakeName,
  ) {
    this.scopes = modelScopes(graph.model);
    for (const at of [...graph.roundings.keys()].sort((a, b) => a - b)) this.plan(at);
    for (const { id } of this.tensors.values()) if (this.isOnlyRounded(id)) this.isCodesOnly.add(id);
  }

  /** What a node reads in place of the tensor; undefined where it is not rounded. */
  givenName(at: number, input: number): string | undefined {
    return this.given.get(placeKey(at, input))?.name;
  }

  /** Under which name a node writes what is rounded after; undefined where it is not. */
  rawName(at: number, output: number): string | undefined {
    return this.raw.get(placeKey(at, output));
  }

  /** Whether only codes are left of a constant. */
  isReplaced(id: string): boolean {
    return this.isCodesOnly.has(id);
  }

  /** The nodes that stand before the node of that index in a scope: roundings of what no node writes. */
  before(scope: Scope, index: number): readonly Node[] {
    return [...this.tensors.values()].flatMap((tensor) =>
      tensor.scope === scope && tensor.first === index && !this.isComputed(tensor.id)
        ? this.nodesOf(tensor)
        : [],
    );
  }

  /** The nodes that stand behind one: the rounding of its output, from the raw tensor to what goes by its name. */
  ofOutput(at: number, output: number): readonly Node[] {
    const raw = this.rawName(at, output);
    const { outputs, scale, held } = this.graph.roundings.get(at) ?? {};
    const rounding = outputs?.[output];
    const scoped = this.scopes.nodes[at];
    const id = scoped?.outputs[output];
    if (raw === undefined || scoped === undefined || id === undefined) return [];
    const place = this.placeIn(scoped.scope);
    const to = this.names.writtenName(id);
    if (rounding === undefined) return held === undefined ? [] : [holdingNode(raw, to, held.format, place)];
    const rounded = scale === undefined ? to : this.takeName(`${to}_scaled`);
    const nodes = roundingNodes(rounding, this.quantizationOf(id, rounding), raw, rounded, place);
    return scale === undefined ? nodes : [...nodes, this.scaleNode(rounded, 1 / scale, to, place)];
  }

  /** The nodes that stand behind the writer of a tensor and its casts. */
  ofTensor(id: string): readonly Node[] {
    return [...this.tensors.values()].flatMap((tensor) => (tensor.id === id ? this.nodesOf(tensor) : []));
  }

  /** Constants that the nodes of a scope read. */
  constantsOf(scope: Scope): readonly Tensor[] {
    return this.stored.get(scope) ?? [];
  }

  private plan(at: number): void {
    const scoped = this.scopes.nodes[at];
    const own = this.graph.roundings.get(at);
    if (scoped === undefined || own === undefined) return;
    const scaled = own.scale === undefined ? [] : (scaledInputs(scoped.node) ?? []);
    scoped.inputs.forEach((id, input) => {
      const rounding = own.inputs[input];
      const factor = scaled.includes(input) ? (own.scale ?? 1) : 1;
      const tensor = this.scopes.tensors.get(id);
      const held = own.held?.inputs.includes(input) === true ? own.held.format : undefined;
      if (tensor === undefined || (rounding === undefined && factor === 1 && held === undefined)) return;
      const type = this.graph.readTypes[at]?.[input] ?? elementTypeOf(tensor.type) ?? DataType.FLOAT;
      const key = [id, type, factor, held ?? '', rounding === undefined ? '' : roundingKey(rounding)].join(
        ' ',
      );
      const { scope } = tensor;
      const index = indexInScope(this.scopes, scope, at);
      const known = this.tensors.get(key);
      const suffix = rounding?.format ?? (held === undefined ? 'scaled' : `${held}_held`);
      const rounded: RoundedTensor = known ?? {
        ...{ id, scope, rounding, factor, held, type, first: index },
        name: this.takeName(`${tensor.name}_as_${suffix}`),
      };
      const earliest = index < rounded.first ? { ...rounded, first: index } : rounded;
      this.tensors.set(key, earliest);
      this.given.set(placeKey(at, input), earliest);
    });
    own.outputs.forEach((rounding, output) => {
      const id = scoped.outputs[output] ?? '';
      if ((rounding === undefined && own.held?.outputs.includes(output) !== true) || id === '') return;
      this.raw.set(placeKey(at, output), this.takeName(`${this.names.writtenName(id)}_unrounded`));
    });
  }

  private nodesOf(tensor: RoundedTensor): readonly Node[] {
    const { id, scope, rounding, factor, held, type, name } = tensor;
    const place = this.placeIn(scope);
    if (held !== undefined) return [holdingNode(this.names.readName(id, type), name, held, place)];
    const isNarrow = type === DataType.FLOAT16 || type === DataType.BFLOAT16;
    const wide = isNarrow ? this.takeName(`${name}_fp32`) : name;
    const nodes: Node[] = [];
    const scaled = (from: string, to: string): void => {
      nodes.push(this.scaleNode(from, factor, to, place));
    };
    const read = this.names.readName(id, isNarrow ? DataType.FLOAT : type);
    if (rounding === undefined) scaled(read, wide);
    else if (factor === 1) nodes.push(...this.roundedNodes(id, rounding, read, wide, place));
    else if (isQuantizing(rounding)) {
      // Its scales are those of what is not multiplied.
      const rounded = this.takeName(`${name}_unscaled`);
      nodes.push(...this.roundedNodes(id, rounding, read, rounded, place));
      scaled(rounded, wide);
    } else {
      const from = this.takeName(`${name}_scaled`);
      scaled(read, from);
      nodes.push(...roundingNodes(rounding, undefined, from, wide, place));
    }
    if (isNarrow) {
      nodes.push(
        makeCast({ name: this.takeName(`Cast_${name}`), from: wide, to: name, type, opset: place.opset }),
      );
    }
    return nodes;
  }

  /** The tensor `from`, which is `id` as it is read, rounded to `to`; a constant is stored as codes. */
  private roundedNodes(
    id: string,
    rounding: TensorRounding,
    from: string,
    to: string,
    place: RoundingPlace,
  ): readonly Node[] {
    const quantization = this.quantizationOf(id, rounding);
    const value = rounding.isWeight ? this.constantValue(id) : undefined;
    return value === undefined
      ? roundingNodes(rounding, quantization, from, to, place)
      : storedWeightNodes(rounding, quantization, value, to, place, this.graph.model);
  }

  private scaleNode(from: string, factor: number, to: string, { store, takeName }: RoundingPlace): Node {
    const bytes = new Uint8Array(Float32Array.of(factor).buffer);
    const stored = store(makeTensor(`${to}_factor`, DataType.FLOAT, [], bytes));
    return makeNode({ opType: 'Mul', name: takeName(`Scale_${to}`), inputs: [from, stored], outputs: [to] });
  }

  private placeIn(scope: Scope): RoundingPlace {
    return {
      opset: scope.opsets.get('') ?? 1,
      takeName: this.takeName,
      store: (tensor) => {
        const named = { ...tensor, name: this.takeName(tensor.name) };
        this.stored.set(scope, [...(this.stored.get(scope) ?? []), named]);
        return named.name;
      },
    };
  }

  private quantizationOf(id: string, rounding: TensorRounding) {
    return this.graph.quantizations.get(quantizationKey(id, rounding));
  }

  private constantValue(id: string): Tensor | undefined {
    const tensor = this.scopes.tensors.get(id);
    return tensor === undefined ? undefined : constantOf(tensor);
  }

  private isComputed(id: string): boolean {
    return this.scopes.tensors.get(id)?.producer !== undefined && this.constantValue(id) === undefined;
  }

  /** A constant that nobody reads but in a rounded form of its own. */
  private isOnlyRounded(id: string): boolean {
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined || tensor.isFixed || this.constantValue(id) === undefined) return false;
    if (tensor.scope.index.isGraphInput(tensor.name)) return false;
    return tensor.readers.every(({ node, input }) => {
      const [by, own] = [this.scopes.nodes[node]?.node, this.graph.roundings.get(node)];
      return by !== undefined && own !== undefined && readsCodes(by, own, input);
    });
  }
}

/** Constants as nodes, where a graph has no initializers of its own. */
export function storesAsNodes({ irVersion }: Model, scope: Scope): boolean {
  return scope.kind === 'function' || irVersion < FIRST_IR_WITH_CONSTANTS;
}

/** A tensor as a node that gives it. */
export function constantNode(tensor: Tensor): Node {
  const attributes = [makeAttribute('value', { kind: 'tensor', value: tensor })];
  return makeNode({ opType: 'Constant', inputs: [], outputs: [tensor.name], attributes });
}

function placeKey(at: number, place: number): string {
  return `${at} ${place}`;
}
