/** The time that one flip's prediction takes on a generated model of 2,000 layers, with eight samples of eight probes. */
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
import { findLayers, layerInFormat, roundingEvents } from '../../../server/src/plan/index.js';

const LAYERS = 2000;
const SAMPLES = 8;
const PROBES = 8;
const FLIPS = 400;

/** Median seconds of one flip with its prediction. */
export function flipSeconds(): number {
  const type = makeTensorType(DataType.FLOAT, [1, 64]);
  const nodes = Array.from({ length: LAYERS }, (_, at) =>
    makeNode({
      ...{ opType: at % 3 === 0 ? 'Relu' : 'Tanh', name: `layer_${at}` },
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
  const decisions = layers.map((layer) => layerInFormat(layer, 'fp16'));
  const times: number[] = [];
  for (let flip = 0; flip < FLIPS; flip++) {
    const at = (flip * 733) % LAYERS;
    const old = decisions[at];
    if (old === undefined) continue;
    decisions[at] = { ...old, format: old.format === 'fp16' ? 'fp32' : 'fp16' };
    const start = performance.now();
    predictor.predict(decisions);
    times.push((performance.now() - start) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
