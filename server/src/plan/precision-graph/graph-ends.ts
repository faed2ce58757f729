/**
 * What stands at either end of each tensor: a type that is given, or a movement or tie whose type is free. Knows roles,
 * operators and the types that decisions give; which type is chosen where one is free is said in movement-types.ts.
 */
import { DataType, inputFollowsMainType, outputFollowsMainType, type Tensor } from '../../onnx/index.js';
import { constantTypes, isConvertible } from '../model/constant-types.js';
import { holdsAllOf } from '../model/format-types.js';
import { elementTypeOf, isFloating } from '../model/model-facts.js';
import { isFreeMovement, tellsShape } from '../model/movement.js';
import type { FreeMovement, TypedEnd, TypedTensor } from './movement-types.js';
import {
  constantOf,
  holdsOthers,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
} from '../model/scopes.js';
import type { NodeInput, NodeRole } from '../types.js';

/** A tensor of known element type. */
export interface TypedScopedTensor {
  readonly tensor: ScopedTensor;
  readonly original: DataType;
  /** Its values, where it is an initializer or Constant node that we can store in another type. */
  readonly constant: Tensor | undefined;
}

/** Undefined for what is no tensor of a known type. */
export function typedTensor(tensor: ScopedTensor): TypedScopedTensor | undefined {
  const original = elementTypeOf(tensor.type);
  return original === undefined ? undefined : { tensor, original, constant: storedConstant(tensor) };
}

/** What a caller may feed is no constant. */
function storedConstant(tensor: ScopedTensor): Tensor | undefined {
  if (tensor.scope.index.isGraphInput(tensor.name)) return undefined;
  const value = constantOf(tensor);
  return value !== undefined && isConvertible(value.dataType) ? value : undefined;
}

export class GraphEnds {
  /** Those of nodes stand before ties. */
  readonly movements: FreeMovement[] = [];
  /** The node of each movement; ties, which have none, stand behind. */
  readonly movementNodes: number[] = [];
  private readonly nodes: readonly ScopedNode[];
  /** By node: the place among the movements whose type is free, or -1. */
  private readonly freePlace: readonly number[];
  /** By tensor: the place of the tie that gives it its type. */
  private readonly writingTies = new Map<string, number>();
  private readonly writtenByTie = new Map<number, readonly string[]>();
  /** By node, and by input of it: the place of the tie that reads. */
  private readonly readingTies = new Map<number, Map<number, number>>();

  /** @param given by node: the type that a decision gives. */
  constructor(
    private readonly scopes: ModelScopes,
    private readonly roles: readonly NodeRole[],
    private readonly given: readonly (DataType | undefined)[],
  ) {
    this.nodes = scopes.nodes;
    this.freePlace = this.nodes.map((node, at) => this.findMovement(node, at));
    this.findTies();
  }

  /** The tensor as movements see it; undefined where nothing about it is free. */
  problemOf({ tensor, original: originalType, constant }: TypedScopedTensor): TypedTensor | undefined {
    if (!isFloating(originalType)) return undefined;
    const readers: TypedEnd[] = [];
    const castingReaders: TypedEnd[] = [];
    for (const reader of tensor.readers) {
      const by = this.nodes[reader.node];
      if (by !== undefined && tellsShape(by.node)) continue;
      if (by !== undefined && isCast(by)) castingReaders.push(this.castEnd(reader.node, originalType));
      else readers.push(this.readerEnd(reader, originalType));
    }
    if (tensor.isFixed) readers.push({ label: originalType });
    return {
      originalType,
      depth: depthOf(tensor.scope),
      writer: constant === undefined ? this.writerEnd(tensor, originalType) : undefined,
      constantTypes: constant === undefined ? [] : constantTypes(constant, this.scopes.model),
      readers,
      castingReaders,
    };
  }

  writerEnd({ id, producer }: ScopedTensor, original: DataType): TypedEnd {
    const tie = this.writingTies.get(id);
    if (tie !== undefined) return { variable: tie };
    const by = this.nodes[producer ?? -1];
    if (producer === undefined || by === undefined) return { label: original };
    const schema = by.scope.operators.schema(by.node);
    const output = by.outputs.indexOf(id);
    if (schema === undefined || !outputFollowsMainType(schema, output)) return { label: original };
    return this.mainEnd(producer, original);
  }

  readerEnd({ node, input }: NodeInput, original: DataType): TypedEnd {
    const tie = this.readingTies.get(node)?.get(input);
    if (tie !== undefined) return { variable: tie };
    const by = this.nodes[node];
    const schema = by?.scope.operators.schema(by.node);
    if (schema === undefined || !inputFollowsMainType(schema, input)) return { label: original };
    return this.mainEnd(node, original);
  }

  /** What reads a tensor hands on: the outputs of the node, or what the tie writes. */
  behind({ node, input }: NodeInput): { readonly key: string; readonly outputs: readonly string[] } {
    const tie = this.readingTies.get(node)?.get(input);
    return tie === undefined
      ? { key: `node ${node}`, outputs: this.nodes[node]?.outputs ?? [] }
      : { key: `tie ${tie}`, outputs: this.writtenByTie.get(tie) ?? [] };
  }

  /** Whether the reader takes whatever type there is: it casts by itself, or looks at the shape alone. */
  takesAnyType({ node }: NodeInput): boolean {
    const by = this.nodes[node];
    return by !== undefined && (tellsShape(by.node) || isCast(by));
  }

  /** Takes up the node among the movements if its type is free; its place there, or -1. */
  private findMovement(scoped: ScopedNode, at: number): number {
    const { node, scope, outputs } = scoped;
    const role = this.roles[at];
    const moves = role === 'movement' || role === 'constant' || role === 'shape';
    if (!moves || !isFreeMovement(node)) return -1;
    const schema = scope.operators.schema(node);
    if (schema === undefined || holdsOthers(this.scopes, scoped)) return -1;
    const output = outputs.findIndex(
      (id, index) => outputFollowsMainType(schema, index) && isFloating(this.elementType(id)),
    );
    const originalType = this.elementType(outputs[output]);
    if (originalType === undefined) return -1;
    if (isCast(scoped) && !this.castKeepsValues(scoped, originalType)) return -1;
    const isAllowed = (type: DataType): boolean => scope.operators.allows(node, type);
    this.movements.push({ originalType, ownTypes: this.ownTypes(scoped, originalType), isAllowed });
    this.movementNodes.push(at);
    return this.movements.length - 1;
  }

  /** A cast to a narrower type is a rounding that the model asks for. */
  private castKeepsValues({ inputs }: ScopedNode, to: DataType): boolean {
    const from = this.elementType(inputs[0]);
    return from !== undefined && (!isFloating(from) || holdsAllOf(to, from));
  }

  /** Types that values need which the node makes by itself: numbers cast from integers, the value of ConstantOfShape. */
  private ownTypes(scoped: ScopedNode, originalType: DataType): readonly DataType[] {
    if (isCast(scoped)) {
      const from = this.elementType(scoped.inputs[0]);
      return from === DataType.BOOL || isFloating(from) ? [] : [originalType];
    }
    const value = scoped.node.attributes.find((attribute) => attribute.name === 'value');
    return value?.kind === 'tensor' ? constantTypes(value.value, this.scopes.model) : [];
  }

  private findTies(): void {
    for (const { type, written, read, isAllowed } of this.scopes.ties) {
      if (type === undefined) continue;
      const place = this.movements.length;
      this.movements.push({ originalType: type, ownTypes: [], isAllowed });
      this.writtenByTie.set(place, written);
      for (const id of written) this.writingTies.set(id, place);
      for (const { node, input } of read) {
        const inputs = this.readingTies.get(node) ?? new Map<number, number>();
        this.readingTies.set(node, inputs.set(input, place));
      }
    }
  }

  /** The type of a node's main tensors, which are floating-point. */
  private mainEnd(node: number, original: DataType): TypedEnd {
    const place = this.freePlace[node] ?? -1;
    return place >= 0 ? { variable: place } : { label: this.given[node] ?? original };
  }

  /** What a Cast makes of what it reads: a type of its own, or integers, for which no digit may be lost. */
  private castEnd(node: number, original: DataType): TypedEnd {
    const place = this.freePlace[node] ?? -1;
    if (place >= 0) return { variable: place };
    const to = this.elementType(this.nodes[node]?.outputs[0]);
    return { label: isFloating(to) ? to : original };
  }

  private elementType(id: string | undefined): DataType | undefined {
    return elementTypeOf(this.scopes.tensors.get(id ?? '')?.type);
  }
}

function depthOf(scope: Scope): number {
  return scope.outer === undefined ? 0 : 1 + depthOf(scope.outer);
}

function isCast({ node }: ScopedNode): boolean {
  return node.domain === '' && node.opType === 'Cast';
}
