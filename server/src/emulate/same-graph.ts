/**
 * Whether two FP32 graphs with explicit roundings compute the same: the same nodes in the same order on the same values,
 * with constants compared by what they hold after rounding, and without regard to names, to how often a value is rounded
 * to the same type, or to where a constant is stored. The check that conversion did what emulation promised.
 * Knows graphs only: no plan, no precision decision.
 */
import { createHash } from 'node:crypto';
import { roundArray, roundTo } from '../formats/index.js';
import {
  DataType,
  dataTypeName,
  inputFollowsMainType,
  modelFolder,
  subgraphsOf,
  tensorBytes,
  typeAttributeName,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type Tensor,
} from '../onnx/index.js';
import {
  floatsOf,
  formatOfType,
  isFloating,
  isMovement,
  modelFacts,
  type ModelFacts,
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
  readonly steps: Step[] = [];
  private readonly values = new Map<string, Value>();
  private readonly facts: ModelFacts;

  constructor(private readonly model: Model) {
    this.facts = modelFacts(model);
    for (const input of model.graph.inputs) this.values.set(input.name, plainValue(`input ${input.name}`));
    for (const node of model.graph.nodes) this.addNode(node);
  }

  valueOf(name: string): Value {
    if (name === '') return plainValue('nothing');
    const known = this.values.get(name);
    if (known !== undefined) return known;
    const tensor = this.facts.index.constantOf(name);
    const value = tensor === undefined ? plainValue(`unknown ${name}`) : constantValue(tensor, this.model);
    this.values.set(name, value);
    return value;
  }

  private addNode(node: Node): void {
    const [output = ''] = node.outputs;
    if (node.opType === 'Constant' && this.facts.index.constantOf(output) !== undefined) return;
    if (node.opType === 'Identity' && node.domain === '') {
      this.values.set(output, this.valueOf(node.inputs[0] ?? ''));
      return;
    }
    const rounded = this.castOfFloats(node);
    if (rounded !== undefined) {
      this.values.set(output, rounded);
      return;
    }
    const inputs = node.inputs.map((name) => this.valueOf(name));
    const captured = this.facts.index.capturedBySubgraphs;
    const at = this.model.graph.nodes.indexOf(node);
    const outer = [...captured]
      .filter(([, readers]) => readers.includes(at))
      .map(([name]) => this.valueOf(name).id);
    const id = digest([
      node.domain,
      node.opType,
      node.overload,
      ...this.attributeTexts(node),
      ...inputs.map((input) => input.id),
      ...outer.sort(),
    ]);
    const words = `${node.opType} of ${inputs.map((input) => shorten(input.words)).join(', ')}`;
    this.steps.push({ label: node.name === '' ? output : node.name, value: id, words });
    const roundedTo = this.roundedByMovement(node, inputs);
    node.outputs.forEach((name, index) => {
      this.values.set(name, { ...plainValue(`${id}#${index}`), words, roundedTo });
    });
  }

  /** The attribute that sets the output's type says the same as leaving it out where that is its default. */
  private attributeTexts(node: Node): readonly string[] {
    const typed = typeAttributeName(node);
    const texts = node.attributes
      .filter((attribute) => attribute.name !== typed || attribute.kind === 'tensor')
      .map((attribute) => attributeText(attribute, this.model));
    if (typed === undefined) return texts.sort();
    const type = this.facts.elementType(node.outputs[0] ?? '') ?? DataType.UNDEFINED;
    texts.push(`type=${dataTypeName(type)}`);
    if (node.opType === 'ConstantOfShape' && texts.length === 1) {
      texts.push(`value=${floatConstant(new Float32Array(1), [1]).id}`);
    }
    return texts.sort();
  }

  /** A cast between FP32, FP16 and BF16: a rounding, or only another way to hold the value. Constants are cast here. */
  private castOfFloats(node: Node): Value | undefined {
    if (node.opType !== 'Cast' || node.domain !== '') return undefined;
    const from = this.facts.elementType(node.inputs[0] ?? '');
    const to = this.facts.elementType(node.outputs[0] ?? '');
    const value = this.valueOf(node.inputs[0] ?? '');
    if (!isFloating(from) || !isFloating(to)) return undefined;
    if (from === to) return value;
    if (value.constant !== undefined) return roundedConstant(value.constant, value.dims, to);
    return from === DataType.DOUBLE || to === DataType.DOUBLE ? undefined : roundedValue(value, to);
  }

  private roundedByMovement(node: Node, inputs: readonly Value[]): ReadonlySet<DataType> {
    const schema = this.facts.schema(node);
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

/** Sub-graphs are the same text: nothing in them is renamed or retyped. */
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
