/**
 * One graph for a sketch: the model, its backward graph, the atoms of all rounding events, and the products of both, so that
 * only a matrix of probes by events leaves a session. Knows graphs; runs nothing.
 */
import { backwardSteps, backwardVariantSteps, type BackwardModel } from '../../gradients/index.js';
import {
  DataType,
  isStep,
  makeTensorType,
  makeValueInfo,
  type Attribute,
  type Model,
  type Steps,
} from '../../onnx/index.js';
import type { OutputEvent, RoundingEvent, RoundingEvents } from '../../plan/index.js';
import { AtomWriter, intAttributeOf, intsAttributeOf } from './atom-writer.js';

/** What can be known of an event from gradients. */
export type EventState =
  /** It is in the matrices. */
  | 'sketched'
  /** No output that has probes depends on it, or only by steps. */
  | 'unreached'
  /** A node without a rule stands between it and an output. */
  | 'blocked';

export interface SketchGraphRequest {
  readonly model: Model;
  readonly events: RoundingEvents;
  /** The shape of every computed tensor and every input in the run. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The outputs that get probes. */
  readonly outputs: readonly string[];
  readonly probes: number;
  /** Gradients of weights as well, which cost about half as much again as all the rest. */
  readonly curvature?: boolean;
}

export interface SketchGraph {
  readonly bytes: Uint8Array;
  /** By event. */
  readonly states: readonly EventState[];
  /** The events in the columns of the matrices; plus the number of events where it is that of `alone`, see `OutputSketch`. */
  readonly columns: readonly number[];
  /** By output: the input that takes its probes, [K, ...shape]. */
  readonly probeOf: ReadonlyMap<string, string>;
  /** The variant's one output, [2 K + 4, columns], `ROWS` says what; undefined where there is no column. */
  readonly result: string | undefined;
  readonly withoutRule: BackwardModel['withoutRule'];
}

/** What the rows of the result are, from the first one of each on. */
export function rowsOf(probes: number) {
  return {
    /** K rows: g . atom. */
    dots: 0,
    /** K rows: the sum of g^2 atom^2. */
    diagonals: probes,
    /** |atom|^2. */
    atoms: 2 * probes,
    /** The squared norm of what the atom is an error of. */
    exact: 2 * probes + 1,
    /** The squared norm of the change of a weight event's constants; 0 for other events. */
    constants: 2 * probes + 2,
    /** The squared norm of the gradients: of the output of an output event, of the constants of a weight event; else 0. */
    curvature: 2 * probes + 3,
  } as const;
}

/** ReduceSum has its axes as an input from 13 on, ReduceSumSquare from 18 on. */
const SUM_INPUTS = 13;
const SUM_SQUARE_INPUTS = 18;

/** Builds the graph, a few events at a time. */
export function* sketchGraphSteps(request: SketchGraphRequest): Steps<SketchGraph> {
  const { model, events, shapes, outputs, probes } = request;
  const readings = events.events.flatMap((event) =>
    event.kind === 'input' ? event.inputs.map((input) => ({ node: nodeOf(events, event), input })) : [],
  );
  const wanted = new Set(
    events.events.flatMap((event) => (event.kind === 'input' ? [] : outputsOf(events, event))),
  );
  const backward = yield* backwardSteps({
    model,
    shapes,
    probes,
    outputs,
    wanted: [...wanted],
    wantedReadings: readings,
  });
  yield;
  const products = new ProductWriter(request, backward);
  for (const index of products.order()) {
    if (isStep(index)) yield;
    products.add(index);
  }
  const result = products.result();
  const { writer } = products;
  const inputs = [...backward.inputs.map(({ name }) => name)];
  const probeOf = new Map([...backward.probeOf].filter(([, name]) => inputs.includes(name)));
  const withoutRule = backward.withoutRule;
  const { states, columns } = products;
  if (result === undefined) {
    return { bytes: new Uint8Array(0), states, columns, probeOf, result, withoutRule };
  }
  const float = makeTensorType(DataType.FLOAT, undefined);
  const variant = yield* backwardVariantSteps(backward, [makeValueInfo(result, float)], {
    nodes: writer.nodes,
    initializers: writer.initializers,
  });
  return { bytes: variant.bytes, states, columns, probeOf, result, withoutRule };
}

function nodeOf({ layers }: RoundingEvents, event: RoundingEvent): number {
  return layers[event.layer]?.nodeIndex ?? -1;
}

/** The outputs of the event's layer that are rounded or moved by it. */
function outputsOf({ layers }: RoundingEvents, event: RoundingEvent): readonly string[] {
  if (event.kind === 'output') return event.outputs;
  return layers[event.layer]?.node.outputs.filter((name) => name !== '') ?? [];
}

/** A gradient and the error that it is multiplied by; `of` is what the error is an error of. */
interface Pair {
  readonly gradient: string;
  readonly atom: string;
  readonly of: string;
}

class ProductWriter {
  readonly writer: AtomWriter;
  readonly states: EventState[];
  readonly columns: number[] = [];
  private readonly stuck: ReadonlySet<number>;
  private readonly parts: string[] = [];
  /** What leaves a layer and enters its only reader is the same product. */
  private readonly known = new Map<string, string>();
  private readonly norms = new Map<string, string>();
  /** By place of a layer: the places of the inputs that it rounds. */
  private readonly roundedInputs = new Map<number, readonly number[]>();

  constructor(
    private readonly request: SketchGraphRequest,
    private readonly backward: BackwardModel,
  ) {
    this.writer = new AtomWriter(request.model, request.events.format, backward.takeName);
    this.states = request.events.events.map(() => 'unreached');
    this.stuck = new Set(backward.withoutRule.map(({ node }) => node));
    for (const event of request.events.events) {
      if (event.kind === 'output') continue;
      this.roundedInputs.set(event.layer, [...(this.roundedInputs.get(event.layer) ?? []), ...event.inputs]);
    }
  }

  /**
   * The events in the order in which a backward pass comes to them: a runtime that runs nodes as their results are asked
   * for then needs each gradient once, and frees it.
   */
  order(): readonly number[] {
    const { events } = this.request.events;
    return events.map((_, index) => index).reverse();
  }

  add(index: number): void {
    const { events } = this.request;
    const event = events.events[index];
    if (event === undefined) return;
    if (this.isBlocked(event)) {
      this.states[index] = 'blocked';
      return;
    }
    const pairs = this.pairs(event).filter(({ of }) => this.hasElements(of));
    if (pairs.length === 0) return;
    this.states[index] = 'sketched';
    this.addColumn(index, event, pairs);
    if (event.kind !== 'output') return;
    const alone = this.pairsAlone(event).filter(({ of }) => this.hasElements(of));
    this.addColumn(events.events.length + index, event, alone);
  }

  private addColumn(column: number, event: RoundingEvent, pairs: readonly Pair[]): void {
    this.columns.push(column);
    const key =
      event.kind === 'weight' ? '' : pairs.map(({ gradient, atom }) => `${gradient} ${atom}`).join();
    const known = this.known.get(key);
    if (known !== undefined) {
      this.parts.push(known);
      return;
    }
    const { writer } = this;
    const products = pairs.map(({ gradient, atom }) => {
      const flatGradient = this.reshape(gradient, [this.request.probes, -1]);
      return writer.op('Mul', [flatGradient, this.reshape(atom, [1, -1])]);
    });
    // All of a column at once: a product is read twice, and is large.
    const rows = [
      this.summed(products.map((product) => this.reduceRows('ReduceSum', product))),
      this.summed(products.map((product) => this.reduceRows('ReduceSumSquare', product))),
      this.summed(pairs.map(({ atom }) => this.normOf(atom))),
      this.summed(pairs.map(({ of }) => this.normOf(of))),
      this.constantNorm(event),
      this.curvatureOf(event, pairs),
    ];
    const joined = writer.op('Concat', rows, [intAttributeOf('axis', 0)]);
    if (key !== '') this.known.set(key, joined);
    this.parts.push(joined);
  }

  result(): string | undefined {
    if (this.parts.length === 0) return undefined;
    return this.writer.op('Concat', this.parts, [intAttributeOf('axis', 1)]);
  }

  private isBlocked(event: RoundingEvent): boolean {
    const { events } = this.request;
    const node = nodeOf(events, event);
    if (event.kind === 'input' && this.stuck.has(node)) return true;
    return outputsOf(events, event).some((name) => {
      const reach = this.backward.reach(name);
      return reach === 'blocked' || reach === 'partial';
    });
  }

  private pairs(event: RoundingEvent): readonly Pair[] {
    const { events } = this.request;
    const layer = events.layers[event.layer];
    if (layer === undefined) return [];
    if (event.kind === 'input') {
      const contributions = event.inputs.flatMap(
        (input) => this.backward.contributionOf(layer.nodeIndex, input) ?? [],
      );
      if (contributions.length === 0) return [];
      const gradient = this.summed(contributions);
      return [{ gradient, atom: this.writer.inputError(event), of: event.tensor }];
    }
    const reached = this.reached(event);
    if (reached.length === 0) return [];
    if (event.kind === 'output') {
      return reached.map(({ name, gradient }) => ({ gradient, atom: this.writer.errorOf(name), of: name }));
    }
    return this.withErrors(reached, this.writer.weightErrors(layer, event));
  }

  /** The same for a layer that reads what it rounded itself from exact values. */
  private pairsAlone(event: OutputEvent): readonly Pair[] {
    const layer = this.request.events.layers[event.layer];
    if (layer === undefined) return [];
    const reached = this.reached(event);
    return this.withErrors(
      reached,
      this.writer.outputErrors(layer, this.roundedInputs.get(event.layer) ?? []),
    );
  }

  private reached(event: RoundingEvent): readonly { readonly name: string; readonly gradient: string }[] {
    return outputsOf(this.request.events, event).flatMap((name) => {
      const gradient = this.backward.gradientOf(name);
      return gradient === undefined ? [] : [{ name, gradient }];
    });
  }

  private withErrors(
    reached: readonly { readonly name: string; readonly gradient: string }[],
    errors: ReadonlyMap<string, string>,
  ): readonly Pair[] {
    return reached.flatMap(({ name, gradient }) => {
      const atom = errors.get(name);
      return atom === undefined ? [] : [{ gradient, atom, of: name }];
    });
  }

  /** A reshape to -1 of nothing is refused. */
  private hasElements(tensor: string): boolean {
    return this.request.shapes.get(tensor)?.includes(0) !== true;
  }

  private constantNorm(event: RoundingEvent): string {
    if (event.kind !== 'weight') return this.writer.zero();
    const { node } = this.request.events.layers[event.layer] ?? {};
    const names = new Set(event.inputs.map((input) => node?.inputs[input] ?? ''));
    return this.summed([...names].map((name) => this.normOf(this.writer.errorOf(name))));
  }

  private curvatureOf(event: RoundingEvent, pairs: readonly { readonly gradient: string }[]): string {
    if (this.request.curvature !== true || event.kind === 'input') return this.writer.zero();
    if (event.kind === 'output') return this.summed(pairs.map(({ gradient }) => this.normOf(gradient)));
    const node = nodeOf(this.request.events, event);
    const gradients = event.inputs.flatMap((input) => this.backward.contributionOf(node, input) ?? []);
    return gradients.length === 0
      ? this.writer.zero()
      : this.summed(gradients.map((gradient) => this.normOf(gradient)));
  }

  /** The sum of squares, [1, 1]. */
  private normOf(tensor: string): string {
    const known = this.norms.get(tensor);
    if (known !== undefined) return known;
    // Without axes the operator reduces all of them, at every opset.
    const sum = this.writer.op('ReduceSumSquare', [tensor], [intAttributeOf('keepdims', 0)]);
    const norm = this.reshape(sum, [1, 1]);
    this.norms.set(tensor, norm);
    return norm;
  }

  /** From [K, N] to [K, 1]. */
  private reduceRows(opType: 'ReduceSum' | 'ReduceSumSquare', of: string): string {
    const since = opType === 'ReduceSum' ? SUM_INPUTS : SUM_SQUARE_INPUTS;
    const keep: Attribute = intAttributeOf('keepdims', 1);
    return this.writer.opset < since
      ? this.writer.op(opType, [of], [intsAttributeOf('axes', [1]), keep])
      : this.writer.op(opType, [of, this.writer.integers([1])], [keep]);
  }

  private reshape(tensor: string, shape: readonly number[]): string {
    return this.writer.op('Reshape', [tensor, this.writer.integers(shape)]);
  }

  private summed(parts: readonly string[]): string {
    return parts.length === 1 ? (parts[0] ?? '') : this.writer.op('Sum', parts);
  }
}
