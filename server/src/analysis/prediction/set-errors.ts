/**
 * The squared errors of a set of low layers, kept up to date as layers are flipped: adds and takes away the rows of the events
 * that a flip changes. Arithmetic on typed arrays; knows no plan, no tolerance and no interval.
 */
import { LayerStand, type RoundingEvents } from '../../plan/index.js';
import { concentrationOf } from '../sketch/index.js';
import type { SharedEffect } from './anchors.js';
import { EventUse, type OutputTable } from './event-table.js';

/** The relative squared error of an output in one sample, by what it consists of. */
export interface SquaredError {
  /** Of weights: (sum of effects)^2. */
  readonly fixed: number;
  /** The part of `fixed` that random probes estimate. */
  readonly estimated: number;
  /** Of activations that are rounded all the same way: (sum of effects)^2. */
  readonly coherent: number;
  /** How many events have about the same part in `coherent`; 1 where one has most of it. */
  readonly draws: number;
  /** Expected, of activations that are rounded each in its own way. */
  readonly independent: number;
  /** How many directions of the output `independent` spreads over, estimated: 1 to its number of elements. */
  readonly directions: number;
}

export interface OutputErrors {
  readonly table: OutputTable;
  readonly samples: readonly SquaredError[];
  /** How many directions of the output the activations of all layers spread over, whichever of them are low. */
  readonly directions: number;
}

export interface SetErrors {
  readonly outputs: readonly OutputErrors[];
  /**
   * By place of a layer that was left out, then by output: how much of what it does by itself it would do in this set, since
   * some of what it rounds is representable already. 0 to 1.
   */
  readonly shares: ReadonlyMap<number, readonly number[]>;
  /** Places of low layers of which something is not known: their effect is not in `outputs`. */
  readonly unknown: readonly number[];
  /** Places of low layers that make something infinite or NaN. */
  readonly nonFinite: readonly number[];
}

/** In which format a layer's weights are. */
export const WeightStand = {
  /** In the layer's own. */
  asLayer: 0,
  /** In the format of the events, whatever the layer is in. */
  low: 1,
  /** In another one. */
  elsewhere: 2,
} as const;

/** What a set does of an event. */
const Done = {
  /** As of exact numbers. */
  exact: 1,
  /** Of numbers that the layer has rounded before it puts them together: the event's row is another one. */
  rounded: 2,
} as const;

/** After so many added and taken away, sums are made anew: what rounding leaves in them stays small. */
const MOST_CHANGES = 4096;

/** Sums for one output: sample by sample, K numbers each, or one. */
interface Sums {
  readonly table: OutputTable;
  readonly fixed: Float64Array;
  readonly coherent: Float64Array;
  readonly independent: Float64Array;
  /** By sample: squared effects of coherent events one by one, summed, and their squares. */
  readonly squares: Float64Array;
  readonly fourths: Float64Array;
}

const NO_PLACES: ReadonlySet<number> = new Set();
const NO_SHARES: ReadonlyMap<number, readonly number[]> = new Map();

/** Keeps the sums of one format's events. */
export class RunningErrors {
  /** By event: `Done`, 0 where it is not done. */
  private readonly triggered: Uint8Array;
  private readonly wanted: Uint8Array;
  private readonly scratch: Uint8Array;
  private readonly sums: readonly Sums[];
  /** By layer: something of it cannot be added up, `EventUse`; 0 where all can. */
  private readonly spoilt: Uint8Array;
  /** Events with a row of rounded numbers, each with that of its layer's constants, -1 where there is none. */
  private readonly ofRounded: readonly (readonly [event: number, constants: number])[];
  private changes = 0;
  private effects: readonly Float64Array[] | undefined;
  private directions: readonly number[] | undefined;

  /** @param unseen places of layers that an output depends on though the tables say nothing of it. */
  constructor(
    private readonly events: RoundingEvents,
    tables: readonly OutputTable[],
    unseen: readonly number[] = [],
  ) {
    const count = events.events.length;
    this.triggered = new Uint8Array(count);
    this.wanted = new Uint8Array(count);
    this.scratch = new Uint8Array(count);
    this.sums = tables.map((table) => ({
      table,
      fixed: new Float64Array(table.samples * table.probes),
      coherent: new Float64Array(table.samples * table.probes),
      independent: new Float64Array(table.samples * table.probes),
      squares: new Float64Array(table.samples),
      fourths: new Float64Array(table.samples),
    }));
    this.spoilt = new Uint8Array(events.layers.length);
    for (const [index, { layer }] of events.events.entries()) {
      for (const { uses } of tables) {
        const use = uses[index] ?? 0;
        if (use >= EventUse.unknown) this.spoilt[layer] = Math.max(use, this.spoilt[layer] ?? 0);
      }
    }
    const constants = new Map(
      events.events.flatMap(({ kind, layer }, index): [number, number][] =>
        kind === 'weight' ? [[layer, index]] : [],
      ),
    );
    this.ofRounded = [...new Set(tables.flatMap(({ rounded }) => [...(rounded?.keys() ?? [])]))].map(
      (event) => [event, constants.get(events.events[event]?.layer ?? -1) ?? -1],
    );
    for (const place of unseen) this.spoilt[place] ||= EventUse.unknown;
    events.covered.forEach((covered, place) => {
      if (!covered) this.spoilt[place] = EventUse.unknown;
    });
  }

  /** Whether the layer's effect can be added up. */
  isKnown(layer: number): boolean {
    return this.spoilt[layer] === 0;
  }

  /** Whether something that the layer rounds becomes infinite or NaN. */
  isNonFinite(layer: number): boolean {
    return this.spoilt[layer] === EventUse.nonFinite;
  }

  /**
   * @param stands by place of a layer, `LayerStand`.
   * @param weights by place of a layer, `WeightStand`; left out where all are as their layers.
   * @param leftOut places of layers whose own roundings are known as a whole to whoever asks: none of them is added up, while
   * what they give is as representable as that of others.
   */
  of(stands: Uint8Array, weights?: Uint8Array, leftOut: ReadonlySet<number> = NO_PLACES): SetErrors {
    const { triggered, wanted } = this;
    this.events.trigger(stands, wanted);
    const shares = leftOut.size === 0 ? NO_SHARES : this.sharesOf(leftOut);
    if (weights !== undefined) this.moveWeights(weights);
    if (leftOut.size > 0) this.leaveOut(leftOut);
    for (const [event, constants] of this.ofRounded) {
      const isRounded = constants < 0 || wanted[constants] === Done.exact;
      if (wanted[event] === Done.exact && isRounded) wanted[event] = Done.rounded;
    }
    if (this.changes > MOST_CHANGES) this.clear();
    for (let event = 0; event < wanted.length; event++) {
      const [before, now] = [triggered[event] ?? 0, wanted[event] ?? 0];
      if (before === now) continue;
      if (before !== 0) this.change(event, before, -1);
      if (now !== 0) this.change(event, now, 1);
      triggered[event] = now;
    }
    const unknown: number[] = [];
    const nonFinite: number[] = [];
    for (let place = 0; place < stands.length; place++) {
      if (this.spoilt[place] === 0 || leftOut.has(place)) continue;
      if (stands[place] !== LayerStand.low && weights?.[place] !== WeightStand.low) continue;
      (this.spoilt[place] === EventUse.nonFinite ? nonFinite : unknown).push(place);
    }
    const directions = (this.directions ??= this.sums.map(({ table }) => directionsOfAll(table)));
    const outputs = this.sums.map((own, at) => outputErrors(own, directions[at] ?? 1));
    return { outputs, shares, unknown, nonFinite };
  }

  private leaveOut(places: ReadonlySet<number>): void {
    for (const [index, { layer }] of this.events.events.entries()) {
      if (places.has(layer)) this.wanted[index] = 0;
    }
  }

  /** Of layers that are in the format. */
  private sharesOf(places: ReadonlySet<number>): ReadonlyMap<number, readonly number[]> {
    return this.sharesIn(this.wanted, places);
  }

  /**
   * The shares of layers in a set in another format, of which nothing is known but single layers: what is rounded twice there is rounded twice
   * here, and the parts of a layer's effect are about as large beside each other in one format as in another.
   *
   * @param stands how layers stand to that format, by place.
   */
  sharesLike(stands: Uint8Array, places: ReadonlySet<number>): ReadonlyMap<number, readonly number[]> {
    this.events.trigger(stands, this.scratch);
    return this.sharesIn(this.scratch, places);
  }

  /** By itself a layer rounds all that it reads and writes. */
  private sharesIn(
    triggered: Uint8Array,
    places: ReadonlySet<number>,
  ): ReadonlyMap<number, readonly number[]> {
    const shares = new Map<number, readonly number[]>();
    const sums = new Map([...places].map((place) => [place, this.sums.map(() => ({ alone: 0, here: 0 }))]));
    for (const [index, { layer }] of this.events.events.entries()) {
      for (const [output, sum] of sums.get(layer)?.entries() ?? []) {
        const effect = this.eventEffects()[output]?.[index] ?? 0;
        sum.alone += effect;
        if ((triggered[index] ?? 0) !== 0) sum.here += effect;
      }
    }
    for (const [place, own] of sums) {
      shares.set(
        place,
        own.map(({ alone, here }) => (alone > 0 && Number.isFinite(alone) ? here / alone : 1)),
      );
    }
    return shares;
  }

  private eventEffects(): readonly Float64Array[] {
    return (this.effects ??= this.sums.map(({ table }) => this.effectsOf(table)));
  }

  private moveWeights(weights: Uint8Array): void {
    for (const [index, { kind, layer }] of this.events.events.entries()) {
      const stand = weights[layer];
      if (kind === 'weight' && stand !== WeightStand.asLayer) {
        this.wanted[index] = stand === WeightStand.low ? 1 : 0;
      }
    }
  }

  /** The roundings of the set that was asked for last, by event: 1 where it is one of them. */
  triggeredNow(): Uint8Array {
    return this.triggered.map((done) => Math.min(1, done));
  }

  /** By output: the effects of that set and of another one, as far as they can be added up. */
  sharedWith(other: Uint8Array): readonly SharedEffect[] {
    const { triggered } = this;
    return this.eventEffects().map((effects): SharedEffect => {
      let [one, another, both] = [0, 0, 0];
      for (let event = 0; event < effects.length; event++) {
        const effect = effects[event] ?? 0;
        const own = Math.min(1, triggered[event] ?? 0) * effect;
        one += own;
        another += (other[event] ?? 0) * effect;
        both += (other[event] ?? 0) * own;
      }
      return { one, other: another, both };
    });
  }

  /** By event: its squared effect by itself, of all samples; 0 where its layer is known as a whole. */
  private effectsOf({ uses, rows, rounded, samples, probes }: OutputTable): Float64Array {
    const width = samples * probes;
    return Float64Array.from(uses, (use, event) => {
      if (this.spoilt[this.events.events[event]?.layer ?? 0] !== 0) return 0;
      let effect = 0;
      const row = rounded?.get(event) ?? rows.subarray(event * width, (event + 1) * width);
      for (const value of row) {
        effect += use === EventUse.independent ? value : value * value;
      }
      return effect;
    });
  }

  private change(event: number, done: number, sign: number): void {
    const layer = this.events.events[event]?.layer ?? 0;
    // What is not known of a layer as a whole is put in its place by whoever knows it.
    if (this.spoilt[layer] !== 0) return;
    this.changes += 1;
    for (const own of this.sums) {
      const { table } = own;
      const use = table.uses[event];
      if (use === EventUse.nothing) continue;
      const sums =
        use === EventUse.fixed ? own.fixed : use === EventUse.coherent ? own.coherent : own.independent;
      const other = done === Done.rounded ? table.rounded?.get(event) : undefined;
      const [rows, start] = other === undefined ? [table.rows, event * sums.length] : [other, 0];
      for (let at = 0; at < sums.length; at++) {
        sums[at] = (sums[at] ?? 0) + sign * (rows[start + at] ?? 0);
      }
      if (use === EventUse.coherent) addSquares(own, rows, start, sign);
    }
  }

  private clear(): void {
    this.changes = 0;
    this.triggered.fill(0);
    for (const { fixed, coherent, independent, squares, fourths } of this.sums) {
      for (const sums of [fixed, coherent, independent, squares, fourths]) sums.fill(0);
    }
  }
}

function addSquares(
  { table, squares, fourths }: Sums,
  rows: Float32Array,
  start: number,
  sign: number,
): void {
  const { samples, probes } = table;
  for (let sample = 0; sample < samples; sample++) {
    let square = 0;
    const from = start + sample * probes;
    for (let at = from; at < from + probes; at++) square += (rows[at] ?? 0) ** 2;
    squares[sample] = (squares[sample] ?? 0) + sign * square;
    fourths[sample] = (fourths[sample] ?? 0) + sign * square * square;
  }
}

function outputErrors(
  { table, fixed, coherent, independent, squares, fourths }: Sums,
  directions: number,
): OutputErrors {
  const { samples: count, probes } = table;
  const concentration = table.kinds.map((kinds, sample) =>
    concentrationOf(independent, sample * probes, kinds),
  );
  const present = concentration.flatMap((one) => one ?? []);
  const usual = present.reduce((sum, one) => sum + one, 0) / Math.max(1, present.length);
  const samples: SquaredError[] = [];
  for (let sample = 0; sample < count; sample++) {
    const from = sample * probes;
    let weights = 0;
    let estimated = 0;
    let together = 0;
    const { aligned = 0 } = table.kinds[sample] ?? {};
    let expected = 0;
    for (let at = from; at < from + probes; at++) {
      const square = (fixed[at] ?? 0) ** 2;
      weights += square;
      if (at - from >= aligned) estimated += square;
      together += (coherent[at] ?? 0) ** 2;
      expected += Math.max(0, independent[at] ?? 0);
    }
    const square = Math.max(0, squares[sample] ?? 0);
    const fourth = Math.max(0, fourths[sample] ?? 0);
    samples.push({
      fixed: weights,
      estimated,
      coherent: together,
      draws: fourth > 0 ? Math.max(1, (square * square) / fourth) : 1,
      independent: expected,
      // Few probes tell little of one sample, and samples do differ: the more careful of the two.
      directions: directionsOf(table, Math.max(usual, concentration[sample] ?? 0)),
    });
  }
  return { table, samples, directions };
}

/** Of all that is rounded independently, whatever is low, on average over the samples. */
function directionsOfAll(table: OutputTable): number {
  const { uses, rows, samples, probes } = table;
  const width = samples * probes;
  const all = new Float64Array(width);
  for (const [event, use] of uses.entries()) {
    if (use !== EventUse.independent) continue;
    for (let at = 0; at < width; at++) all[at] = (all[at] ?? 0) + (rows[event * width + at] ?? 0);
  }
  const present = concentrations(table, all).flatMap((one) => one ?? []);
  const usual = present.reduce((sum, one) => sum + one, 0) / Math.max(1, present.length);
  return directionsOf(table, usual);
}

function directionsOf({ elements }: OutputTable, concentration: number): number {
  const most = Math.max(1, elements);
  return concentration > 0 ? Math.min(most, Math.max(1, 1 / concentration)) : most;
}

/** By sample: one over the number of directions of the independent part; undefined where there is none. */
function concentrations({ kinds, probes }: OutputTable, rows: Float64Array): readonly (number | undefined)[] {
  return kinds.map((kind, sample) => concentrationOf(rows, sample * probes, kind));
}
