/** Whether sketching the layers of a model is less work than measuring them one by one. Pure: times go in. */

/** What both ways cost depends on. Times in milliseconds. */
export interface SketchWork {
  /** To create a session of the model, and to run it once. */
  readonly open: number;
  readonly run: number;
  readonly nodes: number;
  readonly events: number;
  readonly layers: number;
  readonly samples: number;
  readonly outputs: number;
  readonly probes: number;
}

/** Nodes of the backward graph for one of the model, and of the products for one event, as found on real models. */
const NODES_BACKWARD = 3;
const NODES_PRODUCTS = 4;
/** To build the graph of the sketch, for each layer. */
const BUILD = 1;
/** A run of the sketch, in runs of the model: so much, and so much for each probe. */
const RUNS_FORWARD = 6;
const RUNS_PER_PROBE = 2;
/** Runs of the model to see in which directions its outputs err, for each probe: a half, or two where it pays to look on. */
const RUNS_OF_DIRECTIONS = 1;
/** Messages, probes and comparisons that come with each run. */
const REQUEST = 1;
/** More cuts than that are never worth their sessions. */
const MOST_SEGMENTS = 64;

/** The milliseconds that a sketch of all layers is expected to take. */
export function sketchTime(work: SketchWork): number {
  const { open, run, nodes, events, layers, samples, outputs, probes } = work;
  const larger = 1 + NODES_BACKWARD + (NODES_PRODUCTS * events) / Math.max(1, nodes);
  const once = run * (RUNS_FORWARD + RUNS_PER_PROBE * probes) + REQUEST;
  const directions = run * RUNS_OF_DIRECTIONS * probes;
  return open * larger + BUILD * layers + samples * (directions + outputs * once);
}

/**
 * The same for a measurement of each layer, in as many segments as are best where layers lie evenly in the model: on average
 * a layer is in the middle of its segment, and everything behind the cut before it is run.
 */
export function measuredTime(work: SketchWork): number {
  let least = Number.POSITIVE_INFINITY;
  for (let segments = 1; segments <= MOST_SEGMENTS; segments++) {
    least = Math.min(least, segmentedTime(work, segments));
  }
  return least;
}

function segmentedTime({ open, run, layers, samples }: SketchWork, segments: number): number {
  const before = (samples * run * (segments - 1)) / 2;
  const behind = (run * (segments + 1)) / (2 * segments);
  return segments * open + before + layers * samples * (behind + REQUEST);
}

/** Close calls are measured: that is the truth. */
export function isSketchCheaper(work: SketchWork): boolean {
  return sketchTime(work) < measuredTime(work);
}
