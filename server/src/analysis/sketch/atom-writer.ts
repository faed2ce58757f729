/**
 * The local error of each rounding, given exact values, as nodes behind a model's own: what rounding a tensor changes in it,
 * what rounding a layer's constants changes in its output. Knows one event at a time; gradients are somebody else's.
 */
import { RoundingWriter, unchanged } from '../../emulate/index.js';
import { isFloatFormat, roundTo, type LowFormatName, type Quantization } from '../../formats/index.js';
import {
  DataType,
  elementCount,
  inputFollowsMainType,
  madeLike,
  makeAttribute,
  makeNode,
  makeTensor,
  modelFolder,
  tensorValues,
  type Attribute,
  type Node,
  type Tensor,
} from '../../onnx/index.js';
import {
  isMovement,
  isRunFormat,
  makeCast,
  modelFacts,
  nodeRoundingOf,
  typeOfFormat,
  type InputEvent,
  type IntegerRanges,
  type Layer,
  type TakeName,
  type TensorRounding,
  type WeightEvent,
} from '../../plan/index.js';
import type { Model } from '../../onnx/index.js';

/** From this opset on ConstantOfShape exists. */
const CONSTANT_OF_SHAPE = 9;
/** ReduceSum has its axes as an input from here on. */
const SUM_INPUTS = 13;
/** Constants up to so many elements are rounded here, larger ones in the run: they stay in the model's file. */
const ROUNDED_HERE = 1024;

/** They stand where the events do: a runtime comes to what stands last first, and frees what it needed for that. */
const JOINING: ReadonlySet<string> = new Set(['Concat', 'Reshape']);

/** Writes nodes whose names come from `takeName`. */
export class AtomWriter {
  /** Of the errors, which may stand right behind what they read. */
  readonly errorNodes: Node[] = [];
  /** What joins them, and all that reads what was joined. */
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly joined = new Set<string>();
  private readonly roundings = new Map<string, string>();
  private readonly errors = new Map<string, string>();
  private readonly squares = new Map<string, number>();
  private readonly moved = new Map<string, ReadonlyMap<string, string>>();
  private readonly constants = new Map<string, string>();
  private readonly writer: RoundingWriter;
  /** By tensor, for formats that are no element type of the graph. */
  private readonly tensorRoundings: ReadonlyMap<string, TensorRounding>;
  private names = 0;

  constructor(
    private readonly model: Model,
    private readonly format: LowFormatName,
    private readonly takeName: TakeName,
    layers: readonly Layer[] = [],
    quantizations: ReadonlyMap<string, Quantization> = new Map(),
    ranges?: IntegerRanges,
  ) {
    const { initializers } = this;
    this.writer = new RoundingWriter({ ...unchanged(model), quantizations }, takeName, initializers);
    this.tensorRoundings = isRunFormat(format) ? new Map() : tensorRoundings(model, layers, format, ranges);
  }

  get opset(): number {
    return this.model.opsets.get('') ?? 1;
  }

  /** A node with one output, whose name is returned. */
  op(opType: string, inputs: readonly string[], attributes: readonly Attribute[] = []): string {
    const output = this.newName(opType);
    const isJoined = JOINING.has(opType) || inputs.some((name) => this.joined.has(name));
    if (isJoined) this.joined.add(output);
    const nodes = isJoined ? this.nodes : this.errorNodes;
    nodes.push(makeNode({ opType, inputs, outputs: [output], attributes }));
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

  reshape(tensor: string, shape: readonly number[]): string {
    return this.op('Reshape', [tensor, this.integers(shape)]);
  }

  concat(tensors: readonly string[], axis: number): string {
    return this.op('Concat', tensors, [intAttributeOf('axis', axis)]);
  }

  /** From [M, ...] of some rank to [M, 1, ...]. */
  sumOfRows(tensor: string, rank = 2): string {
    const axes = Array.from({ length: rank - 1 }, (_, at) => at + 1);
    return this.opset < SUM_INPUTS
      ? this.op('ReduceSum', [tensor], [intsAttributeOf('axes', axes)])
      : this.op('ReduceSum', [tensor, this.integers(axes)]);
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
  errorOf(tensor: string, like = tensor): string {
    const key = keyOf(tensor, like);
    const known = this.errors.get(key);
    if (known !== undefined) return known;
    const error = this.op('Sub', [this.rounded(tensor, like), tensor]);
    this.errors.set(key, error);
    return error;
  }

  /** What an input event changes in the tensor that the layer reads. */
  inputError(event: InputEvent): string {
    return event.isPart
      ? this.movedError(event.source, event.tensor, event.tensor)
      : this.errorOf(event.tensor);
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
    return new Map([...this.twinOf(layer, inputs)].map(([name, twin]) => [name, this.errorOf(twin, name)]));
  }

  /** The layer once more with some of its inputs rounded: by name of the output the twin's, those of FP32. */
  private twinOf({ node }: Layer, rounded: readonly number[]): ReadonlyMap<string, string> {
    const inputs = node.inputs.map((name, input) => (rounded.includes(input) ? this.rounded(name) : name));
    const outputs = node.outputs.map((name) => (name === '' ? '' : this.newName('twin')));
    this.errorNodes.push(madeLike(node, { inputs, outputs }));
    const facts = modelFacts(this.model);
    return new Map(
      node.outputs.flatMap((name, output): [string, string][] =>
        name !== '' && facts.elementType(name) === DataType.FLOAT ? [[name, outputs[output] ?? '']] : [],
      ),
    );
  }

  private rounded(tensor: string, like = tensor): string {
    const key = keyOf(tensor, like);
    const known = this.roundings.get(key) ?? this.roundedHere(tensor);
    if (known !== undefined) return known;
    const wide = this.newName('rounded');
    this.addRounding(tensor, like, wide);
    this.roundings.set(key, wide);
    return wide;
  }

  /** Rounds `from` as the model's tensor `like` is. */
  private addRounding(from: string, like: string, to: string): void {
    const { opset, format, errorNodes: nodes } = this;
    if (isRunFormat(format)) {
      const low = this.newName('low');
      nodes.push(
        makeCast({ name: '', from, to: low, type: typeOfFormat(format), opset }),
        makeCast({ name: '', from: low, to, type: DataType.FLOAT, opset }),
      );
      return;
    }
    // What movement alone reads has no rounding of its own; without scales all are alike.
    const rounding = this.tensorRoundings.get(like) ?? plainRounding(format);
    const dims = modelFacts(this.model).index.constantOf(like)?.dims;
    this.writer.round(nodes, from, like, rounding, to, dims);
  }

  /** What rounding changes in a constant, squared and summed, where that can be said without a run. */
  knownSquare(tensor: string): number | undefined {
    this.rounded(tensor);
    return this.squares.get(tensor);
  }

  /** A small constant rounded, as an initializer. */
  private roundedHere(tensor: string): string | undefined {
    const { format } = this;
    if (!isRunFormat(format)) return undefined;
    const constant = modelFacts(this.model).index.constantOf(tensor);
    if (constant?.dataType !== DataType.FLOAT || elementCount(constant) > ROUNDED_HERE) return undefined;
    const read = tensorValues(constant, modelFolder(this.model));
    if (!('values' in read) || !(read.values instanceof Float32Array)) return undefined;
    const { values } = read;
    const rounded = values.map((value) => roundTo(format, value));
    const name = this.newName('rounded');
    this.initializers.push(makeTensor(name, DataType.FLOAT, constant.dims, new Uint8Array(rounded.buffer)));
    this.roundings.set(tensor, name);
    this.squares.set(
      tensor,
      rounded.reduce((sum, value, at) => sum + (value - (values[at] ?? 0)) ** 2, 0),
    );
    return name;
  }

  /** The error of `source` where movement has put it in `tensor`, and zero everywhere else. */
  private movedError(source: string, tensor: string, like: string): string {
    if (source === tensor) return this.errorOf(source, this.likeOf(source, like));
    const { index } = modelFacts(this.model);
    const at = index.producers.get(tensor);
    const node = this.model.graph.nodes[at ?? -1];
    if (at === undefined || node === undefined || !this.holds(tensor, source)) return this.zerosLike(tensor);
    const key = `${at} ${source} ${this.likeOf(source, like)}`;
    const known = this.moved.get(key) ?? this.moveError(source, node, like);
    this.moved.set(key, known);
    return known.get(tensor) ?? this.zerosLike(tensor);
  }

  /** Scales are those of the tensor that is rounded; what float formats make of a number depends on it alone. */
  private likeOf(source: string, tensor: string): string {
    return isFloatFormat(this.format) ? source : tensor;
  }

  private moveError(source: string, node: Node, like: string): ReadonlyMap<string, string> {
    const facts = modelFacts(this.model);
    const schema = facts.schema(node);
    const inputs = node.inputs.map((name, input) => {
      const isMoved =
        name !== '' &&
        schema !== undefined &&
        inputFollowsMainType(schema, input) &&
        facts.elementType(name) === DataType.FLOAT;
      return isMoved ? this.movedError(source, name, like) : name;
    });
    const outputs = node.outputs.map((name) => (name === '' ? '' : this.newName('moved')));
    this.errorNodes.push(madeLike(node, { inputs, outputs }));
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

/** Tells roundings of one tensor apart; most are like the tensor itself. */
function keyOf(tensor: string, like: string): string {
  return like === tensor ? tensor : `${tensor} ${like}`;
}

function plainRounding(format: LowFormatName): TensorRounding {
  return { format, stochastic: false, overflow: 'inf', quantize: { name: 'minmax' }, isWeight: false };
}

/** How each tensor that layers read or write is rounded. */
function tensorRoundings(
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
  ranges: IntegerRanges | undefined,
): ReadonlyMap<string, TensorRounding> {
  const found = new Map<string, TensorRounding>();
  for (const layer of layers) {
    const own = nodeRoundingOf(model, layer, format, ranges);
    const both = [
      [layer.node.outputs, own?.outputs],
      [layer.node.inputs, own?.inputs],
    ] as const;
    for (const [names, roundings] of both) {
      names.forEach((name, at) => {
        const rounding = roundings?.[at];
        if (rounding !== undefined) found.set(name, rounding);
      });
    }
  }
  return found;
}

/** An attribute of whole numbers. */
export function intsAttributeOf(name: string, value: readonly number[]): Attribute {
  return makeAttribute(name, { kind: 'ints', value });
}

/** An attribute of one whole number. */
export function intAttributeOf(name: string, value: number): Attribute {
  return makeAttribute(name, { kind: 'int', value });
}
