/** Whether sketching the layers of a model is less work than running it once for each of them. Pure: times go in. */

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
const NODES_BACKWARD = 5;
const NODES_PRODUCTS = 9;
/** A run of the sketch, in runs of the model: so much, and so much for each probe. */
const RUNS_FORWARD = 4;
const RUNS_PER_PROBE = 4;

/** The milliseconds that a sketch of all layers is expected to take. */
export function sketchTime(work: SketchWork): number {
  const { open, run, nodes, events, samples, outputs, probes } = work;
  const larger = 1 + NODES_BACKWARD + (NODES_PRODUCTS * events) / Math.max(1, nodes);
  return open * larger + samples * outputs * run * (RUNS_FORWARD + RUNS_PER_PROBE * probes);
}

/** The same for a session and a run of each sample for each layer. */
export function plainTime({ open, run, layers, samples }: SketchWork): number {
  return layers * (open + samples * run);
}

/** Close calls are measured: that is the truth. */
export function isSketchCheaper(work: SketchWork): boolean {
  return sketchTime(work) < plainTime(work);
}
