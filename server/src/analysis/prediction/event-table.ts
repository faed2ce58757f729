/**
 * The numbers of a sketch in the form that predictions add up: for each output, event by event, one row per sample and probe,
 * either the products themselves, where roundings pull in one direction, or their expected squares, where they do not. Pure.
 */
import type { ProbeKinds, SampleSketch } from '../sketch/index.js';

/** What becomes of an event when a plan triggers it. */
export const EventUse = {
  /** Nothing that is predicted depends on it. */
  nothing: 0,
  /** Of weights, which every plan rounds alike: its products are added, with their signs, to those of all others. */
  fixed: 1,
  /**
   * Of activations that are rounded all the same way, as those of an even background are: its products are added with their
   * signs, too, but which way it is changes with whatever else is rounded before.
   */
  coherent: 2,
  /** Its expected squares are added. */
  independent: 3,
  /** Its effect is not known: a node without a gradient stands behind it. */
  unknown: 4,
  /** It makes something infinite or NaN. */
  nonFinite: 5,
} as const;

export interface OutputTable {
  readonly output: string;
  readonly elements: number;
  readonly probes: number;
  readonly samples: number;
  /** By sample: which of the probes are exact, and which are estimates. */
  readonly kinds: readonly ProbeKinds[];
  /** By event: `EventUse`. */
  readonly uses: Uint8Array;
  /** Event by event, sample by sample, K numbers; relative to the norm of the exact output. */
  readonly rows: Float32Array;
  /**
   * By output event that loses next to nothing where the layer puts rounded numbers together, its row there: what constants lose already is
   * not there to be lost again. A layer that adds 1.0001 to 0 adds 1, which is representable. Of others either row is one draw, and the
   * exact one is the better: on even pictures roundings of rounded numbers are more alike than those of a plan. Undefined for none.
   */
  readonly rounded?: ReadonlyMap<number, Float32Array>;
  /** By sample: the squared norm of the exact output. */
  readonly norms: readonly number[];
  /** By sample: the largest squared element of the exact output. */
  readonly peaks: readonly number[];
}

/** What an event's kind says about it beforehand. */
export interface EventKind {
  readonly kind: 'weight' | 'input' | 'output';
}

/** One table for each output of the sketches, which are of one format. */
export function outputTables(
  events: readonly EventKind[],
  sketches: readonly SampleSketch[],
  probes: number,
): readonly OutputTable[] {
  const [first] = sketches;
  if (first === undefined) return [];
  return first.outputs.map((_, place) => outputTable(events, sketches, place, probes));
}

function outputTable(
  events: readonly EventKind[],
  sketches: readonly SampleSketch[],
  place: number,
  probes: number,
): OutputTable {
  const all = sketches.flatMap((sketch) => sketch.outputs[place] ?? []);
  const [first] = all;
  const norms = all.map(({ norm }) => norm);
  const usual = usualNorm(norms);
  // Products are relative already, but to nothing where the exact output is 0.
  const scales = norms.map((norm) => (norm > 0 ? 1 : 1 / Math.sqrt(usual)));
  const samples = all.length;
  const width = samples * probes;
  const rows = new Float32Array(events.length * width);
  const uses = new Uint8Array(events.length);
  const rounded = new Map<number, Float32Array>();
  for (const [event, { kind }] of events.entries()) {
    const use = useOf(event, kind, sketches, place, probes);
    uses[event] = use;
    if (use === EventUse.nothing || use >= EventUse.unknown) continue;
    for (const [sample, { dots, diagonals }] of all.entries()) {
      const scale = scales[sample] ?? 1;
      const from = use === EventUse.independent ? diagonals : dots;
      const factor = use === EventUse.independent ? scale * scale : scale;
      for (let probe = 0; probe < probes; probe++) {
        rows[event * width + sample * probes + probe] = (from[event * probes + probe] ?? 0) * factor;
      }
    }
    if (kind !== 'output') continue;
    const own = new Float32Array(width);
    for (const [sample, { dots, diagonals }] of all.entries()) {
      const scale = scales[sample] ?? 1;
      const from = use === EventUse.independent ? diagonals : dots;
      const factor = use === EventUse.independent ? scale * scale : scale;
      // Products of what is put together of rounded numbers stand behind those of all events.
      const start = (events.length + event) * probes;
      for (let probe = 0; probe < probes; probe++) {
        own[sample * probes + probe] = (from[start + probe] ?? Number.NaN) * factor;
      }
    }
    const exact = rows.subarray(event * width, (event + 1) * width);
    const power = use === EventUse.independent ? 1 : 2;
    if (sizeOf(own, power) <= REPRESENTABLE * sizeOf(exact, power)) rounded.set(event, own);
  }
  return {
    output: first?.output ?? '',
    elements: first?.elements ?? 0,
    probes,
    samples,
    kinds: all.map(({ aligned, random }) => ({ aligned, random })),
    uses,
    rows,
    rounded,
    norms,
    peaks: all.map(({ peak }) => peak),
  };
}

/** Of the squared effect of exact numbers: what rounded ones lose beside that is no more than what gradients are rounded by. */
const REPRESENTABLE = 1e-3;

/** NaN where one is not known. */
function sizeOf(values: Float32Array, power: 1 | 2): number {
  return values.reduce((sum, value) => sum + (power === 1 ? value : value * value), 0);
}

/** What the norm is on average where there is one. */
function usualNorm(norms: readonly number[]): number {
  const present = norms.filter((norm) => norm > 0);
  return present.length === 0 ? 1 : present.reduce((sum, norm) => sum + norm, 0) / present.length;
}

function useOf(
  event: number,
  kind: EventKind['kind'],
  sketches: readonly SampleSketch[],
  place: number,
  probes: number,
): number {
  let squares = 0;
  let expected = 0;
  let expectedSquares = 0;
  let isReached = false;
  for (const { states, atoms, constants, outputs } of sketches) {
    if (states[event] === 'blocked') return EventUse.unknown;
    if (states[event] !== 'sketched') continue;
    isReached = true;
    if (!Number.isFinite((atoms[event] ?? 0) + (constants[event] ?? 0))) return EventUse.nonFinite;
    const { dots, diagonals } = outputs[place] ?? {};
    for (let at = event * probes; at < (event + 1) * probes; at++) {
      squares += (dots?.[at] ?? 0) ** 2;
      const square = diagonals?.[at] ?? 0;
      expected += square;
      expectedSquares += square * square;
    }
  }
  if (!isReached) return EventUse.nothing;
  if (!Number.isFinite(squares + expected)) return EventUse.nonFinite;
  if (kind === 'weight') return EventUse.fixed;
  // Of squares that are expected to differ in size, as many as have about the same part.
  const draws = expectedSquares > 0 ? (expected * expected) / expectedSquares : 1;
  return squares > coherenceThreshold(draws) * expected ? EventUse.coherent : EventUse.independent;
}

/** With plenty of draws, roundings whose effect is twice what independence gives pull in one direction. */
const COHERENT = 2;
/** Of the normal distribution: one event in a thousand is above by chance. */
const RARE = 3.09;

/**
 * From which ratio of squared effect to its expectation under independence roundings count as coherent: the ratio is
 * about chi-squared over its degrees of freedom, so few draws exceed any fixed one by chance. By the approximation of
 * E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", 1931.
 */
export function coherenceThreshold(draws: number): number {
  const spread = 2 / (9 * Math.max(1, draws));
  return Math.max(COHERENT, (1 - spread + RARE * Math.sqrt(spread)) ** 3);
}
