/**
 * The squared errors of a set of low layers, kept up to date as layers are flipped: adds and takes away the rows of the events
 * that a flip changes. Arithmetic on typed arrays; knows no plan, no tolerance and no interval.
 */
import { LayerStand, type RoundingEvents } from '../../plan/index.js';
import type { SharedEffect } from './anchors.js';
import { EventUse, type OutputTable } from './event-table.js';

/** The relative squared error of an output in one sample, by what it consists of. */
export interface SquaredError {
  /** Of weights: (sum of effects)^2. */
  readonly fixed: number;
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
}

export interface SetErrors {
  readonly outputs: readonly OutputErrors[];
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

/** Keeps the sums of one format's events. */
export class RunningErrors {
  private readonly triggered: Uint8Array;
  private readonly wanted: Uint8Array;
  private readonly sums: readonly Sums[];
  /** By layer: something of it cannot be added up, `EventUse`; 0 where all can. */
  private readonly spoilt: Uint8Array;
  private changes = 0;
  private effects: readonly Float64Array[] | undefined;

  constructor(
    private readonly events: RoundingEvents,
    tables: readonly OutputTable[],
  ) {
    const count = events.events.length;
    this.triggered = new Uint8Array(count);
    this.wanted = new Uint8Array(count);
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
    events.covered.forEach((covered, place) => {
      if (!covered) this.spoilt[place] = EventUse.unknown;
    });
  }

  /** Whether the layer's effect can be added up. */
  isKnown(layer: number): boolean {
    return this.spoilt[layer] === 0;
  }

  /**
   * @param stands by place of a layer, `LayerStand`.
   * @param weights by place of a layer, `WeightStand`; left out where all are as their layers.
   */
  of(stands: Uint8Array, weights?: Uint8Array): SetErrors {
    const { triggered, wanted } = this;
    this.events.trigger(stands, wanted);
    if (weights !== undefined) this.moveWeights(weights);
    if (this.changes > MOST_CHANGES) this.clear();
    for (let event = 0; event < wanted.length; event++) {
      if (wanted[event] === triggered[event]) continue;
      this.change(event, wanted[event] === 1 ? 1 : -1);
      triggered[event] = wanted[event] ?? 0;
    }
    const unknown: number[] = [];
    const nonFinite: number[] = [];
    for (let place = 0; place < stands.length; place++) {
      if (this.spoilt[place] === 0) continue;
      if (stands[place] !== LayerStand.low && weights?.[place] !== WeightStand.low) continue;
      (this.spoilt[place] === EventUse.nonFinite ? nonFinite : unknown).push(place);
    }
    return { outputs: this.sums.map(outputErrors), unknown, nonFinite };
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
    return this.triggered.slice();
  }

  /** By output: the effects of that set and of another one, as far as they can be added up. */
  sharedWith(other: Uint8Array): readonly SharedEffect[] {
    const { triggered } = this;
    this.effects ??= this.sums.map(({ table }) => this.effectsOf(table));
    return this.effects.map((effects): SharedEffect => {
      let [one, another, both] = [0, 0, 0];
      for (let event = 0; event < effects.length; event++) {
        const effect = effects[event] ?? 0;
        const own = (triggered[event] ?? 0) * effect;
        one += own;
        another += (other[event] ?? 0) * effect;
        both += (other[event] ?? 0) * own;
      }
      return { one, other: another, both };
    });
  }

  /** By event: its squared effect by itself, of all samples; 0 where its layer is known as a whole. */
  private effectsOf({ uses, rows, samples, probes }: OutputTable): Float64Array {
    const width = samples * probes;
    return Float64Array.from(uses, (use, event) => {
      if (this.spoilt[this.events.events[event]?.layer ?? 0] !== 0) return 0;
      let effect = 0;
      for (let at = event * width; at < (event + 1) * width; at++) {
        const value = rows[at] ?? 0;
        effect += use === EventUse.independent ? value : value * value;
      }
      return effect;
    });
  }

  private change(event: number, sign: number): void {
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
      const start = event * sums.length;
      for (let at = 0; at < sums.length; at++) {
        sums[at] = (sums[at] ?? 0) + sign * (table.rows[start + at] ?? 0);
      }
      if (use === EventUse.coherent) addSquares(own, start, sign);
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

function addSquares({ table, squares, fourths }: Sums, start: number, sign: number): void {
  const { samples, probes, rows } = table;
  for (let sample = 0; sample < samples; sample++) {
    let square = 0;
    const from = start + sample * probes;
    for (let at = from; at < from + probes; at++) square += (rows[at] ?? 0) ** 2;
    squares[sample] = (squares[sample] ?? 0) + sign * square;
    fourths[sample] = (fourths[sample] ?? 0) + sign * square * square;
  }
}

function outputErrors({ table, fixed, coherent, independent, squares, fourths }: Sums): OutputErrors {
  const { samples: count, probes } = table;
  const concentration = concentrations(table, independent);
  const present = concentration.flatMap((one) => one ?? []);
  const usual = present.reduce((sum, one) => sum + one, 0) / Math.max(1, present.length);
  const samples: SquaredError[] = [];
  for (let sample = 0; sample < count; sample++) {
    const from = sample * probes;
    let weights = 0;
    let together = 0;
    let expected = 0;
    for (let at = from; at < from + probes; at++) {
      weights += (fixed[at] ?? 0) ** 2;
      together += (coherent[at] ?? 0) ** 2;
      expected += Math.max(0, independent[at] ?? 0);
    }
    const square = Math.max(0, squares[sample] ?? 0);
    const fourth = Math.max(0, fourths[sample] ?? 0);
    samples.push({
      fixed: weights,
      coherent: together,
      draws: fourth > 0 ? Math.max(1, (square * square) / fourth) : 1,
      independent: expected,
      // Few probes tell little of one sample, and samples do differ: the more careful of the two.
      directions: directionsOf(table, Math.max(usual, concentration[sample] ?? 0)),
    });
  }
  return { table, samples };
}

function directionsOf({ elements }: OutputTable, concentration: number): number {
  const most = Math.max(1, elements);
  return concentration > 0 ? Math.min(most, Math.max(1, 1 / concentration)) : most;
}

/**
 * By sample: tr C^2 / |tr C|^2 of the covariance C of the independent part, one over the number of directions; undefined where
 * there is none. With unit vectors
 * as probes the rows are its diagonal. With random signs v they are v'Cv, whose variance is twice the squares off the diagonal:
 * at most that of a matrix with this trace and this number of equal directions.
 */
function concentrations(
  { samples, probes, exact }: OutputTable,
  rows: Float64Array,
): readonly (number | undefined)[] {
  return Array.from({ length: samples }, (_, sample) => {
    let sum = 0;
    let squares = 0;
    for (let at = sample * probes; at < (sample + 1) * probes; at++) {
      const value = Math.max(0, rows[at] ?? 0);
      sum += value;
      squares += value * value;
    }
    if (sum <= 0) return undefined;
    const spread = (squares / (sum * sum)) * probes - 1;
    return exact ? squares / (sum * sum) : Math.max(0, (spread * probes) / Math.max(1, probes - 1)) / 2;
  });
}
