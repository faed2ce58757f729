/**
 * Every rounding that a plan can bring about in one low format, and which of them a set of low layers does: each
 * counted once, at the place where a value becomes representable. Movement is seen through. Knows where roundings stand, not
 * what they cost; emulate/ puts casts at the same places, and a test compares the two.
 *
 * Layers of sub-graphs and functions, which run any number of times, and layers of other types than FP32 have none.
 */
import { isFloatFormat, roundTo, type LowFormatName } from '../../formats/index.js';
import {
  DataType,
  finish,
  inputFollowsMainType,
  isStep,
  outputFollowsMainType,
  type Model,
  type Steps,
} from '../../onnx/index.js';
import { modelFacts, type ModelFacts } from '../model/model-facts.js';
import { nodeRoles } from '../model/roles.js';
import { isRunFormat, nodeRoundingOf } from './roundings.js';
import { isInMainGraph } from '../model/scopes.js';
import { preservesValues } from '../model/value-preserving.js';
import { ValueSources } from './value-sources.js';
import type { Layer } from '../types.js';

/** The constants that a layer reads are rounded. */
export interface WeightEvent {
  readonly kind: 'weight';
  /** Place among the layers. */
  readonly layer: number;
  /** Places among the node's inputs. */
  readonly inputs: readonly number[];
}

/** A tensor that is not yet representable enters a layer. */
export interface InputEvent {
  readonly kind: 'input';
  readonly layer: number;
  /** Places among the node's inputs: it may read the tensor more than once. */
  readonly inputs: readonly number[];
  readonly tensor: string;
  /** What the tensor's values are made of, of which this event rounds one part; itself where nothing moves them. */
  readonly source: string;
  /** Whether the tensor has other values than those of `source`. */
  readonly isPart: boolean;
}

/** What a layer computes is rounded. */
export interface OutputEvent {
  readonly kind: 'output';
  readonly layer: number;
  /** Names of the tensors. */
  readonly outputs: readonly string[];
}

export type RoundingEvent = WeightEvent | InputEvent | OutputEvent;

/** How a layer stands in a plan, for `RoundingEvents.trigger`. */
export const LayerStand = {
  /** In its own format. */
  exact: 0,
  /** In the format of the events. */
  low: 1,
  /** In another low format, whose numbers the events' format does not hold. */
  otherLow: 2,
} as const;

export interface RoundingEvents {
  readonly format: LowFormatName;
  readonly layers: readonly Layer[];
  readonly events: readonly RoundingEvent[];
  /** By place of a layer: whether its roundings are among the events. */
  readonly covered: readonly boolean[];
  /**
   * Marks with 1 the events that a plan triggers, all others with 0. Linear in layers and events, and makes no
   * garbage: it is run at every keystroke.
   *
   * @param stands by place of a layer, `LayerStand`.
   * @param triggered by event; written.
   */
  trigger(stands: Uint8Array, triggered: Uint8Array): void;
}

/** What stands in place of a layer where values come from somewhere that no decision changes. */
const NEVER = -1;

/** The events of `layers`, which are those of the model or some of them; the others stay exact. */
export function roundingEvents(
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
): RoundingEvents {
  return finish(roundingEventsSteps(model, layers, format));
}

/** The same, a few layers at a time. */
export function* roundingEventsSteps(
  model: Model,
  layers: readonly Layer[],
  format: LowFormatName,
): Steps<RoundingEvents> {
  const walk = new EventWalk(model, layers, format);
  yield;
  return yield* walk.result();
}

class EventWalk {
  private readonly facts: ModelFacts;
  private readonly sources: ValueSources;
  private readonly placeOfNode: ReadonlyMap<number, number>;
  private readonly events: RoundingEvent[] = [];
  /** Beside `events`: the layer that a rounding of an input depends on. */
  private readonly origins: number[] = [];

  constructor(
    private readonly model: Model,
    private readonly layers: readonly Layer[],
    private readonly format: LowFormatName,
  ) {
    this.facts = modelFacts(model);
    this.sources = new ValueSources(model, nodeRoles(model), format);
    this.placeOfNode = new Map(layers.map(({ nodeIndex }, place) => [nodeIndex, place]));
  }

  *result(): Steps<RoundingEvents> {
    const { format, layers, events } = this;
    const firstEvent = new Uint32Array(layers.length + 1);
    const covered: boolean[] = [];
    const passed: (ReturnType<EventWalk['passedOn']> | undefined)[] = [];
    for (const [place, layer] of layers.entries()) {
      if (isStep(place)) yield;
      const isPreserving = this.isPreserving(layer);
      covered.push(this.isCovered(layer));
      passed.push(isPreserving ? this.passedOn(layer) : undefined);
      if (covered[place] === true) this.addEvents(layer, place, isPreserving);
      firstEvent[place + 1] = events.length;
    }
    yield;
    const origins = Int32Array.from(this.origins);
    const order = this.facts.index.order.flatMap((node) => this.placeOfNode.get(node) ?? []);
    const states = new Uint8Array(layers.length);
    const stateAt = (place: number): number => states[place] ?? 0;
    return {
      format,
      layers,
      events,
      covered,
      trigger(stands, triggered) {
        triggered.fill(0);
        for (const place of order) {
          const stand = stands[place] ?? LayerStand.exact;
          states[place] = stand === LayerStand.exact ? commonState(passed[place] ?? NOTHING, stateAt) : stand;
          if (stand !== LayerStand.low) continue;
          const end = firstEvent[place + 1] ?? 0;
          for (let event = firstEvent[place] ?? 0; event < end; event++) {
            const origin = origins[event] ?? NEVER;
            if (origin === NEVER || stateAt(origin) !== LayerStand.low) triggered[event] = 1;
          }
        }
      },
    };
  }

  /** What an integer format holds depends on the tensor's own scale. */
  private isPreserving({ node }: Layer): boolean {
    const { format } = this;
    return (
      isFloatFormat(format) && preservesValues(node, (value) => Object.is(roundTo(format, value), value))
    );
  }

  private isCovered({ node, nodeIndex }: Layer): boolean {
    const { facts, model } = this;
    const schema = facts.schema(node);
    if (schema === undefined || !isInMainGraph(model, nodeIndex) || facts.isContainer(node)) return false;
    const main = [
      ...node.inputs.filter((name, input) => name !== '' && inputFollowsMainType(schema, input)),
      ...node.outputs.filter((name, output) => name !== '' && outputFollowsMainType(schema, output)),
    ];
    return main.every((name) => facts.elementType(name) === DataType.FLOAT);
  }

  private mainInputs({ node }: Layer): readonly { readonly name: string; readonly input: number }[] {
    const schema = this.facts.schema(node);
    if (schema === undefined) return [];
    return node.inputs.flatMap((name, input) =>
      name !== '' && inputFollowsMainType(schema, input) ? [{ name, input }] : [],
    );
  }

  /** Those that the format rounds: integer arithmetic leaves what is added to a sum as it is. */
  private roundedInputs(layer: Layer): readonly { readonly name: string; readonly input: number }[] {
    const all = this.mainInputs(layer);
    if (isRunFormat(this.format)) return all;
    const own = nodeRoundingOf(this.model, layer, this.format);
    return all.filter(({ input }) => own?.inputs[input] !== undefined);
  }

  /** The layers whose numbers an exact layer hands on; what it takes from elsewhere is `NEVER`. */
  private passedOn(layer: Layer): Int32Array {
    const all = this.mainInputs(layer).flatMap(({ name }) => this.sources.of(name));
    return Int32Array.from(all.filter(({ exact }) => !exact).map(({ node }) => this.originOf(node)));
  }

  private originOf(node: number): number {
    return this.placeOfNode.get(node) ?? NEVER;
  }

  private addEvents(layer: Layer, place: number, preserving: boolean): void {
    const constants: number[] = [];
    const read = new Map<string, number[]>();
    for (const { name, input } of this.roundedInputs(layer)) {
      const sources = this.sources.of(name);
      if (sources.every(({ exact }) => exact)) continue;
      if (sources.every(({ kind }) => kind === 'constant')) constants.push(input);
      else read.set(name, [...(read.get(name) ?? []), input]);
    }
    if (constants.length > 0) this.add({ kind: 'weight', layer: place, inputs: constants }, NEVER);
    for (const [tensor, inputs] of read) {
      const sources = this.sources.of(tensor);
      for (const { tensor: source, node, exact } of sources) {
        if (exact) continue;
        const isPart = sources.length > 1;
        this.add({ kind: 'input', layer: place, inputs, tensor, source, isPart }, this.originOf(node));
      }
    }
    if (preserving) return;
    const schema = this.facts.schema(layer.node);
    const outputs = layer.node.outputs.filter(
      (name, output) => name !== '' && schema !== undefined && outputFollowsMainType(schema, output),
    );
    if (outputs.length > 0) this.add({ kind: 'output', layer: place, outputs }, NEVER);
  }

  private add(event: RoundingEvent, origin: number): void {
    this.events.push(event);
    this.origins.push(origin);
  }
}

const NOTHING = new Int32Array(0);

/** The format that all of the values are in; exact where there is none, or more than one. */
function commonState(passed: Int32Array, stateAt: (place: number) => number): number {
  let common: number = LayerStand.exact;
  for (const [index, place] of passed.entries()) {
    const state = place === NEVER ? LayerStand.exact : stateAt(place);
    if (index > 0 && state !== common) return LayerStand.exact;
    common = state;
  }
  return common;
}
