/** The time that one flip's prediction takes on a generated model of 2,000 layers, with eight samples of eight probes. */
import type { Accumulation } from '../../../server/src/formats/index.js';
import { Predictor, type SampleSketch, type Sketch } from '../../../server/src/analysis/index.js';
import {
  bufferSource,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  DataType,
  readModel,
} from '../../../server/src/onnx/index.js';
import { graphBytes } from '../../../server/src/onnx/testing/index.js';
import {
  findLayers,
  layerInFormat,
  roundingEvents,
  type Layer,
  type LayerDecision,
} from '../../../server/src/plan/index.js';

const LAYERS = 2000;
const SAMPLES = 8;
const PROBES = 8;
const FLIPS = 400;

const NO_SUMS = ['Relu', 'Tanh', 'Tanh'];

/** Median seconds of one flip with its prediction; with `accumulate` of a layer whose sums are added up so, as are those of all others. */
export function flipSeconds(accumulate?: Accumulation): number {
  const type = makeTensorType(DataType.FLOAT, [1, 64]);
  const nodes = Array.from({ length: LAYERS }, (_, at) =>
    makeNode({
      ...{ opType: accumulate === undefined ? (NO_SUMS[at % 3] ?? '') : 'ReduceSum', name: `layer_${at}` },
      ...{ inputs: [at === 0 ? 'x' : `t${at - 1}`], outputs: [`t${at}`] },
    }),
  );
  const graph = makeGraph({
    ...{ name: 'flips', nodes, inputs: [makeValueInfo('x', type)] },
    outputs: [makeValueInfo(`t${LAYERS - 1}`, type)],
  });
  const read = readModel(bufferSource(graphBytes(graph)));
  if ('problem' in read) throw new Error(read.problem.message);
  const layers = findLayers(read.model);
  const events = roundingEvents(read.model, layers, 'fp16');
  const count = events.events.length;
  const numbers = (length: number, scale: number): Float32Array =>
    Float32Array.from({ length }, (_, at) => scale * (1.1 + Math.sin(at * 12.9898)));
  const sample = (): SampleSketch => ({
    states: events.events.map(() => 'sketched'),
    ...{ atoms: numbers(count, 1e-6), exact: numbers(count, 1), constants: numbers(count, 0) },
    curvature: numbers(count, 0),
    weighed: numbers(count, 0),
    outputs: [
      {
        ...{ output: 'y', norm: 1, elements: 1000, saturated: false, peak: 1, aligned: 0, random: PROBES },
        ...{ dots: numbers(count * PROBES, 1e-4), diagonals: numbers(count * PROBES, 1e-8) },
      },
    ],
  });
  const samples = Array.from({ length: SAMPLES }, sample);
  const sketch: Sketch = { format: 'fp16', events, outputs: ['y'], probes: PROBES, samples };
  const predictor = new Predictor([sketch]);
  const decided = (layer: Layer, isLow: boolean): LayerDecision => ({
    ...layerInFormat(layer, isLow ? 'fp16' : 'fp32'),
    ...(isLow && accumulate !== undefined ? { numerics: { accumulate } } : {}),
  });
  const decisions = layers.map((layer) => decided(layer, true));
  // What sums do would be measured, a layer at a time.
  const squares = new Map<string, Map<number, ReadonlyMap<string, readonly number[]>>>();
  for (const { key, layer } of predictor.unknownOptions(decisions)) {
    const own = squares.get(key) ?? new Map<number, ReadonlyMap<string, readonly number[]>>();
    squares.set(key, own.set(layer.nodeIndex, new Map([['y', Array<number>(SAMPLES).fill(1e-8)]])));
  }
  predictor.learnOptions(squares);
  // A plan that was measured is compared with at every flip.
  predictor.learnPlan({ decisions, tolerances: [] });
  const times: number[] = [];
  for (let flip = 0; flip < FLIPS; flip++) {
    const at = (flip * 733) % LAYERS;
    const old = decisions[at];
    if (old === undefined) continue;
    decisions[at] = decided(old.layer, old.format !== 'fp16');
    const start = performance.now();
    const { missing } = predictor.predict(decisions);
    times.push((performance.now() - start) / 1000);
    if (missing.length > 0) throw new Error('something is not known of the flips');
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
