/**
 * A mixed-precision graph as an FP32 graph: wherever a tensor is written or read in FP16 or BF16, a pair of casts rounds
 * it, and everything computes in FP32. Such roundings survive all optimisations of a runtime that has no FP16 kernels,
 * where those of the mixed model itself do not. Knows how each node is written; which tensor holds which values is in
 * wide-values.ts, and which tensor has which type was decided before.
 *
 * Sub-graphs stay sub-graphs, and what passes their borders in a low type passes in FP32, rounded. Functions are written out
 * where they are called.
 */
import {
  capturedNames,
  DataType,
  inputFollowsMainType,
  isStep,
  makeAttribute,
  makeTensorType,
  makeValueInfo,
  outputFollowsMainType,
  withNode,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type Steps,
  type Tensor,
  variantSteps,
  type Variant,
} from '../onnx/index.js';
import {
  attributesForType,
  endOf,
  freeNames,
  heldFormat,
  idIn,
  isFloating,
  isMovement,
  modelScopes,
  runningAxis,
  summedAxes,
  summedLabels,
  tensorNamed,
  tensorShape,
  type ModelScopes,
  type NodeRounding,
  type PrecisionGraph,
  type Scope,
  type ScopedNode,
  type TakeName,
} from '../plan/index.js';
import { isLow, wideType } from './low-types.js';
import { Frames, makeSubgraph, type Frame, type PassedValue } from './frames.js';
import { addAccumulatedSum } from './sums/accumulated-sum.js';
import { treatmentOf } from './treatment.js';
import { WideValues } from './wide-values.js';

/** Seeds below are those of the roundings of tensors. */
const FIRST_SUM_SEED = 1_000_000;

/** Builds the FP32 graph node by node. Names of tensors are kept as far as their types are. Tensors go by id. */
export class ExplicitCasts {
  readonly takeName: TakeName;
  /** Of the main graph. */
  readonly nodes: Node[];
  readonly initializers: Tensor[];
  private readonly model: Model;
  private readonly scopes: ModelScopes;
  private readonly frames: Frames;
  readonly values: WideValues;
  /** Of sums that are rounded by chance. */
  private nextSumSeed = FIRST_SUM_SEED;

  /** The whole graph with its roundings, a few nodes at a time. */
  static *of(graph: PrecisionGraph): Steps<ExplicitCasts> {
    const casts = new ExplicitCasts(graph);
    yield;
    yield* casts.addAll();
    return casts;
  }

  private constructor(private readonly graph: PrecisionGraph) {
    this.model = graph.model;
    this.scopes = modelScopes(graph.model);
    this.takeName = freeNames(graph.model);
    this.frames = new Frames(this.scopes, this.takeName);
    ({ nodes: this.nodes, initializers: this.initializers } = this.frames.main);
    this.values = new WideValues(graph, this.scopes, this.frames, this.takeName);
  }

  private *addAll(): Steps<void> {
    const [main] = this.scopes.scopes;
    if (main === undefined) return;
    for (const { name } of main.graph.inputs) this.values.declareInput(name);
    for (const [index, at] of main.index.order.entries()) {
      if (isStep(index)) yield;
      this.addNode(main.firstNode + at);
    }
    for (const { name } of main.graph.outputs) this.values.storeConstant(name);
  }

  /** The graph so far, with the model's own inputs, and its outputs or other FP32 tensors of its main graph. */
  *variant(tensors?: readonly string[]): Steps<Variant> {
    const { inputs } = this.model.graph;
    const type = makeTensorType(DataType.FLOAT, undefined);
    const outputs = tensors?.map((name) => makeValueInfo(name, type)) ?? this.model.graph.outputs;
    const { nodes, initializers } = this;
    return yield* variantSteps(this.model, { nodes, initializers, inputs, outputs });
  }

  /** Attributes that ask for the type that is written ask for the one that stands for it. */
  widenedAttributes(at: number): readonly Attribute[] {
    const scoped = this.scopes.nodes[at];
    if (scoped === undefined) return [];
    const { node, outputs } = scoped;
    const written = this.values.writtenType(outputs[0] ?? '');
    if (!isFloating(written)) return node.attributes;
    return attributesForType(node, wideType(written), this.values.elementType(outputs[0]), this.model);
  }

  private addNodes(scope: Scope): void {
    for (const index of scope.index.order) this.addNode(scope.firstNode + index);
  }

  private addNode(at: number): void {
    const scoped = this.scopes.nodes[at];
    if (scoped === undefined) return;
    switch (treatmentOf(scoped, this.scopes)) {
      case 'stored':
        return;
      case 'call':
        for (const body of scoped.inner) this.addCall(scoped, at, body);
        return;
      case 'container':
        this.addContainer(scoped, at);
        return;
      case 'opaque':
        this.addOpaque(scoped);
        return;
      case 'float cast':
        this.addFloatCast(scoped);
        return;
      case 'computing':
        this.addComputing(scoped, at);
    }
  }

  /** What cannot be computed in FP32 by itself (unknown operators, and graphs that are not looked into) keeps its types. */
  private addOpaque({ node, scope, inputs, outputs }: ScopedNode): void {
    for (const name of capturedNames(node)) {
      this.values.storeConstant(tensorNamed(this.scopes.tensors, scope, name)?.id ?? name);
    }
    const given = inputs.map((id) => this.values.nativeValue(id));
    const named = outputs.map((id) => this.frames.nameOf(id));
    this.frames.in(scope).nodes.push(withNode(node, { inputs: given, outputs: named }));
    for (const id of outputs) if (id !== '') this.values.declareNative(id);
  }

  private addFloatCast({ inputs, outputs }: ScopedNode): void {
    const [input = '', output = ''] = [inputs[0], outputs[0]];
    const type = this.values.writtenType(output);
    if (type === undefined) return;
    const value = this.values.valueIn(input, type);
    if (this.values.keepsName(output)) {
      const { frames } = this;
      this.values.addCast(
        value,
        this.values.elementType(output) ?? type,
        frames.nameOf(output),
        frames.of(output),
      );
    }
    this.values.setValue(output, type, value);
  }

  private addComputing(scoped: ScopedNode, at: number): void {
    const { node, scope } = scoped;
    const frame = this.frames.in(scope);
    const inputs = scoped.inputs.map((id, input) => {
      const type = this.values.readType(at, input);
      return id === '' || type === undefined
        ? this.frames.nameOf(id)
        : this.values.givenValue(at, input, id, type);
    });
    const rounding = this.graph.roundings.get(at);
    const after: (() => void)[] = [];
    const outputs = scoped.outputs.map((id, output) => {
      const type = this.values.writtenType(id);
      if (id === '' || type === undefined) return this.frames.nameOf(id);
      const value = this.values.outputName(id, type, after);
      const own = rounding?.outputs[output];
      if (own !== undefined) {
        const raw = this.takeName(`${this.frames.nameOf(id)}_unrounded`);
        after.unshift(() => {
          this.values.addOwnRounding(raw, id, own, value, { frame, scale: rounding?.scale });
        });
        return raw;
      }
      if (!isLow(type) || this.isRoundedAlready(scoped, at, output, type)) return value;
      const raw = this.takeName(`${this.frames.nameOf(id)}_unrounded`);
      const { held } = rounding ?? {};
      after.unshift(() => {
        if (held?.outputs.includes(output) !== true) {
          this.values.addRounding(raw, type, value, frame);
          return;
        }
        const rounded = this.values.addRounding(raw, type, this.takeName(`${value}_rounded`), frame);
        this.values.addHolding(rounded, value, held.format, frame);
      });
      return raw;
    });
    const name = this.frames.isWrittenOut(scope) ? '' : node.name;
    const written = withNode(node, { name, inputs, outputs, attributes: this.widenedAttributes(at) });
    if (!this.addOwnSum(at, written, frame, rounding)) frame.nodes.push(written);
    for (const add of after) add();
  }

  /** A node whose sums are rounded as they grow; false where it has none, or they cannot be told. */
  private addOwnSum(at: number, node: Node, frame: Frame, rounding: NodeRounding | undefined): boolean {
    const scoped = this.scopes.nodes[at];
    const accumulation = rounding?.accumulate;
    if (accumulation === undefined || scoped === undefined) return false;
    const { scope, inputs, outputs } = scoped;
    const shapes = inputs.map((id) => tensorShape(this.scopes, id));
    const result = tensorShape(this.scopes, outputs[0] ?? '');
    const isFixed = [...shapes.filter((_, input) => inputs[input] !== ''), result].every(
      (shape) => shape?.every((dim) => typeof dim === 'number') === true,
    );
    const weights = shapes[1]?.flatMap((dim) => (typeof dim === 'number' ? [dim] : []));
    const channels = shapes[0]?.[1];
    const { takeName, initializers } = this;
    const nextSeed = rounding?.drawsSums === true ? () => this.nextSumSeed++ : undefined;
    return addAccumulatedSum(
      {
        node,
        shapes,
        weights: weights?.length === shapes[1]?.length ? weights : undefined,
        channels: typeof channels === 'number' ? channels : undefined,
        summed: summedAxes(this.scopes, at),
        running: runningAxis(this.scopes, at),
        labels: summedLabels(this.scopes, at),
        accumulation,
        mayBeEmpty: !isFixed,
        rank: result?.length,
        to: node.outputs[0] ?? '',
      },
      { opset: scope.opsets.get('') ?? 1, takeName, nodes: frame.nodes, initializers, nextSeed },
    );
  }

  /** Movement of rounded values gives rounded values, and so does what makes infinities the largest number. */
  private isRoundedAlready(scoped: ScopedNode, at: number, output: number, type: DataType): boolean {
    const { node, scope, inputs } = scoped;
    if (heldFormat(this.scopes, scoped) !== undefined) return this.values.readType(at, 0) === type;
    const schema = scope.operators.schema(node);
    if (schema === undefined || !isMovement(node) || !outputFollowsMainType(schema, output)) return false;
    const read = inputs.flatMap((id, input) =>
      id !== '' && inputFollowsMainType(schema, input) ? [this.values.readType(at, input)] : [],
    );
    return read.length > 0 && read.every((readType) => readType === type);
  }

  /** If, Loop and Scan: their graphs are built before they are, and cast what they read in the scope that it is from. */
  private addContainer({ node, scope, inner, inputs, outputs }: ScopedNode, at: number): void {
    const given = inputs.map((id, input) => this.values.passed(id, at, input));
    const attributes = node.attributes.map((attribute): Attribute => {
      const held = inner.find((one) => one.attribute === attribute.name);
      return held === undefined
        ? attribute
        : makeAttribute(attribute.name, { kind: 'graph', value: this.subgraph(held) });
    });
    const after: (() => void)[] = [];
    const received = outputs.map((id) => {
      const type = this.values.writtenType(id);
      if (id === '' || type === undefined) return this.frames.nameOf(id);
      if (!isLow(type) || this.values.isPassing(id)) return this.values.outputName(id, type, after);
      after.push(() => {
        this.values.declareNative(id);
      });
      return this.frames.nameOf(id);
    });
    const name = this.frames.isWrittenOut(scope) ? '' : node.name;
    this.frames.in(scope).nodes.push(withNode(node, { name, inputs: given, outputs: received, attributes }));
    for (const add of after) add();
  }

  private subgraph(scope: Scope): Graph {
    const { graph } = scope;
    const frame = this.frames.open(scope);
    const after: (() => void)[] = [];
    const inputs = graph.inputs.map((value): PassedValue => {
      const id = idIn(scope, value.name);
      const type = this.values.writtenType(id);
      this.values.isGiven(id);
      if (type === undefined) return { value, name: this.frames.nameOf(id), type };
      if (!isLow(type) || this.values.isPassing(id)) {
        return { value, name: this.values.outputName(id, type, after), type: wideType(type) };
      }
      this.values.declareNative(id);
      return { value, name: this.frames.nameOf(id), type };
    });
    for (const add of after) add();
    this.addNodes(scope);
    const outputs = graph.outputs.map((value, output) => {
      const type = this.values.readType(endOf(scope), output);
      const isWide = this.values.isPassingAt(endOf(scope), output);
      const name = this.values.passed(scope.outputs[output] ?? '', endOf(scope), output);
      return { value, name, type: type !== undefined && isWide ? wideType(type) : type };
    });
    return makeSubgraph(graph, frame, inputs, outputs, this.takeName);
  }

  /** A call: the function's nodes take its place, and its inputs and outputs are the caller's tensors. */
  private addCall({ scope, inputs, outputs }: ScopedNode, at: number, body: Scope): void {
    this.frames.openInto(body, scope);
    body.graph.inputs.forEach(({ name }, input) => {
      const id = idIn(body, name);
      const from = inputs[input] ?? '';
      const type = this.values.readType(at, input);
      this.values.alias(id, from, from === '' ? undefined : type, this.values.passed(from, at, input));
    });
    this.addNodes(body);
    outputs.forEach((id, output) => {
      const type = this.values.readType(endOf(body), output);
      if (id === '' || type === undefined) return;
      const from = body.outputs[output] ?? '';
      const value = this.values.passed(from, endOf(body), output);
      this.values.alias(id, from, type, value);
      if (!this.values.keepsName(id)) return;
      this.values.keepOutput(id, type, value);
    });
  }
}
