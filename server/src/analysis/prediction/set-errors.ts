/**
 * The squared errors of a set of low layers, kept up to date as layers are flipped: adds and takes away the rows of the events
 * that a flip changes. Arithmetic on typed arrays; knows no plan, no tolerance and no interval.
 */
import { LayerStand, type RoundingEvents } from '../../plan/index.js';
import { EventUse, type OutputTable } from './event-table.js';

/** The relative squared error of an output in one sample, by what it consists of. */
export interface SquaredError {
  /** Of what pulls in one direction: (sum of effects)^2. */
  readonly coherent: number;
  /** Expected, of what does not. */
  readonly independent: number;
}

export interface OutputErrors {
  readonly table: OutputTable;
  readonly samples: readonly SquaredError[];
  /** How many directions of the output the independent part spreads over, estimated: 1 to its number of elements. */
  readonly dimensions: number;
}

export interface SetErrors {
  readonly outputs: readonly OutputErrors[];
  /** Places of low layers of which something is not known: their effect is not in `outputs`. */
  readonly unknown: readonly number[];
  /** Places of low layers that make something infinite or NaN. */
  readonly nonFinite: readonly number[];
}

/** After so many added and taken away, sums are made anew: what rounding leaves in them stays small. */
const MOST_CHANGES = 4096;

/** Sums for one output. */
interface Sums {
  readonly table: OutputTable;
  readonly coherent: Float64Array;
  readonly independent: Float64Array;
}

/** Keeps the sums of one format's events. */
export class RunningErrors {
  private readonly triggered: Uint8Array;
  private readonly wanted: Uint8Array;
  private readonly sums: readonly Sums[];
  /** By layer: something of it cannot be added up, `EventUse`; 0 where all can. */
  private readonly spoilt: Uint8Array;
  private changes = 0;

  constructor(
    private readonly events: RoundingEvents,
    tables: readonly OutputTable[],
  ) {
    const count = events.events.length;
    this.triggered = new Uint8Array(count);
    this.wanted = new Uint8Array(count);
    this.sums = tables.map((table) => ({
      table,
      coherent: new Float64Array(table.samples * table.probes),
      independent: new Float64Array(table.samples * table.probes),
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

  /** @param stands by place of a layer, `LayerStand`. */
  of(stands: Uint8Array): SetErrors {
    const { triggered, wanted } = this;
    this.events.trigger(stands, wanted);
    if (this.changes > MOST_CHANGES) this.clear();
    for (let event = 0; event < wanted.length; event++) {
      if (wanted[event] === triggered[event]) continue;
      this.change(event, wanted[event] === 1 ? 1 : -1);
      triggered[event] = wanted[event] ?? 0;
    }
    const unknown: number[] = [];
    const nonFinite: number[] = [];
    for (let place = 0; place < stands.length; place++) {
      if (stands[place] !== LayerStand.low || this.spoilt[place] === 0) continue;
      (this.spoilt[place] === EventUse.nonFinite ? nonFinite : unknown).push(place);
    }
    return { outputs: this.sums.map(outputErrors), unknown, nonFinite };
  }

  private change(event: number, sign: number): void {
    const layer = this.events.events[event]?.layer ?? 0;
    // What is not known of a layer as a whole is put in its place by whoever knows it.
    if (this.spoilt[layer] !== 0) return;
    this.changes += 1;
    for (const { table, coherent, independent } of this.sums) {
      const use = table.uses[event];
      if (use === EventUse.nothing) continue;
      const sums = use === EventUse.coherent ? coherent : independent;
      const start = event * sums.length;
      for (let at = 0; at < sums.length; at++) {
        sums[at] = (sums[at] ?? 0) + sign * (table.rows[start + at] ?? 0);
      }
    }
  }

  private clear(): void {
    this.changes = 0;
    this.triggered.fill(0);
    for (const { coherent, independent } of this.sums) {
      coherent.fill(0);
      independent.fill(0);
    }
  }
}

function outputErrors({ table, coherent, independent }: Sums): OutputErrors {
  const { samples: count, probes } = table;
  const samples: SquaredError[] = [];
  for (let sample = 0; sample < count; sample++) {
    let square = 0;
    let expected = 0;
    for (let at = sample * probes; at < (sample + 1) * probes; at++) {
      square += (coherent[at] ?? 0) ** 2;
      expected += Math.max(0, independent[at] ?? 0);
    }
    samples.push({ coherent: square, independent: expected });
  }
  return { table, samples, dimensions: dimensions(table, independent) };
}

/**
 * |tr C|^2 / tr C^2 of the covariance C of the independent part. With unit vectors as probes the rows are its diagonal. With random
 * signs v they are v'Cv, whose variance is twice the squares off the diagonal: at most that of a matrix with this trace and this
 * number of equal directions.
 */
function dimensions({ samples, probes, exact, elements }: OutputTable, rows: Float64Array): number {
  const most = Math.max(1, elements);
  let weight = 0;
  let found = 0;
  for (let sample = 0; sample < samples; sample++) {
    let sum = 0;
    let squares = 0;
    for (let at = sample * probes; at < (sample + 1) * probes; at++) {
      const value = Math.max(0, rows[at] ?? 0);
      sum += value;
      squares += value * value;
    }
    if (sum <= 0) continue;
    const spread = (squares / (sum * sum)) * probes - 1;
    weight += 1;
    found += exact ? squares / (sum * sum) : Math.max(0, (spread * probes) / Math.max(1, probes - 1)) / 2;
  }
  return weight === 0 || found === 0 ? most : Math.min(most, Math.max(1, weight / found));
}
