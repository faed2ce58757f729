/**
 * Whether two FP32 graphs with explicit roundings compute the same: the same nodes in the same order on the same values,
 * with constants compared by what they hold after rounding, and without regard to names, to how often and where a value is
 * rounded to the same type or held in its range, or to where a constant is stored. The check that conversion did what emulation promised.
 * Knows graphs only: no plan, no precision decision.
 */
import { createHash } from 'node:crypto';
import { formatInformation, roundArray, roundTo } from '../formats/index.js';
import {
  capturedNames,
  DataType,
  dataTypeName,
  floatAttribute,
  inputFollowsMainType,
  modelFolder,
  subgraphsOf,
  tensorBytes,
  typeAttributeName,
  type Attribute,
  type Graph,
  type Model,
  type Tensor,
} from '../onnx/index.js';
import {
  constantOf,
  elementTypeOf,
  floatsOf,
  formatOfType,
  idIn,
  isFloating,
  isMovement,
  modelScopes,
  tensorNamed,
  type ModelScopes,
  type Scope,
  type ScopedNode,
} from '../plan/index.js';

/** The first difference in words, or undefined if there is none. */
export function sameGraph(a: Model, b: Model): string | undefined {
  const left = new CanonicalGraph(a);
  const right = new CanonicalGraph(b);
  for (let at = 0; at < Math.max(left.steps.length, right.steps.length); at++) {
    const [one, other] = [left.steps[at], right.steps[at]];
    if (one?.value === other?.value) continue;
    return `node ${at}: ${describe(one)} is not ${describe(other)}`;
  }
  return differentOutputs(left, right, a);
}

function differentOutputs(left: CanonicalGraph, right: CanonicalGraph, a: Model): string | undefined {
  for (const { name } of a.graph.outputs) {
    const [one, other] = [left.valueOf(name), right.valueOf(name)];
    if (one.id !== other.id) return `output "${name}": ${one.words} is not ${other.words}`;
  }
  return undefined;
}

function describe(step: Step | undefined): string {
  return step === undefined ? 'nothing' : `${step.label} (${step.words})`;
}

type Floats = Float32Array | Float64Array;

/** A value by what it is computed from. */
interface Value {
  readonly id: string;
  /** For messages. */
  readonly words: string;
  /** The low types through which rounding it changes nothing. */
  readonly roundedTo: ReadonlySet<DataType>;
  /** A constant that can be rounded here and now. */
  readonly constant: Floats | undefined;
  readonly dims: readonly number[];
}

interface Step {
  readonly label: string;
  readonly value: string;
  readonly words: string;
}

const NOT_ROUNDED: ReadonlySet<DataType> = new Set();

class CanonicalGraph {
  /** Of the main graph and, before the node that holds it, of each sub-graph. */
  readonly steps: Step[] = [];
  /** By id of the tensor. */
  private readonly values = new Map<string, Value>();
  private readonly scopes: ModelScopes;

  constructor(private readonly model: Model) {
    this.scopes = modelScopes(model);
    const [main] = this.scopes.scopes;
    for (const input of model.graph.inputs) this.values.set(input.name, plainValue(`input ${input.name}`));
    if (main !== undefined) this.addNodes(main, 0);
  }

  valueOf(id: string): Value {
    if (id === '') return plainValue('nothing');
    const known = this.values.get(id);
    if (known !== undefined) return known;
    const tensor = this.scopes.tensors.get(id);
    const stored = tensor === undefined ? undefined : constantOf(tensor);
    const value = stored === undefined ? plainValue(`unknown ${id}`) : constantValue(stored, this.model);
    this.values.set(id, value);
    return value;
  }

  private addNodes(scope: Scope, depth: number): void {
    scope.graph.nodes.forEach((_, index) => {
      const scoped = this.scopes.nodes[scope.firstNode + index];
      if (scoped !== undefined) this.addNode(scoped, depth);
    });
  }

  private addNode(scoped: ScopedNode, depth: number): void {
    const { node, scope } = scoped;
    const [output = ''] = scoped.outputs;
    if (node.opType === 'Constant' && scope.index.constantOf(node.outputs[0] ?? '') !== undefined) return;
    if (node.opType === 'Identity' && node.domain === '') {
      this.values.set(output, this.valueOf(scoped.inputs[0] ?? ''));
      return;
    }
    const rounded = this.castOfFloats(scoped);
    if (rounded !== undefined) {
      this.values.set(output, rounded);
      return;
    }
    const inputs = scoped.inputs.map((id) => this.valueOf(id));
    const held = this.heldInRange(scoped, inputs);
    if (held !== undefined) {
      this.values.set(output, held);
      return;
    }
    const id = digest([
      node.domain,
      node.opType,
      node.overload,
      ...this.attributeTexts(scoped),
      ...inputs.map((input) => input.id),
      ...scoped.inner.map((inner) => this.graphText(inner, depth + 1)),
      ...this.capturedTexts(scoped),
    ]);
    const words = `${node.opType} of ${inputs.map((input) => shorten(input.words)).join(', ')}`;
    this.steps.push({ label: node.name === '' ? output : node.name, value: id, words });
    const roundedTo = this.roundedByMovement(scoped, inputs);
    scoped.outputs.forEach((name, index) => {
      this.values.set(name, { ...plainValue(`${id}#${index}`), words, roundedTo });
    });
  }

  /** A sub-graph by what it computes from what: its inputs go by how deep it is, which no other in sight is. */
  private graphText(scope: Scope, depth: number): string {
    const inputs = scope.graph.inputs.map(({ name, type }, index) => {
      this.values.set(idIn(scope, name), plainValue(`input ${index} of depth ${depth}`));
      return dataTypeName(elementTypeOf(type) ?? DataType.UNDEFINED);
    });
    const before = this.steps.length;
    this.addNodes(scope, depth);
    return digest([
      scope.attribute,
      ...inputs,
      ...this.steps.slice(before).map(({ value }) => value),
      ...scope.outputs.map((id) => this.valueOf(id).id),
    ]);
  }

  /** What graphs read by name that are not looked into. */
  private capturedTexts({ node, scope, inner }: ScopedNode): readonly string[] {
    if (inner.length > 0) return [];
    return capturedNames(node)
      .map((name) => this.valueOf(tensorNamed(this.scopes.tensors, scope, name)?.id ?? name).id)
      .sort();
  }

  /** The attribute that sets the output's type says the same as leaving it out where that is its default. */
  private attributeTexts({ node, outputs, inner }: ScopedNode): readonly string[] {
    const typed = typeAttributeName(node);
    const held = new Set(inner.map((scope) => scope.attribute));
    const texts = node.attributes
      .filter((attribute) => !held.has(attribute.name))
      .filter((attribute) => attribute.name !== typed || attribute.kind === 'tensor')
      // Which numbers are drawn is nobody's promise: variants have seeds, by names that conversion may give.
      .filter(({ name }) => name !== 'seed')
      .map((attribute) => attributeText(attribute, this.model));
    if (typed === undefined) return texts.sort();
    const type = this.elementType(outputs[0]) ?? DataType.UNDEFINED;
    texts.push(`type=${dataTypeName(type)}`);
    if (node.opType === 'ConstantOfShape' && texts.length === 1) {
      texts.push(`value=${floatConstant(new Float32Array(1), [1]).id}`);
    }
    return texts.sort();
  }

  private elementType(id: string | undefined): DataType | undefined {
    return elementTypeOf(this.scopes.tensors.get(id ?? '')?.type);
  }

  /** A cast between FP32, FP16 and BF16: a rounding, or only another way to hold the value. Constants are cast here. */
  private castOfFloats({ node, inputs, outputs }: ScopedNode): Value | undefined {
    if (node.opType !== 'Cast' || node.domain !== '') return undefined;
    const from = this.elementType(inputs[0]);
    const to = this.elementType(outputs[0]);
    const value = this.valueOf(inputs[0] ?? '');
    if (!isFloating(from) || !isFloating(to)) return undefined;
    if (from === to) return value;
    if (value.constant !== undefined) return roundedConstant(value.constant, value.dims, to);
    return from === DataType.DOUBLE || to === DataType.DOUBLE ? undefined : roundedValue(value, to);
  }

  /** A Clip to the range of a type of 16 bits is a part of rounding to it. */
  private heldInRange({ node }: ScopedNode, inputs: readonly Value[]): Value | undefined {
    const [value] = inputs;
    if (node.opType !== 'Clip' || node.domain !== '' || value === undefined) return undefined;
    const bound = (place: number, name: string): number | undefined =>
      floatAttribute(node, name) ?? inputs[place]?.constant?.[0];
    const [least, most] = [bound(1, 'min'), bound(2, 'max')];
    const held = (['fp16', 'bf16'] as const).find((format) => formatInformation(format).largest === most);
    if (held === undefined || most === undefined || least !== -most) return undefined;
    const words = `${held} range(${value.words})`;
    const { roundedTo, dims } = value;
    return { id: digest(['held', held, value.id]), words, roundedTo, constant: undefined, dims };
  }

  private roundedByMovement({ node, scope }: ScopedNode, inputs: readonly Value[]): ReadonlySet<DataType> {
    const schema = scope.operators.schema(node);
    if (schema === undefined || !isMovement(node)) return NOT_ROUNDED;
    const moved = inputs.filter(
      (_, input) => node.inputs[input] !== '' && inputFollowsMainType(schema, input),
    );
    if (moved.length === 0) return NOT_ROUNDED;
    return new Set(
      [DataType.FLOAT16, DataType.BFLOAT16].filter((type) =>
        moved.every((input) => input.roundedTo.has(type)),
      ),
    );
  }
}

function plainValue(words: string): Value {
  return { id: words, words, roundedTo: NOT_ROUNDED, constant: undefined, dims: [] };
}

function roundedValue(value: Value, type: DataType): Value {
  const format = formatOfType(type);
  if (format === undefined || format === 'fp32' || value.roundedTo.has(type)) return value;
  const words = `${dataTypeName(type)}(${value.words})`;
  return {
    id: digest(['round', format, value.id]),
    words,
    roundedTo: new Set([type]),
    constant: undefined,
    dims: [],
  };
}

function roundedConstant(values: Floats, dims: readonly number[], type: DataType): Value {
  const format = formatOfType(type);
  if (format === undefined) return floatConstant(Float64Array.from(values), dims);
  return floatConstant(
    Float32Array.from(values, (value) => roundTo(format, value)),
    dims,
  );
}

function constantValue(tensor: Tensor, model: Model): Value {
  const floats = floatsOf(tensor, model);
  if (floats !== undefined) return floatConstant(floats, tensor.dims);
  const read = tensorBytes(tensor, modelFolder(model));
  const content = 'bytes' in read ? read.bytes : read.problem.message;
  return plainValue(digest(['constant', dataTypeName(tensor.dataType), tensor.dims.join(), content]));
}

function floatConstant(values: Floats, dims: readonly number[]): Value {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const first = [...values.subarray(0, 4)].join(', ');
  const words = `constant [${dims.join(', ')}] ${first}${values.length > 4 ? ', ...' : ''}`;
  const id = digest([values instanceof Float64Array ? 'doubles' : 'floats', dims.join(), bytes]);
  const exact = (format: 'fp16' | 'bf16'): boolean =>
    values instanceof Float32Array &&
    roundArray(format, values).every((value, at) => Object.is(value, values[at]));
  const roundedTo = new Set<DataType>();
  if (exact('fp16')) roundedTo.add(DataType.FLOAT16);
  if (exact('bf16')) roundedTo.add(DataType.BFLOAT16);
  return { id, words, roundedTo, constant: values, dims };
}

function attributeText(attribute: Attribute, model: Model): string {
  switch (attribute.kind) {
    case 'tensor':
      return `${attribute.name}=${constantValue(attribute.value, model).id}`;
    case 'graph':
    case 'graphs':
      return `${attribute.name}=${subgraphText(attribute, model)}`;
    case 'other':
      return `${attribute.name}=other`;
    default:
      return `${attribute.name}=${attribute.kind}:${JSON.stringify(attribute.value)}`;
  }
}

/** Graphs that are not looked into are the same text: nothing in them is renamed or retyped. */
function subgraphText(attribute: Attribute & { readonly kind: 'graph' | 'graphs' }, model: Model): string {
  const graphs: readonly Graph[] = attribute.kind === 'graph' ? [attribute.value] : attribute.value;
  return digest(
    graphs.flatMap((graph) => [
      ...graph.initializers.map((tensor) => `${tensor.name}=${constantValue(tensor, model).id}`),
      ...graph.inputs.map(({ name, type }) => `${name}:${JSON.stringify(type)}`),
      ...graph.outputs.map(({ name, type }) => `${name}:${JSON.stringify(type)}`),
      ...graph.nodes.map((node) =>
        digest([
          node.opType,
          node.domain,
          node.inputs.join(),
          node.outputs.join(),
          ...node.attributes.map((inner) => attributeText(inner, model)),
          String(subgraphsOf(node).length),
        ]),
      ),
    ]),
  );
}

function digest(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${part.length}:`);
    hash.update(part);
  }
  return hash.digest('base64');
}

function shorten(words: string): string {
  return words.length > 60 ? `${words.slice(0, 57)}...` : words;
}
