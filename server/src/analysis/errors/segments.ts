/**
 * Where to cut a graph so that running the rest of it once for each layer costs least. A later start saves nodes in every
 * run; each segment costs a session, and runs of what lies before it. Arithmetic on times only: no graph, no runtime.
 */

export interface SegmentCosts {
  /** By place in the order of the nodes: milliseconds of the node in one run. */
  readonly nodes: readonly number[];
  /** By place: how many layers are to be measured there, 0 or 1. */
  readonly layers: readonly number[];
  /** By place: whether the graph may be cut before it. */
  readonly allowed: readonly boolean[];
  readonly samples: number;
  /** Milliseconds to open a session of all nodes. */
  readonly open: number;
}

/** Places `from` (included) to `to` (not included). */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/** More places than that are thinned out: the search takes the square of it. */
const MOST_CUTS = 192;

/**
 * The segments with the least total time, in order, those without a layer to measure left out. The least over all choices
 * of cuts, by dynamic programming, as long as there are no more than `MOST_CUTS` allowed places.
 */
export function chooseSegments(costs: SegmentCosts): readonly Segment[] {
  const count = costs.nodes.length;
  const cuts = [...thinned(costs.allowed.flatMap((allowed, place) => (allowed ? [place] : []))), count];
  const timeOf = segmentTime(costs);
  /** By place among the cuts: the least time of all that lies behind it, and where the first segment ends. */
  const least = new Array<number>(cuts.length).fill(0);
  const ends = new Array<number>(cuts.length).fill(cuts.length - 1);
  for (let start = cuts.length - 2; start >= 0; start--) {
    least[start] = Number.POSITIVE_INFINITY;
    for (let end = start + 1; end < cuts.length; end++) {
      const time = timeOf({ from: cuts[start] ?? 0, to: cuts[end] ?? count }) + (least[end] ?? 0);
      if (time < (least[start] ?? 0)) {
        least[start] = time;
        ends[start] = end;
      }
    }
  }
  const segments: Segment[] = [];
  for (let start = 0; start < cuts.length - 1;) {
    const end = ends[start] ?? cuts.length - 1;
    segments.push({ from: cuts[start] ?? 0, to: cuts[end] ?? count });
    start = end;
  }
  return segments.filter(({ from, to }) => costs.layers.slice(from, to).some((layers) => layers > 0));
}

/** Milliseconds that a segment takes: its sessions, a run before the cut for each sample, one behind it for each layer. */
export function segmentTime(costs: SegmentCosts): (segment: Segment) => number {
  const { nodes, layers, samples, open } = costs;
  const timeBefore = cumulative(nodes);
  const layersBefore = cumulative(layers);
  const whole = timeBefore[nodes.length] ?? 0;
  return ({ from, to }) => {
    const measured = (layersBefore[to] ?? 0) - (layersBefore[from] ?? 0);
    if (measured === 0) return 0;
    const before = timeBefore[from] ?? 0;
    // The two sessions together hold every node once.
    return (from === 0 ? 0 : samples * before) + open + measured * samples * (whole - before);
  };
}

function cumulative(values: readonly number[]): readonly number[] {
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  return sums;
}

/** As many as are looked at, spread evenly; the first always. */
function thinned(places: readonly number[]): readonly number[] {
  if (places.length <= MOST_CUTS) return places;
  return Array.from(
    { length: MOST_CUTS },
    (_, index) => places[Math.floor((index * places.length) / MOST_CUTS)] ?? 0,
  );
}
