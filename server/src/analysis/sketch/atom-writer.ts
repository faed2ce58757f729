/**
 * The local error of each rounding, given exact values, as nodes behind a model's own: what rounding a tensor changes in it,
 * what rounding a layer's constants changes in its output. Knows one event at a time; gradients are somebody else's.
 */
import {
  DataType,
  inputFollowsMainType,
  makeAttribute,
  makeNode,
  makeTensor,
  withNode,
  type Attribute,
  type Node,
  type Tensor,
} from '../../onnx/index.js';
import {
  isMovement,
  makeCast,
  modelFacts,
  typeOfFormat,
  type InputEvent,
  type Layer,
  type TakeName,
  type WeightEvent,
} from '../../plan/index.js';
import type { Model } from '../../onnx/index.js';

/** From this opset on ConstantOfShape exists. */
const CONSTANT_OF_SHAPE = 9;

/** Writes nodes whose names come from `takeName`. */
export class AtomWriter {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly roundings = new Map<string, string>();
  private readonly errors = new Map<string, string>();
  private readonly moved = new Map<string, ReadonlyMap<string, string>>();
  private readonly constants = new Map<string, string>();
  private names = 0;

  constructor(
    private readonly model: Model,
    private readonly format: 'fp16' | 'bf16',
    private readonly takeName: TakeName,
  ) {}

  get opset(): number {
    return this.model.opsets.get('') ?? 1;
  }

  /** A node with one output, whose name is returned. */
  op(opType: string, inputs: readonly string[], attributes: readonly Attribute[] = []): string {
    const output = this.newName(opType);
    this.nodes.push(makeNode({ opType, inputs, outputs: [output], attributes }));
    return output;
  }

  integers(values: readonly number[]): string {
    const key = values.join();
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.newName('integers');
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.initializers.push(makeTensor(name, DataType.INT64, [values.length], bytes));
    this.constants.set(key, name);
    return name;
  }

  /** A matrix of one zero. */
  zero(): string {
    const known = this.constants.get('zero');
    if (known !== undefined) return known;
    const name = this.newName('zero');
    this.initializers.push(makeTensor(name, DataType.FLOAT, [1, 1], new Uint8Array(4)));
    this.constants.set('zero', name);
    return name;
  }

  /** The rounded tensor less the exact one. */
  errorOf(tensor: string): string {
    const known = this.errors.get(tensor);
    if (known !== undefined) return known;
    const error = this.op('Sub', [this.rounded(tensor), tensor]);
    this.errors.set(tensor, error);
    return error;
  }

  /** What an input event changes in the tensor that the layer reads. */
  inputError(event: InputEvent): string {
    return event.isPart ? this.movedError(event.source, event.tensor) : this.errorOf(event.tensor);
  }

  /** What rounding its constants changes in a layer's outputs, by name of the output. */
  weightErrors(layer: Layer, event: WeightEvent): ReadonlyMap<string, string> {
    return new Map(
      [...this.twinOf(layer, event.inputs)].map(([name, twin]) => [name, this.op('Sub', [twin, name])]),
    );
  }

  /**
   * What rounding its outputs changes in them, by name. A low layer reads rounded numbers, and where it puts those together
   * the result may be representable already, or lie in the middle between two that are: the rounding of the exact output says
   * nothing of that.
   *
   * @param inputs places of all inputs that the layer rounds.
   */
  outputErrors(layer: Layer, inputs: readonly number[]): ReadonlyMap<string, string> {
    if (inputs.length === 0) {
      const written = layer.node.outputs.filter((name) => name !== '');
      return new Map(written.map((name) => [name, this.errorOf(name)]));
    }
    return new Map([...this.twinOf(layer, inputs)].map(([name, twin]) => [name, this.errorOf(twin)]));
  }

  /** The layer once more with some of its inputs rounded: by name of the output the twin's, those of FP32. */
  private twinOf({ node }: Layer, rounded: readonly number[]): ReadonlyMap<string, string> {
    const inputs = node.inputs.map((name, input) => (rounded.includes(input) ? this.rounded(name) : name));
    const outputs = node.outputs.map((name) => (name === '' ? '' : this.newName('twin')));
    this.nodes.push(withNode(node, { name: this.newName('twin'), inputs, outputs }));
    const facts = modelFacts(this.model);
    return new Map(
      node.outputs.flatMap((name, output): [string, string][] =>
        name !== '' && facts.elementType(name) === DataType.FLOAT ? [[name, outputs[output] ?? '']] : [],
      ),
    );
  }

  private rounded(tensor: string): string {
    const known = this.roundings.get(tensor);
    if (known !== undefined) return known;
    const low = this.newName('low');
    const wide = this.newName('rounded');
    const { opset } = this;
    this.nodes.push(
      makeCast({ name: '', from: tensor, to: low, type: typeOfFormat(this.format), opset }),
      makeCast({ name: '', from: low, to: wide, type: DataType.FLOAT, opset }),
    );
    this.roundings.set(tensor, wide);
    return wide;
  }

  /** The error of `source` where movement has put it in `tensor`, and zero everywhere else. */
  private movedError(source: string, tensor: string): string {
    if (source === tensor) return this.errorOf(source);
    const { index } = modelFacts(this.model);
    const at = index.producers.get(tensor);
    const node = this.model.graph.nodes[at ?? -1];
    if (at === undefined || node === undefined || !this.holds(tensor, source)) return this.zerosLike(tensor);
    const key = `${at} ${source}`;
    const known = this.moved.get(key) ?? this.moveError(source, node);
    this.moved.set(key, known);
    return known.get(tensor) ?? this.zerosLike(tensor);
  }

  private moveError(source: string, node: Node): ReadonlyMap<string, string> {
    const facts = modelFacts(this.model);
    const schema = facts.schema(node);
    const inputs = node.inputs.map((name, input) => {
      const isMoved =
        name !== '' &&
        schema !== undefined &&
        inputFollowsMainType(schema, input) &&
        facts.elementType(name) === DataType.FLOAT;
      return isMoved ? this.movedError(source, name) : name;
    });
    const outputs = node.outputs.map((name) => (name === '' ? '' : this.newName('moved')));
    this.nodes.push(withNode(node, { name: this.newName('moved'), inputs, outputs }));
    return new Map(node.outputs.map((name, output) => [name, outputs[output] ?? '']));
  }

  /** Whether the values of `source` come to `tensor` by movement alone. */
  private holds(tensor: string, source: string): boolean {
    if (tensor === source) return true;
    const facts = modelFacts(this.model);
    if (facts.index.constantOf(tensor) !== undefined) return false;
    const node = this.model.graph.nodes[facts.index.producers.get(tensor) ?? -1];
    if (node === undefined || !isMovement(node)) return false;
    return node.inputs.some(
      (name) => name !== '' && facts.elementType(name) === DataType.FLOAT && this.holds(name, source),
    );
  }

  private zerosLike(tensor: string): string {
    // Before ConstantOfShape: an infinity in the tensor would leave a NaN, and so be seen.
    if (this.opset < CONSTANT_OF_SHAPE) return this.op('Sub', [tensor, tensor]);
    return this.op('ConstantOfShape', [this.op('Shape', [tensor])]);
  }

  private newName(hint: string): string {
    this.names += 1;
    return this.takeName(`sketch_${this.names}_${hint}`);
  }
}

/** An attribute of whole numbers. */
export function intsAttributeOf(name: string, value: readonly number[]): Attribute {
  return makeAttribute(name, { kind: 'ints', value });
}

/** An attribute of one whole number. */
export function intAttributeOf(name: string, value: number): Attribute {
  return makeAttribute(name, { kind: 'int', value });
}
