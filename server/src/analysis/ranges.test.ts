/** Ranges of outputs and weights against a brute-force count, and the layers that no format can hold. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatInformation, roundTo } from '../formats/index.js';
import { DataType, makeNode } from '../onnx/index.js';
import { findLayers } from '../plan/index.js';
import type { Runtime } from '../runtime/index.js';
import { openEvaluation, type Evaluation } from './evaluation.js';
import { layerRanges } from './ranges.js';
import { layersBeyondRange, type TensorRange } from './tensor-range.js';
import {
  floatTensor,
  OCR_MODELS,
  randomValues,
  realModel,
  sampleOf,
  startTestCompute,
  testFolder,
  writeModel,
} from './testing/index.js';

const COUNT = 500;
const folder = testFolder();
/** Over the whole range of FP16 and beyond both ends. */
const wide = (seed: number): Float32Array =>
  randomValues(COUNT, seed).map((value, index) => value * 10 ** ((index % 17) - 10));
const WEIGHT = wide(50).with(7, -1234567);
const SAMPLES = [wide(1), wide(2).with(99, -3e6), wide(3)];

let runtime: Runtime;
let evaluation: Evaluation;

beforeAll(async () => {
  runtime = await startTestCompute();
  const model = writeModel(join(folder.path, 'ranges.onnx'), {
    nodes: [
      makeNode({ opType: 'Add', name: 'sum', inputs: ['x', 'w'], outputs: ['s'] }),
      makeNode({ opType: 'TopK', name: 'best', inputs: ['s', 'k'], outputs: ['values', 'places'] }),
      makeNode({ opType: 'Neg', name: 'minus', inputs: ['x'], outputs: ['y'] }),
    ],
    weights: [floatTensor('w', [1, COUNT], WEIGHT), oneInt('k', 4)],
    inputs: { x: [1, COUNT] },
    outputs: { y: [1, COUNT], values: [1, 4] },
  });
  const samples = SAMPLES.map((values, index) => sampleOf(index, { x: { dims: [1, COUNT], values } }));
  evaluation = await openEvaluation(runtime, model, samples);
});

afterAll(async () => {
  await runtime.dispose();
  folder.remove();
});

/** An int64 constant of one element. */
function oneInt(name: string, value: number): ReturnType<typeof floatTensor> {
  const bytes = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
  return {
    ...floatTensor(name, [1], new Float32Array()),
    dataType: DataType.INT64,
    data: { kind: 'made', bytes },
  };
}

/** The same range, element by element. */
function bruteForce(
  tensor: string,
  kind: TensorRange['kind'],
  format: 'fp16' | 'bf16',
  samples: readonly Float32Array[],
): TensorRange {
  const { smallestNormal } = formatInformation(format);
  const all = samples.flatMap((values, sample) =>
    [...values].map((value, index) => ({ value: Math.abs(value), sample, index })),
  );
  const largest = all.reduce((best, one) => (one.value > best.value ? one : best));
  const rounded = all.filter((one) => one.value !== 0).map((one) => roundTo(format, one.value));
  return {
    tensor,
    kind,
    elements: all.length,
    maxAbs: largest.value,
    sample: kind === 'weight' ? undefined : largest.sample,
    index: largest.index,
    nonFinite: 0,
    overflow: rounded.filter((value) => value === Infinity).length,
    underflow: rounded.filter((value) => value < smallestNormal).length,
    becomesZero: rounded.filter((value) => value === 0).length,
    nonZero: rounded.length,
  };
}

describe('ranges', () => {
  const sums = SAMPLES.map((values) => values.map((value, index) => value + (WEIGHT[index] ?? 0)));
  const small = (): number => 100;

  it.each(['fp16', 'bf16'] as const)('in %s are those of a count by hand', async (format) => {
    const layers = findLayers(evaluation.model);
    const { ranges, sessions, inferences } = await layerRanges(evaluation, layers, format, small);
    expect({ sessions, inferences }).toEqual({ sessions: 1, inferences: 3 });
    const byName = new Map(ranges.map((range) => [range.layer.name, range]));
    const ofSum = bruteForce('s', 'output', format, sums);
    const ofWeight = bruteForce('w', 'weight', format, [WEIGHT]);
    expect(byName.get('sum')?.tensors).toEqual([ofSum, ofWeight]);
    expect(byName.get('minus')?.tensors).toEqual([bruteForce('y', 'output', format, SAMPLES)]);
    expect(byName.get('minus')).toMatchObject({ maxAbs: 3e6 });
    expect(byName.get('sum')).toMatchObject({
      maxAbs: ofSum.maxAbs,
      overflow: ofSum.overflow + ofWeight.overflow,
      underflow: Math.max(ofSum.underflow / ofSum.nonZero, ofWeight.underflow / ofWeight.nonZero),
    });
    if (format === 'fp16') expect(ofWeight).toMatchObject({ maxAbs: 1234567, index: 7 });
  });

  it('do not depend on how many outputs fit into memory at a time', async () => {
    const layers = findLayers(evaluation.model);
    const together = await layerRanges(evaluation, layers, 'fp16', small);
    const apart = await layerRanges(evaluation, layers, 'fp16', () => 1e9);
    expect(apart.ranges).toEqual(together.ranges);
    expect(apart.sessions).toBe(3);
    const unknown = await layerRanges(evaluation, layers, 'fp16', () => undefined);
    expect(unknown.ranges).toEqual(together.ranges);
  });

  it('leave out outputs that hold no floating-point numbers', async () => {
    const { ranges } = await layerRanges(evaluation, findLayers(evaluation.model), 'fp16', small);
    const tensors = ranges.flatMap((range) => range.tensors.map((one) => one.tensor));
    expect(tensors).not.toContain('places');
  });
});

describe('layers beyond the range', () => {
  it('of the text detection model: the one BatchNormalization whose variance is 9.8e7', async () => {
    const model = realModel(join(OCR_MODELS, 'ch_PP-OCRv4_det_infer.onnx'));
    const beyond = await layersBeyondRange(runtime, model, findLayers(model), 'fp16');
    expect([...beyond.keys()].map((layer) => layer.node.opType)).toEqual(['BatchNormalization']);
    const [worst] = beyond.values();
    expect(worst?.maxAbs).toBeGreaterThan(9.7e7);
    expect(worst?.maxAbs).toBeLessThan(9.9e7);
    expect((await layersBeyondRange(runtime, model, findLayers(model), 'bf16')).size).toBe(0);
  });
});
