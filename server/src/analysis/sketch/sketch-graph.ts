/**
 * One graph for a sketch: the model, its backward graph, the atoms of all rounding events, and the products of both, so that
 * only a matrix of probes by events leaves a session. Knows graphs; runs nothing.
 */
import type { Quantization } from '../../formats/index.js';
import {
  backwardSteps,
  backwardVariantSteps,
  type BackwardModel,
  type FactoredGradient,
} from '../../gradients/index.js';
import { DataType, isStep, makeTensorType, makeValueInfo, type Model, type Steps } from '../../onnx/index.js';
import {
  modelFacts,
  type IntegerRanges,
  type OutputEvent,
  type RoundingEvent,
  type RoundingEvents,
  type WeightEvent,
} from '../../plan/index.js';
import { elementsOf } from '../sessions/session-tensors.js';
import { AtomWriter } from './atom-writer.js';
import type { SketchPiece } from './joined-parts.js';
import { ProductWriter, type Pair } from './products.js';

/** What can be known of an event from gradients. */
export type EventState =
  /** It is in the result. */
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
  /** The scales of an integer format; empty for any other. */
  readonly quantizations?: ReadonlyMap<string, Quantization>;
  /** How they were chosen. */
  readonly ranges?: IntegerRanges | undefined;
  /** Gradients of weights as well, which cost about half as much again as all the rest. */
  readonly curvature?: boolean;
}

export interface SketchGraph {
  readonly bytes: Uint8Array;
  /** By event. */
  readonly states: readonly EventState[];
  /**
   * What stands in the result. A column is an event; plus the number of events where it is that of `alone`, see
   * `OutputSketch`.
   */
  readonly pieces: readonly SketchPiece[];
  /** By column: the squared norm of the change of those constants of a weight event that are not in the result. */
  readonly constants: ReadonlyMap<number, number>;
  /** By output: the input that takes its probes, [K, ...shape]. */
  readonly probeOf: ReadonlyMap<string, string>;
  /** The variant's one output, [numbers of all pieces, 1]; undefined where there is none. */
  readonly result: string | undefined;
  readonly withoutRule: BackwardModel['withoutRule'];
}

/** Builds the graph, a few events at a time. */
export function* sketchGraphSteps(request: SketchGraphRequest): Steps<SketchGraph> {
  const { model, events, shapes, outputs, probes } = request;
  const isRead = ({ kind }: RoundingEvent): boolean =>
    kind === 'input' || (kind === 'weight' && request.curvature === true);
  const readings = events.events.flatMap((event) =>
    event.kind !== 'output' && isRead(event)
      ? event.inputs.map((input) => ({ node: nodeOf(events, event), input }))
      : [],
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
  const writer = new EventWriter(request, backward);
  // ONNX Runtime runs what was written last first, and whatever that needs before it: so it comes to the events in the order in
  // which a backward pass does, and frees each gradient before it makes the next.
  for (const index of events.events.keys()) {
    if (isStep(index)) yield;
    writer.add(index);
  }
  const products = writer.products.result();
  yield;
  const inputs = [...backward.inputs.map(({ name }) => name)];
  const probeOf = new Map([...backward.probeOf].filter(([, name]) => inputs.includes(name)));
  const withoutRule = backward.withoutRule;
  const { states, constants } = writer;
  const about = { states, constants, probeOf, withoutRule };
  if (products === undefined) {
    return { bytes: new Uint8Array(0), pieces: [], result: undefined, ...about };
  }
  const { name: result, pieces } = products;
  const float = makeTensorType(DataType.FLOAT, undefined);
  const variant = yield* backwardVariantSteps(backward, [makeValueInfo(result, float)], {
    early: writer.atoms.errorNodes,
    nodes: writer.atoms.nodes,
    initializers: writer.atoms.initializers,
  });
  return { bytes: variant.bytes, pieces, result, ...about };
}

function nodeOf({ layers }: RoundingEvents, event: RoundingEvent): number {
  return layers[event.layer]?.nodeIndex ?? -1;
}

/** The outputs of the event's layer that are rounded or moved by it. */
function outputsOf({ layers }: RoundingEvents, event: RoundingEvent): readonly string[] {
  if (event.kind === 'output') return event.outputs;
  return layers[event.layer]?.node.outputs.filter((name) => name !== '') ?? [];
}

/** An output of a layer, and the gradient that has come to it. */
interface Reached {
  readonly name: string;
  readonly gradient: FactoredGradient;
}

/** Writes the errors of events, and has them multiplied. */
class EventWriter {
  readonly atoms: AtomWriter;
  readonly products: ProductWriter;
  readonly states: EventState[];
  readonly constants = new Map<number, number>();
  private readonly stuck: ReadonlySet<number>;
  /** By place of a layer: the places of the inputs that it rounds. */
  private readonly roundedInputs = new Map<number, readonly number[]>();

  constructor(
    private readonly request: SketchGraphRequest,
    private readonly backward: BackwardModel,
  ) {
    const { model, events, quantizations, ranges } = request;
    this.atoms = new AtomWriter(
      model,
      events.format,
      backward.takeName,
      events.layers,
      quantizations,
      ranges,
    );
    this.products = new ProductWriter(
      this.atoms,
      request.probes,
      (tensor) => request.shapes.get(tensor) ?? [],
    );
    this.states = request.events.events.map(() => 'unreached');
    this.stuck = new Set(backward.withoutRule.map(({ node }) => node));
    for (const event of request.events.events) {
      if (event.kind === 'output') continue;
      this.roundedInputs.set(event.layer, [...(this.roundedInputs.get(event.layer) ?? []), ...event.inputs]);
    }
  }

  add(index: number): void {
    const { events } = this.request;
    const event = events.events[index];
    if (event === undefined) return;
    if (this.isBlocked(event)) {
      this.states[index] = 'blocked';
      return;
    }
    const pairs = this.withElements(this.pairs(event));
    if (pairs.length === 0) return;
    this.states[index] = 'sketched';
    for (const pair of pairs) this.products.add(index, pair);
    if (event.kind === 'weight') this.addConstants(index, event);
    if (this.request.curvature === true) this.addCurvature(index, event);
    if (event.kind !== 'output') return;
    const column = events.events.length + index;
    for (const pair of this.withElements(this.pairsAlone(event))) this.products.add(column, pair);
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
      const gradient = this.contributionOf(layer.nodeIndex, event.inputs);
      if (gradient === undefined) return [];
      return [{ gradient, atom: this.atoms.inputError(event), of: event.tensor, isIndependent: true }];
    }
    const reached = this.reached(event);
    if (reached.length === 0) return [];
    if (event.kind === 'output') {
      const errors = new Map(reached.map(({ name }) => [name, this.atoms.errorOf(name)]));
      return this.withErrors(reached, errors, true);
    }
    // What a constant's error does to an output is one and the same in all of its elements.
    return this.withErrors(reached, this.atoms.weightErrors(layer, event), false);
  }

  /** The same for a layer that reads what it rounded itself from exact values. */
  private pairsAlone(event: OutputEvent): readonly Pair[] {
    const layer = this.request.events.layers[event.layer];
    if (layer === undefined) return [];
    const reached = this.reached(event);
    return this.withErrors(
      reached,
      this.atoms.outputErrors(layer, this.roundedInputs.get(event.layer) ?? []),
      true,
    );
  }

  private reached(event: RoundingEvent): readonly Reached[] {
    return outputsOf(this.request.events, event).flatMap((name) => {
      const gradient = this.backward.factoredGradientOf(name);
      return gradient === undefined ? [] : [{ name, gradient }];
    });
  }

  private withErrors(
    reached: readonly Reached[],
    errors: ReadonlyMap<string, string>,
    isIndependent: boolean,
  ): readonly Pair[] {
    return reached.flatMap(({ name, gradient }) => {
      const atom = errors.get(name);
      return atom === undefined ? [] : [{ gradient, atom, of: name, isIndependent }];
    });
  }

  /** A reshape to -1 of nothing is refused. */
  private withElements(pairs: readonly Pair[]): readonly Pair[] {
    return pairs.filter(({ of }) => this.elementsOf(of) > 0);
  }

  private elementsOf(tensor: string): number {
    return elementsOf(this.request.shapes.get(tensor) ?? []);
  }

  private addConstants(column: number, { layer, inputs }: WeightEvent): void {
    const { node } = this.request.events.layers[layer] ?? {};
    for (const name of new Set(inputs.map((input) => node?.inputs[input] ?? ''))) {
      const square = this.atoms.knownSquare(name);
      if (square === undefined) this.products.addNorm('constants', column, this.atoms.errorOf(name));
      else this.constants.set(column, (this.constants.get(column) ?? 0) + square);
    }
  }

  /** Gradients as a whole: of the output, of what is read, of each constant. */
  private addCurvature(column: number, event: RoundingEvent): void {
    const { node, nodeIndex } = this.request.events.layers[event.layer] ?? {};
    if (node === undefined || nodeIndex === undefined) return;
    const weigh = (gradient: string, error: string, elements: number): void => {
      if (elements > 0) this.products.addWeighed(column, gradient, error, elements);
    };
    if (event.kind === 'output') {
      for (const name of event.outputs) {
        const gradient = this.backward.gradientOf(name);
        if (gradient === undefined) continue;
        this.products.addNorm('curvature', column, gradient);
        weigh(gradient, this.atoms.errorOf(name), this.elementsOf(name));
      }
      return;
    }
    if (event.kind === 'input') {
      const factored = this.contributionOf(nodeIndex, event.inputs);
      if (factored === undefined) return;
      const gradient = this.backward.multipliedOut(factored);
      weigh(gradient, this.atoms.inputError(event), this.elementsOf(event.tensor));
      return;
    }
    // One constant has one gradient, in however many places it is read.
    for (const name of new Set(event.inputs.map((input) => node.inputs[input] ?? ''))) {
      const places = event.inputs.filter((input) => node.inputs[input] === name);
      const factored = this.contributionOf(nodeIndex, places);
      if (factored === undefined) continue;
      const gradient = this.backward.multipliedOut(factored);
      this.products.addNorm('curvature', column, gradient);
      weigh(gradient, this.atoms.errorOf(name), this.constantElements(name));
    }
  }

  private constantElements(name: string): number {
    const { model, shapes } = this.request;
    return elementsOf(shapes.get(name) ?? modelFacts(model).index.constantOf(name)?.dims ?? [0]);
  }

  /** What a layer contributes to the gradient of a tensor that it reads in several places. */
  private contributionOf(node: number, inputs: readonly number[]): FactoredGradient | undefined {
    const [first, ...more] = inputs.flatMap(
      (input) => this.backward.factoredContributionOf(node, input) ?? [],
    );
    if (first === undefined || more.length === 0) return first;
    const parts = [first, ...more].map((part) => this.backward.multipliedOut(part));
    return { gradient: this.atoms.op('Sum', parts), factor: undefined };
  }
}
