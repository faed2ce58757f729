/**
 * What a layer is besides its name: its operator, its weights and its place among the other layers. By it a layer is known
 * again when the model was exported anew and its names have shifted. Knows no plan and compares nothing.
 */
import { createHash } from 'node:crypto';
import {
  elementBits,
  isStep,
  sampleBytes,
  type Attribute,
  type Model,
  type Steps,
  type Tensor,
} from '../../onnx/index.js';
import type { ModelKnowledge } from '../knowledge.js';
import { writeOperatorType } from '../model/operators.js';
import {
  constantOf,
  modelScopes,
  type ModelScopes,
  type Scope,
  type ScopedNode,
  type ScopedTensor,
} from '../model/scopes.js';

/** A weight without its name, which shifts as well. */
export interface WeightRecord {
  /** `64x3x3x3`. */
  readonly shape: string;
  /** A digest of samples of its bytes; undefined where they cannot be read. */
  readonly content: string | undefined;
  /** All samples are alike: such a weight tells no layer from another. */
  readonly isUniform: boolean;
}

/** Where something that a layer reads comes from. */
export interface SourceRecord {
  /** The index of a layer; undefined for an input of the model or of a sub-graph. */
  readonly layer: number | undefined;
  /** Which input, and what lies between: nodes that move values, compute shapes, work on integers. */
  readonly path: string;
}

export interface LayerRecord {
  /** As plans write it. */
  readonly name: string;
  /** The operator as plans write it, behind the operators and attributes that hold it. */
  readonly operator: string;
  readonly weights: readonly WeightRecord[];
  /** A digest of attributes and of constants that are no weights; empty where there are none. */
  readonly parameters: string;
  /** In the order of the inputs. */
  readonly from: readonly SourceRecord[];
  /** Indexes of the model's outputs that it leads to without another layer in between. */
  readonly to: readonly number[];
}

/** Concatenations of concatenations lead to ever more layers; the first ones tell a place. */
const MOST_SOURCES = 24;
/** 72 bits, in characters of base64: no two of a model's weights have the same by chance. */
const DIGEST_LENGTH = 12;

/**
 * The records of all layers, in the order of `knowledge.layers`.
 *
 * @param weights whether a few kilobytes of each weight are read; otherwise only the shapes are known.
 */
export function* layerRecordSteps(
  knowledge: ModelKnowledge,
  weights: 'contents' | 'shapes',
): Steps<readonly LayerRecord[]> {
  const { model, layers } = knowledge;
  const scopes = modelScopes(model);
  const places = new Places(knowledge, scopes);
  const records: LayerRecord[] = [];
  for (const [index, at] of scopes.readingOrder.entries()) {
    if (isStep(index)) yield;
    places.enter(at);
  }
  for (const [index, at] of [...scopes.readingOrder].reverse().entries()) {
    if (isStep(index)) yield;
    places.leave(at);
  }
  for (const layer of layers) {
    if (isStep(records.length)) yield;
    const scoped = scopes.nodes[layer.nodeIndex];
    if (scoped === undefined) continue;
    const held = new Set(layer.weights.map((weight) => weight.name));
    records.push({
      name: layer.name,
      operator: [...containersOf(scoped.scope, scopes), writeOperatorType(scoped.node)].join(' > '),
      weights: layer.weights.map((weight) =>
        weightRecord(weight, weights === 'contents' ? sampleBytes(weight, model) : undefined),
      ),
      parameters: parametersOf(scoped, scopes, model, held),
      from: places.sourcesOf(scoped),
      to: places.outputsOf(scoped),
    });
  }
  return records;
}

/** The operator and attribute of everything around a scope, from the outermost inwards. */
function containersOf(scope: Scope, scopes: ModelScopes): readonly string[] {
  const holder = scopes.nodes[scope.container];
  if (holder === undefined) return [];
  return [...containersOf(holder.scope, scopes), writeOperatorType(holder.node), scope.attribute];
}

/** Follows tensors back to the layers that they come from, through whatever is no layer. */
class Places {
  /** By tensor. */
  private readonly sources = new Map<string, readonly SourceRecord[]>();
  /** By tensor: which outputs of the model it is. */
  private readonly outputs = new Map<string, number[]>();
  /** By tensor: the outputs of the model that it leads to. */
  private readonly reached = new Map<string, ReadonlySet<number>>();

  constructor(
    private readonly knowledge: ModelKnowledge,
    private readonly scopes: ModelScopes,
  ) {
    (scopes.scopes[0]?.outputs ?? []).forEach((id, index) => {
      this.outputs.set(id, [...(this.outputs.get(id) ?? []), index]);
    });
  }

  /** Notes what the outputs of a node come from. What it reads has been entered. */
  enter(at: number): void {
    const scoped = this.scopes.nodes[at];
    if (scoped === undefined) return;
    const layer = this.knowledge.layerOfNode[at] ?? -1;
    const passed = layer >= 0 || this.knowledge.roles[at] === 'constant' ? [] : this.passed(scoped);
    scoped.outputs.forEach((id, output) => {
      const step = layer >= 0 ? ordinal(output) : `${writeOperatorType(scoped.node)}${ordinal(output)}`;
      if (layer >= 0) this.sources.set(id, [{ layer, path: step }]);
      else
        this.sources.set(
          id,
          passed.map(({ layer: from, path }) => ({ layer: from, path: joined(path, step) })),
        );
    });
  }

  /** What a node that is no layer passes on: everything that it reads. */
  private passed(scoped: ScopedNode): readonly SourceRecord[] {
    const parameters = parametersOf(scoped, this.scopes, this.knowledge.model, new Set());
    return this.sourcesOf(scoped).map(({ layer, path }) => ({ layer, path: joined(path, parameters) }));
  }

  sourcesOf({ inputs }: ScopedNode): readonly SourceRecord[] {
    const found: SourceRecord[] = [];
    inputs.forEach((id, input) => {
      for (const { layer, path } of this.sourcesOfTensor(id)) {
        if (found.length < MOST_SOURCES) found.push({ layer, path: joined(path, `@${input}`) });
      }
    });
    return found;
  }

  private sourcesOfTensor(id: string): readonly SourceRecord[] {
    const known = this.sources.get(id);
    if (known !== undefined) return known;
    const tensor = this.scopes.tensors.get(id);
    if (tensor === undefined || tensor.producer !== undefined || storedOf(tensor) !== undefined) return [];
    const { scope, name } = tensor;
    const input = scope.graph.inputs.findIndex((one) => one.name === name);
    return input < 0 ? [] : [{ layer: undefined, path: `${scope.kind} input ${input}` }];
  }

  outputsOf({ outputs }: ScopedNode): readonly number[] {
    const found = new Set<number>();
    for (const id of outputs) for (const output of this.reached.get(id) ?? []) found.add(output);
    return [...found].sort((a, b) => a - b);
  }

  /** Notes to which outputs of the model a node's own lead through what is no layer. Whatever reads them was noted before. */
  leave(at: number): void {
    for (const id of this.scopes.nodes[at]?.outputs ?? []) {
      const found = new Set(this.outputs.get(id));
      for (const { node } of this.scopes.tensors.get(id)?.readers ?? []) {
        if (node < 0 || (this.knowledge.layerOfNode[node] ?? -1) >= 0) continue;
        for (const next of this.scopes.nodes[node]?.outputs ?? []) {
          for (const output of this.reached.get(next) ?? []) found.add(output);
        }
      }
      if (found.size > 0) this.reached.set(id, found);
    }
  }
}

function ordinal(output: number): string {
  return output === 0 ? '' : `:${output}`;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

function storedOf(tensor: ScopedTensor): Tensor | undefined {
  return constantOf(tensor) ?? tensor.scope.index.initializers.get(tensor.name);
}

function weightRecord(weight: Tensor, samples: Uint8Array | undefined): WeightRecord {
  return {
    shape: weight.dims.join('x'),
    content: samples === undefined ? undefined : digest(`${weight.dataType} `, samples),
    isUniform: samples === undefined || isUniform(samples, (elementBits(weight.dataType) ?? 8) >> 3),
  };
}

/** Whether each element is like the first. */
function isUniform(bytes: Uint8Array, width: number): boolean {
  if (width === 0) return bytes.every((byte) => byte === bytes[0]);
  return bytes.every((byte, index) => byte === bytes[index % width]);
}

/** What a node is told to do, by attributes and by constants that are not among its weights. */
function parametersOf(
  { node, inputs }: ScopedNode,
  { tensors }: ModelScopes,
  model: Model,
  weights: ReadonlySet<string>,
): string {
  const attributes = node.attributes.map(attributeText).sort();
  const constants = inputs.flatMap((id, input) => {
    const tensor = tensors.get(id);
    const stored = tensor === undefined ? undefined : storedOf(tensor);
    if (tensor === undefined || stored === undefined || weights.has(tensor.name)) return [];
    return [`${input} ${tensorText(stored, model)}`];
  });
  return attributes.length + constants.length === 0 ? '' : digest([...attributes, ...constants].join('\n'));
}

function attributeText(attribute: Attribute): string {
  const { name, kind } = attribute;
  switch (attribute.kind) {
    case 'float':
    case 'int':
    case 'string':
    case 'floats':
    case 'ints':
    case 'strings':
      return `${name} ${JSON.stringify(attribute.value)}`;
    case 'tensor':
    case 'graph':
    case 'graphs':
    case 'reference':
    case 'other':
      // Graphs have layers of their own; a tensor as an attribute is the value of a constant.
      return `${name} ${kind}`;
  }
}

function tensorText(tensor: Tensor, model: Model): string {
  const head = `${tensor.dataType} ${tensor.dims.join('x')}`;
  const samples = sampleBytes(tensor, model);
  return samples === undefined ? head : `${head} ${digest('', samples)}`;
}

function digest(text: string, bytes?: Uint8Array): string {
  const hash = createHash('sha256').update(text);
  return (bytes === undefined ? hash : hash.update(bytes)).digest('base64url').slice(0, DIGEST_LENGTH);
}
