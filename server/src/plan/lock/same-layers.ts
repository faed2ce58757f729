/**
 * Which layers of two models are the same by operator, weights and place, whatever they are called: the ones of a model
 * and those of the same model exported again. Never guesses: what several layers could be, or what two signs disagree on,
 * is nothing. Knows records, no plan.
 */
import { isStep, type Steps } from '../../onnx/index.js';
import type { LayerRecord } from './layer-records.js';

/**
 * By index in `before`: the index in `after` of the same layer, or -1. No layer of `after` is given twice.
 *
 * The signs, from the surest on: all that leads to the layer and all that follows are alike, weights included; it alone holds
 * these weights; all that leads to it is alike, or all that follows, or what is around it, and nothing else is; then
 * the same without the values of weights, as after more training. Where a model has twins, layers that no sign tells
 * apart, equal names are taken for the same; the order decides only among twins of which there are as many as before.
 */
export function* sameLayersSteps(
  before: readonly LayerRecord[],
  after: readonly LayerRecord[],
): Steps<Int32Array> {
  const pairing = new Pairing(before, after);
  const colours = new Colours();
  const old = yield* colourSteps(before, colours);
  const fresh = yield* colourSteps(after, colours);
  yield* pairing.twins(old.place, fresh.place, 'in order');
  yield* pairing.agreed([
    [old.weights, fresh.weights],
    [old.above, fresh.above],
    [old.below, fresh.below],
    [old.around, fresh.around],
  ]);
  yield* pairing.twins(old.form, fresh.form, 'by name');
  pairing.named(old.shape, fresh.shape);
  yield;
  yield* pairing.agreed([
    [old.formAbove, fresh.formAbove],
    [old.formBelow, fresh.formBelow],
  ]);
  return pairing.found;
}

/** Equal numbers stand for equal things, over both models. */
class Colours {
  private readonly numbers = new Map<string, number>();

  of(...parts: readonly (string | number)[]): number {
    const text = parts.join('\n');
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.numbers.size);
    return this.numbers.size - 1;
  }
}

/** Stands for a sign that a layer does not have. */
const NONE = -1;

/** By layer, each a colour. */
interface LayerColours {
  /** Operator and shapes of weights. */
  readonly shape: readonly number[];
  /** Operator and weights; `NONE` where these are none, unknown, or the same number throughout. */
  readonly weights: readonly number[];
  /** The layer with everything that leads to it and everything that follows. */
  readonly place: readonly number[];
  /** The layer with what leads to it, or with what follows, and in either case the operators beside it. */
  readonly above: readonly number[];
  readonly below: readonly number[];
  /** The layer and what is at most two layers away. */
  readonly around: readonly number[];
  /** The same as `place` without values of weights and parameters. */
  readonly form: readonly number[];
  /** The same as `above` and `below` without them, with what is around the layer on either side. */
  readonly formAbove: readonly number[];
  readonly formBelow: readonly number[];
}

/** How many layers away the neighbours are that tell a place. */
const RADIUS = 2;

function* colourSteps(records: readonly LayerRecord[], colours: Colours): Steps<LayerColours> {
  const readers = readersOf(records);
  const shapesOf = (record: LayerRecord): string => record.weights.map(({ shape }) => shape).join(' ');
  const contentsOf = (record: LayerRecord): string =>
    record.weights.map(({ content }) => content ?? '?').join(' ');
  const graph: LayerGraph = { records, readers, colours };
  const shape: number[] = [];
  const held: number[] = [];
  const whole: number[] = [];
  for (const [index, record] of records.entries()) {
    if (isStep(index)) yield;
    const form = colours.of('shape', record.operator, shapesOf(record));
    const colour = colours.of('held', form, contentsOf(record));
    shape.push(form);
    held.push(colour);
    whole.push(colours.of('whole', colour, record.parameters));
  }
  const above = yield* aboveSteps(graph, whole, true);
  const below = yield* belowSteps(graph, whole, true);
  const formAbove = yield* aboveSteps(graph, shape, false);
  const formBelow = yield* belowSteps(graph, shape, false);
  const beside = yield* aroundSteps(graph, shape, 1);
  const formAround = yield* aroundSteps(graph, shape, RADIUS);
  function* both(what: string, one: readonly number[], other: readonly number[]): Steps<readonly number[]> {
    const found: number[] = [];
    for (const [index, colour] of one.entries()) {
      if (isStep(index)) yield;
      found.push(colours.of(what, colour, other[index] ?? NONE));
    }
    return found;
  }
  return {
    shape,
    weights: held.map((colour, index) => (isTelling(records[index]) ? colour : NONE)),
    place: yield* both('place', above, below),
    above: yield* both('beside', above, beside),
    below: yield* both('beside', below, beside),
    around: yield* aroundSteps(graph, held, RADIUS),
    form: yield* both('form', formAbove, formBelow),
    formAbove: yield* both('around', formAbove, formAround),
    formBelow: yield* both('around', formBelow, formAround),
  };
}

/** Whether the weights of a layer can tell it from another. */
function isTelling(record: LayerRecord | undefined): boolean {
  const weights = record?.weights ?? [];
  return weights.some((one) => !one.isUniform) && weights.every((one) => one.content !== undefined);
}

/** A reader of a layer, and at which place among what it reads. */
interface ReaderRecord {
  readonly reader: number;
  readonly place: number;
}

function readersOf(records: readonly LayerRecord[]): readonly (readonly ReaderRecord[])[] {
  const readers: ReaderRecord[][] = records.map(() => []);
  records.forEach(({ from }, reader) => {
    from.forEach(({ layer }, place) => {
      if (layer !== undefined) readers[layer]?.push({ reader, place });
    });
  });
  return readers;
}

/** Layers and what reads them. */
interface LayerGraph {
  readonly records: readonly LayerRecord[];
  readonly readers: readonly (readonly ReaderRecord[])[];
  readonly colours: Colours;
}

/**
 * Layers by themselves and everything that leads to them.
 *
 * @param own the colour of each layer by itself.
 * @param paths whether it matters what stands between two layers.
 */
function* aboveSteps(
  { records, colours }: LayerGraph,
  own: readonly number[],
  paths: boolean,
): Steps<readonly number[]> {
  const above: number[] = [];
  for (const [index, { from }] of records.entries()) {
    if (isStep(index)) yield;
    const sources = from.map(({ layer, path }) => {
      const colour = layer === undefined ? 'input' : (above[layer] ?? NONE);
      return paths || layer === undefined ? `${colour} ${path}` : `${colour}`;
    });
    above.push(colours.of(paths ? 'above' : 'form above', own[index] ?? NONE, ...sources));
  }
  return above;
}

/** Layers by themselves and everything that follows. */
function* belowSteps(
  { records, readers, colours }: LayerGraph,
  own: readonly number[],
  paths: boolean,
): Steps<readonly number[]> {
  const below = records.map(() => NONE);
  for (let index = records.length - 1; index >= 0; index -= 1) {
    if (isStep(index)) yield;
    const read = (readers[index] ?? []).map(({ reader, place }) => {
      const path = records[reader]?.from[place]?.path ?? '';
      return `${below[reader] ?? NONE} ${place} ${paths ? path : ''}`;
    });
    const outputs = `to ${(records[index]?.to ?? []).join(' ')}`;
    below[index] = colours.of(paths ? 'below' : 'form below', own[index] ?? NONE, outputs, ...read.sort());
  }
  return below;
}

/** Layers by themselves and what is at most `radius` layers away. */
function* aroundSteps(
  { records, readers, colours }: LayerGraph,
  own: readonly number[],
  radius: number,
): Steps<readonly number[]> {
  let around = own;
  for (let round = 0; round < radius; round += 1) {
    const wider: number[] = [];
    for (const [index, { from, to }] of records.entries()) {
      if (isStep(index)) yield;
      const sources = from.map(({ layer, path }) =>
        layer === undefined ? path : String(around[layer] ?? NONE),
      );
      const read = (readers[index] ?? []).map(({ reader, place }) => `${around[reader] ?? NONE} ${place}`);
      wider.push(
        colours.of('around', around[index] ?? NONE, ...sources, 'read', ...read.sort(), 'to', ...to),
      );
    }
    around = wider;
  }
  return around;
}

/** Pairs found so far. A layer that is paired is out of every later question. */
class Pairing {
  readonly found: Int32Array;
  private readonly taken: Uint8Array;

  constructor(
    private readonly before: readonly LayerRecord[],
    private readonly after: readonly LayerRecord[],
  ) {
    this.found = new Int32Array(before.length).fill(NONE);
    this.taken = new Uint8Array(after.length);
  }

  /**
   * Pairs what has the same colour: equal names first, then what alone is left of a colour on both sides, and `in order`
   * as many as are left where these are as many on both sides.
   */
  *twins(old: readonly number[], fresh: readonly number[], rest: 'in order' | 'by name'): Steps<void> {
    const groups = allOf(fresh);
    yield;
    let seen = 0;
    for (const [colour, members] of allOf(old)) {
      if (isStep((seen += 1))) yield;
      const others = groups.get(colour) ?? [];
      const names = new Map(others.map((index) => [this.after[index]?.name, index]));
      for (const member of members) {
        const same = names.get(this.before[member]?.name);
        if (same !== undefined) this.pair(member, same);
      }
      const [left, right] = [this.openBefore(members), this.openAfter(others)];
      if (left.length !== right.length || (rest === 'by name' && left.length > 1)) continue;
      left.forEach((member, at) => {
        this.pair(member, right[at] ?? NONE);
      });
    }
  }

  /** Pairs what at least one sign pairs, alone of its colour in both models, and no other sign pairs otherwise. */
  *agreed(signs: readonly (readonly [readonly number[], readonly number[]])[]): Steps<void> {
    const claims = this.before.map(() => NONE);
    const refused = new Set<number>();
    for (const [old, fresh] of signs) {
      yield;
      const groups = allOf(fresh);
      for (const [colour, members] of allOf(old)) {
        const others = groups.get(colour) ?? [];
        const [member, other] = [members[0], others[0]];
        if (member === undefined || other === undefined) continue;
        if (members.length > 1 || others.length > 1) continue;
        if ((claims[member] ?? NONE) !== NONE && claims[member] !== other) refused.add(member);
        claims[member] = other;
      }
    }
    yield;
    const claimed = new Map<number, number>();
    for (const other of claims) claimed.set(other, (claimed.get(other) ?? 0) + 1);
    claims.forEach((other, member) => {
      if (other === NONE || refused.has(member) || claimed.get(other) !== 1) return;
      this.pair(member, other);
    });
  }

  /** Pairs what has the same name and colour. */
  named(old: readonly number[], fresh: readonly number[]): void {
    const names = new Map(this.after.map(({ name }, index) => [name, index]));
    this.before.forEach(({ name }, member) => {
      const other = names.get(name);
      if (other !== undefined && old[member] === fresh[other]) this.pair(member, other);
    });
  }

  private pair(member: number, other: number): void {
    if (other === NONE || this.found[member] !== NONE || this.taken[other] === 1) return;
    this.found[member] = other;
    this.taken[other] = 1;
  }

  private openBefore(members: readonly number[]): readonly number[] {
    return members.filter((member) => this.found[member] === NONE);
  }

  private openAfter(others: readonly number[]): readonly number[] {
    return others.filter((other) => this.taken[other] === 0);
  }
}

/** Indexes by colour, without those that have none. */
function allOf(colours: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  colours.forEach((colour, index) => {
    if (colour === NONE) return;
    const group = groups.get(colour);
    if (group === undefined) groups.set(colour, [index]);
    else group.push(index);
  });
  return groups;
}
