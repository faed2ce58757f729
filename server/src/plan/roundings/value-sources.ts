/**
 * Where the values of a tensor come from, seen through movement: layers, constants, and everything else that no
 * decision changes. Main graph only; knows roles and types, no decision.
 */
import { isFloatFormat, roundTo, type LowFormatName } from '../../formats/index.js';
import { DataType, elementCount, inputFollowsMainType, type Tensor } from '../../onnx/index.js';
import { constantTypes } from '../model/constant-types.js';
import { floatsOf } from '../model/float-values.js';
import { typeOfFormat } from '../model/format-types.js';
import { modelFacts, type ModelFacts } from '../model/model-facts.js';
import { isMovement } from '../model/movement.js';
import { isRunFormat } from './roundings.js';
import type { Model } from '../../onnx/index.js';
import type { NodeRole } from '../types.js';

/** A tensor that movement starts from. */
export interface ValueSource {
  /** `constant` where its values can only be those in the file, `layer` for a layer's output. */
  readonly kind: 'layer' | 'constant' | 'other';
  readonly tensor: string;
  /** The node that writes it; -1 for inputs and initializers. */
  readonly node: number;
  /** Constants only: the format holds all of its values. */
  readonly exact: boolean;
}

/** No larger constant is of so few bits by chance. */
const LOOKED_AT = 64;

/** Answers for the tensors of one model, each found once. */
export class ValueSources {
  private readonly facts: ModelFacts;
  private readonly found = new Map<string, readonly ValueSource[]>();

  constructor(
    private readonly model: Model,
    private readonly roles: readonly NodeRole[],
    private readonly format: LowFormatName,
  ) {
    this.facts = modelFacts(model);
  }

  /** All sources of an FP32 tensor, each once. */
  of(tensor: string): readonly ValueSource[] {
    const known = this.found.get(tensor);
    if (known !== undefined) return known;
    // Until it is found: a graph with a cycle has no values to speak of.
    this.found.set(tensor, []);
    const sources = this.find(tensor);
    this.found.set(tensor, sources);
    return sources;
  }

  /** The inputs of a movement that values are taken from; undefined for what is no movement between FP32 tensors. */
  movedInputs(node: number): readonly string[] | undefined {
    const moving = this.model.graph.nodes[node];
    const schema = moving === undefined ? undefined : this.facts.schema(moving);
    if (moving === undefined || schema === undefined || !isMovement(moving)) return undefined;
    if (!moving.outputs.every((name) => name === '' || this.isFloat(name))) return undefined;
    const moved = moving.inputs.filter(
      (name, input) => name !== '' && inputFollowsMainType(schema, input) && this.isFloat(name),
    );
    return moved.length > 0 ? moved : undefined;
  }

  private isFloat(tensor: string): boolean {
    return this.facts.elementType(tensor) === DataType.FLOAT;
  }

  private find(tensor: string): readonly ValueSource[] {
    const constant = this.facts.index.constantOf(tensor);
    const node = this.facts.index.producers.get(tensor) ?? -1;
    if (constant !== undefined) {
      return [{ kind: 'constant', tensor, node, exact: this.isExact(constant) }];
    }
    if (this.roles[node] === 'layer') return [{ kind: 'layer', tensor, node, exact: false }];
    const moved = this.movedInputs(node);
    if (moved === undefined) {
      const kind = this.roles[node] === 'constant' ? 'constant' : 'other';
      return [{ kind, tensor, node, exact: false }];
    }
    const all = new Map(moved.flatMap((name) => this.of(name)).map((source) => [source.tensor, source]));
    return [...all.values()];
  }

  private isExact(constant: Tensor): boolean {
    const { format, model } = this;
    if (isRunFormat(format)) {
      const needed = constantTypes(constant, model);
      return needed.length === 0 || needed.includes(typeOfFormat(format));
    }
    if (!isFloatFormat(format) || elementCount(constant) > LOOKED_AT) return false;
    return floatsOf(constant, model)?.every((value) => roundTo(format, value) === value) === true;
  }
}
