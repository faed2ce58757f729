/**
 * The backward graph of a model: nodes to be appended behind the forward nodes, which give the gradients of probed outputs with
 * respect to whatever tensors are asked for, K probes at once. Walks the main graph backwards once; what an operator's
 * derivative is, is in the rules. Nodes that hold graphs or call functions have no rule.
 */
import {
  calledFunction,
  capturedNames,
  DataType,
  finish,
  indexGraph,
  inferTypesSteps,
  isStep,
  makeTensorType,
  makeValueInfo,
  subgraphsOf,
  type GraphIndex,
  type Model,
  type Node,
  type Reader,
  type Steps,
  type Tensor,
  type ValueInfo,
} from '../onnx/index.js';
import { freeNames, isFloating, modelFacts, type TakeName } from '../plan/index.js';
import { awayFromZero } from './away-from-zero.js';
import { Emitter, type Emission } from './emitter.js';
import { sumOfFactored, type FactoredGradient } from './factored-gradient.js';
import { keepsGradientsFinite } from './finite-gradients.js';
import { knownValues } from './known-values.js';
import { UNKNOWN, type Contribution, type VjpContext } from './rule.js';
import { ruleOf } from './rules.js';

export interface BackwardRequest {
  /** FP32, or FP64; nodes that compute in 16 bits have no rule. */
  readonly model: Model;
  /** The shape of every computed tensor of the main graph, and of its inputs, in the run. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** K, at least 1. */
  readonly probes: number;
  /** The tensors that have probes: outputs of the graph, or any others. */
  readonly outputs: readonly string[];
  /** The tensors whose gradients are asked for: computed ones, inputs, weights. */
  readonly wanted: readonly string[];
  /** Single readings whose contributions are asked for, whether or not the tensor's whole gradient is. */
  readonly wantedReadings?: readonly Reader[];
}

/**
 * What is known of the gradient of a tensor. `complete`; `partial`: some paths to the outputs go through a node without
 * rule, and what goes through those is missing; `blocked`: all do; `zero`: no path leads to an output, or none has a derivative.
 */
export type Reach = 'complete' | 'partial' | 'blocked' | 'zero';

/** A node that stands between a probe and something wanted, and cannot be differentiated. */
export interface NodeWithoutRule {
  /** Its index in the model's graph. */
  readonly node: number;
  readonly reason: string;
}

export interface BackwardModel {
  readonly model: Model;
  readonly probes: number;
  /** To be appended behind the forward nodes, in this order. They grow when a product is asked for that is not among them. */
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  /** The probes: [K, ...shape of the output], FLOAT unless the output is DOUBLE. */
  readonly inputs: readonly ValueInfo[];
  /** The name of the graph input that holds an output's probes. */
  readonly probeOf: ReadonlyMap<string, string>;
  /** The gradient of a tensor, [K, ...shape]; undefined where none was asked for, or `reach` is `blocked` or `zero`. */
  gradientOf(tensor: string): string | undefined;
  /** What one reader contributes to the gradient of what it reads; undefined as for `gradientOf`. */
  contributionOf(node: number, input: number): string | undefined;
  /** The gradient of a tensor as far as it is multiplied out: those of many tensors are one, times a factor each. */
  factoredGradientOf(tensor: string): FactoredGradient | undefined;
  /** A contribution as far as it is multiplied out. */
  factoredContributionOf(node: number, input: number): FactoredGradient | undefined;
  /** The name of the product. */
  multipliedOut(gradient: FactoredGradient): string;
  /** Nodes without a rule, in the order of the graph. */
  readonly withoutRule: readonly NodeWithoutRule[];
  /** Says nothing of tensors that lead to nothing wanted. */
  reach(tensor: string): Reach;
  /** Names that neither the model nor the backward graph has. */
  readonly takeName: TakeName;
}

/** The backward graph, made at once. */
export function backwardModel(request: BackwardRequest): BackwardModel {
  return finish(backwardSteps(request));
}

/** The same, a few nodes at a time. */
export function* backwardSteps(request: BackwardRequest): Steps<BackwardModel> {
  const { model } = request;
  yield* inferTypesSteps(model);
  modelFacts(model);
  yield;
  const takeName = freeNames(model);
  yield;
  const walk = new BackwardWalk(request, takeName);
  yield* walk.markUseful();
  yield* walk.walk();
  return walk.result();
}

class BackwardWalk {
  private readonly model: Model;
  private readonly index: GraphIndex;
  private readonly emission: Emission;
  /** Tensors that are wanted or computed from something that is. */
  private readonly useful: Set<string>;
  private readonly wantedReadings: ReadonlySet<string>;
  private readonly contributions = new Map<string, FactoredGradient>();
  /** What has arrived at a tensor and is not summed yet. */
  private readonly arriving = new Map<string, FactoredGradient[]>();
  private readonly gradients = new Map<string, FactoredGradient>();
  /** By gradient and factor: their product. */
  private readonly products = new Map<string, string>();
  /** Tensors whose gradients may be infinite although all numbers of the model are finite. */
  private readonly unbounded = new Set<string>();
  /** Tensors from which a path leads through a node without rule. */
  private readonly tainted = new Set<string>();
  private readonly withoutRule: NodeWithoutRule[] = [];
  private readonly probeOf = new Map<string, string>();
  private readonly inputs: ValueInfo[] = [];
  private readonly constantValues: (name: string) => readonly number[] | undefined;
  private readonly isAwayFromZero: (name: string) => boolean;

  constructor(
    private readonly request: BackwardRequest,
    private readonly takeName: TakeName,
  ) {
    const { model, probes } = request;
    this.model = model;
    this.index = indexGraph(model.graph, model.irVersion);
    let count = 0;
    this.emission = {
      nodes: [],
      initializers: [],
      constants: new Map(),
      // Counted, so that finding a free name takes no longer the more there are.
      newName: (hint) => this.takeName(`vjp_${++count}_${hint}`),
      opset: model.opsets.get('') ?? 1,
      probes,
    };
    this.useful = new Set(request.wanted);
    const readings = request.wantedReadings ?? [];
    this.wantedReadings = new Set(readings.map(({ node, input }) => `${node}:${input}`));
    this.constantValues = knownValues(model, (name) => this.shapeOf(name));
    this.isAwayFromZero = awayFromZero(model, this.index, this.constantValues);
    for (const { node } of readings) {
      for (const name of model.graph.nodes[node]?.outputs ?? []) if (name !== '') this.useful.add(name);
    }
  }

  /** Which tensors the wanted ones lead to. */
  *markUseful(): Steps<void> {
    for (const [step, at] of this.index.order.entries()) {
      if (isStep(step)) yield;
      const node = this.model.graph.nodes[at];
      if (node === undefined || !namesRead(node).some((name) => this.useful.has(name))) continue;
      for (const name of node.outputs) if (name !== '') this.useful.add(name);
    }
  }

  *walk(): Steps<void> {
    for (const name of this.request.outputs) this.addProbe(name);
    for (const [step, at] of [...this.index.order].reverse().entries()) {
      if (isStep(step)) yield;
      const node = this.model.graph.nodes[at];
      if (node !== undefined) this.visit(node, at);
    }
    // What no node writes: inputs and weights.
    for (const name of [...this.arriving.keys()]) this.settle(name);
  }

  result(): BackwardModel {
    const { nodes, initializers } = this.emission;
    return {
      model: this.model,
      probes: this.request.probes,
      nodes,
      initializers,
      inputs: this.inputs,
      probeOf: this.probeOf,
      gradientOf: (tensor) => this.multipliedOut(this.gradients.get(tensor)),
      contributionOf: (node, input) => this.multipliedOut(this.contributions.get(`${node}:${input}`)),
      multipliedOut: (gradient) => this.multipliedOut(gradient),
      factoredGradientOf: (tensor) => this.gradients.get(tensor),
      factoredContributionOf: (node, input) => this.contributions.get(`${node}:${input}`),
      withoutRule: [...this.withoutRule].reverse(),
      reach: (tensor) => {
        const isTainted = this.tainted.has(tensor);
        if (this.gradients.has(tensor)) return isTainted ? 'partial' : 'complete';
        return isTainted ? 'blocked' : 'zero';
      },
      takeName: this.takeName,
    };
  }

  private addProbe(output: string): void {
    const shape = this.shapeOf(output);
    if (this.probeOf.has(output) || shape === undefined || !isFloating(this.elementType(output))) return;
    const name = this.takeName(`probes_of_${output}`);
    this.probeOf.set(output, name);
    const type = makeTensorType(this.gradientType(output), [this.request.probes, ...shape]);
    this.inputs.push(makeValueInfo(name, type));
    // A graph's output is never one of its inputs: the gradient of what is probed is a tensor of its own.
    const gradient = new Emitter(this.emission, this.gradientType(output)).op('Identity', [name]);
    this.arriveAt(output, { gradient, factor: undefined });
  }

  private visit(node: Node, at: number): void {
    const arrived = node.outputs.map((name) => (name === '' ? undefined : this.settle(name)));
    const isReached = arrived.some((gradient) => gradient !== undefined);
    const isBehindTaint = node.outputs.some((name) => this.tainted.has(name));
    if (!isReached && !isBehindTaint) return;
    const needed = node.inputs.map((name, input) => this.needs(name, at, input));
    const captured = capturedNames(node).filter((name) => this.isDifferentiable(name));
    if (!needed.includes(true) && captured.length === 0) return;
    if (isBehindTaint) this.taint(node, needed);
    if (!isReached) return;
    const outcome = this.differentiate(node, arrived, needed);
    if ('reason' in outcome) {
      this.withoutRule.push({ node: at, reason: outcome.reason });
      this.taint(node, needed);
      return;
    }
    const isUnbounded =
      !keepsGradientsFinite(node, this.constantValues, this.isAwayFromZero) ||
      node.outputs.some((name) => this.unbounded.has(name));
    for (const [input, contribution] of outcome.contributions.entries()) {
      const name = node.inputs[input] ?? '';
      if (needed[input] !== true || contribution === undefined) continue;
      if (contribution === UNKNOWN) {
        this.withoutRule.push({ node: at, reason: `no rule for input ${input} of ${operatorOf(node)}` });
        this.tainted.add(name);
      } else {
        const factored =
          typeof contribution === 'string' ? { gradient: contribution, factor: undefined } : contribution;
        this.contributions.set(`${at}:${input}`, factored);
        this.arriveAt(name, factored);
        if (isUnbounded) this.unbounded.add(name);
      }
    }
  }

  private differentiate(
    node: Node,
    gradients: readonly (FactoredGradient | undefined)[],
    needed: readonly boolean[],
  ): { readonly contributions: readonly Contribution[] } | { readonly reason: string } {
    const operator = operatorOf(node);
    if (subgraphsOf(node).length > 0) return { reason: `${operator} holds graphs` };
    if (calledFunction(this.model.functions, node) !== undefined) {
      return { reason: `${operator} calls a function of the model` };
    }
    const rule = ruleOf(node);
    if (rule === undefined) return { reason: `no rule for ${operator}` };
    const reached = node.outputs.filter((_, output) => gradients[output] !== undefined);
    const unknown = [...node.inputs, ...reached].find(
      (name) => name !== '' && this.shapeOf(name) === undefined,
    );
    if (unknown !== undefined) return { reason: `the shape of "${unknown}" is not known` };
    const types = [...node.inputs, ...node.outputs].map((name) => this.elementType(name));
    if (node.opType !== 'Cast' && types.some((type) => isFloating(type) && !isWide(type))) {
      return { reason: `${operator} computes in 16 bits` };
    }
    const type = this.gradientType(reached[0] ?? '');
    let missing: string | undefined;
    const context: VjpContext = {
      node,
      opset: this.emission.opset,
      probes: this.request.probes,
      type,
      shape: (name) => {
        const shape = this.shapeOf(name);
        if (shape === undefined) missing = name;
        return shape ?? [];
      },
      elementType: (name) => this.elementType(name),
      constantValues: (name) => this.constantValues(name),
      gradient: (output) => this.multipliedOut(gradients[output]),
      factoredGradient: (output) => gradients[output],
      isFinite: !node.outputs.some((name) => this.unbounded.has(name)),
      needsGradient: (input) => needed[input] === true,
      emit: new Emitter(this.emission, type),
    };
    const contributions = rule(context);
    if (missing !== undefined) return { reason: `the shape of "${missing}" is not known` };
    if (contributions === undefined) return { reason: `no rule for this form of ${operator}` };
    return { contributions };
  }

  /** Sums what has arrived at a tensor: all its readers have been visited. */
  private settle(name: string): FactoredGradient | undefined {
    const known = this.gradients.get(name);
    if (known !== undefined) return known;
    const parts = this.arriving.get(name);
    if (parts === undefined) return undefined;
    const emitter = new Emitter(this.emission, this.gradientType(name));
    const sum = sumOfFactored(emitter, parts, (part) => this.multipliedOut(part));
    if (sum !== undefined) this.gradients.set(name, sum);
    return sum;
  }

  /** The one tensor that a gradient is. */
  private multipliedOut(of: FactoredGradient): string;
  private multipliedOut(of: FactoredGradient | undefined): string | undefined;
  private multipliedOut(of: FactoredGradient | undefined): string | undefined {
    if (of?.factor === undefined) return of?.gradient;
    const { gradient, factor } = of;
    const key = `${gradient} ${factor}`;
    const known = this.products.get(key);
    if (known !== undefined) return known;
    // The type is only that of constants, of which there are none.
    const product = new Emitter(this.emission, DataType.FLOAT).mul(gradient, factor);
    this.products.set(key, product);
    return product;
  }

  private arriveAt(name: string, gradient: FactoredGradient): void {
    const parts = this.arriving.get(name);
    if (parts === undefined) this.arriving.set(name, [gradient]);
    else parts.push(gradient);
  }

  private taint(node: Node, needed: readonly boolean[]): void {
    node.inputs.forEach((name, input) => {
      if (needed[input] === true) this.tainted.add(name);
    });
    for (const name of capturedNames(node)) if (this.isDifferentiable(name)) this.tainted.add(name);
  }

  private needs(name: string, node: number, input: number): boolean {
    if (name === '' || !isFloating(this.elementType(name))) return false;
    return this.useful.has(name) || this.wantedReadings.has(`${node}:${input}`);
  }

  private isDifferentiable(name: string): boolean {
    return this.useful.has(name) && isFloating(this.elementType(name));
  }

  private elementType(name: string): DataType | undefined {
    if (name === '') return undefined;
    return modelFacts(this.model).elementType(name) ?? this.index.constantOf(name)?.dataType;
  }

  /** Gradients of what is stored in 16 bits, which only a Cast reads or writes, are FP32 too. */
  private gradientType(name: string): DataType {
    return this.elementType(name) === DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
  }

  private shapeOf(name: string): readonly number[] | undefined {
    return (
      this.request.shapes.get(name) ??
      this.index.constantOf(name)?.dims ??
      this.index.initializers.get(name)?.dims
    );
  }
}

function isWide(type: DataType | undefined): boolean {
  return type === DataType.FLOAT || type === DataType.DOUBLE;
}

function namesRead(node: Node): readonly string[] {
  return [...node.inputs, ...capturedNames(node)];
}

function operatorOf({ domain, opType }: Node): string {
  return domain === '' ? opType : `${domain}.${opType}`;
}
