/** Ranges of outputs and weights against a brute-force count, and the layers that no format can hold. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  FLOAT_FORMAT_NAMES,
  formatInformation,
  rangeOfValues,
  recommendedScale,
  roundTo,
  type FloatFormatName,
} from '../../formats/index.js';
import { DataType, makeNode } from '../../onnx/index.js';
import { findLayers } from '../../plan/index.js';
import { memoryStore } from '../../store/index.js';
import { openEvaluation } from '../sessions/evaluation.js';
import { knownRanges, storedRanges } from './known-ranges.js';
import { readBeyond } from './ranges.js';
import { measuredAnew, withStore } from '../remembered.js';
import { layersBeyondRange, type TensorRange } from './tensor-range.js';
import {
  computeForTests,
  floatTensor,
  OCR_MODELS,
  randomValues,
  realModel,
  sampleOf,
  withEvaluation,
  writeModel,
} from '../testing/index.js';

const COUNT = 500;
const { runtime, folder } = await computeForTests();
/** Over the whole range of FP16 and beyond both ends. */
const wide = (seed: number): Float32Array =>
  randomValues(COUNT, seed).map((value, index) => value * 10 ** ((index % 17) - 10));
const WEIGHT = wide(50).with(7, -1234567);
const SAMPLES = [wide(1), wide(2).with(99, -3e6), wide(3)];

const model = writeModel(join(folder, 'ranges.onnx'), {
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
const evaluation = await openEvaluation(runtime, model, samples);

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
  format: FloatFormatName,
  samples: readonly Float32Array[],
): TensorRange {
  const { smallestNormal, largest: most } = formatInformation(format);
  const all = samples.flatMap((values, sample) =>
    [...values].map((value, index) => ({ value: Math.abs(value), sample, index })),
  );
  const largest = all.reduce((best, one) => (one.value > best.value ? one : best));
  const nonZero = all.filter((one) => one.value !== 0);
  const rounded = nonZero.map((one) => roundTo(format, one.value, 'saturate'));
  const { squares, histogram } = rangeOfValues(Float32Array.from(all, ({ value }) => value));
  // A 4-bit format clips: what is nearer to the number that would follow its largest is beyond it.
  const beyond = new Map<FloatFormatName, number>([
    ['fp4_e2m1', 7],
    ['fp4_radix4', 160],
  ]).get(format);
  const isBeyond = (value: number): boolean =>
    beyond === undefined ? !(roundTo(format, value) <= most) : value >= beyond;
  return {
    tensor,
    kind,
    elements: all.length,
    maxAbs: largest.value,
    sample: kind === 'weight' ? undefined : largest.sample,
    index: largest.index,
    nonFinite: 0,
    overflow: nonZero.filter(({ value }) => isBeyond(value)).length,
    underflow: rounded.filter((value) => value < smallestNormal).length,
    becomesZero: rounded.filter((value) => value === 0).length,
    nonZero: rounded.length,
    squares: expect.closeTo(squares, -6) as number,
    histogram: {
      ...histogram,
      negative: samples.flatMap((values) => [...values]).filter((value) => value < 0).length,
    },
    scale: recommendedScale(histogram, largest.value, format),
  };
}

describe('ranges', () => {
  const sums = SAMPLES.map((values) => values.map((value, index) => value + (WEIGHT[index] ?? 0)));
  const rangesOf = async (format: FloatFormatName, elements: number | undefined = 100) =>
    await knownRanges(measuredAnew(evaluation), findLayers(evaluation.model), format, () =>
      Promise.resolve(() => elements),
    );

  it.each(FLOAT_FORMAT_NAMES)('in %s are those of a count by hand', async (format) => {
    const { ranges, sessions, inferences } = await rangesOf(format);
    expect({ sessions, inferences }).toEqual({ sessions: 1, inferences: 3 });
    const byName = new Map(ranges.map((range) => [range.layer.name, range]));
    const ofSum = bruteForce('s', 'output', format, sums);
    const ofWeight = bruteForce('w', 'weight', format, [WEIGHT]);
    expect(byName.get('sum')?.tensors).toEqual([ofSum, ofWeight]);
    expect(byName.get('minus')?.tensors).toEqual([
      bruteForce(
        'y',
        'output',
        format,
        SAMPLES.map((values) => values.map((value) => -value)),
      ),
    ]);
    expect(byName.get('minus')).toMatchObject({ maxAbs: 3e6 });
    expect(byName.get('sum')).toMatchObject({
      maxAbs: ofSum.maxAbs,
      overflow: ofSum.overflow + ofWeight.overflow,
      underflow: Math.max(ofSum.underflow / ofSum.nonZero, ofWeight.underflow / ofWeight.nonZero),
    });
    if (format === 'fp16') expect(ofWeight).toMatchObject({ maxAbs: 1234567, index: 7 });
  });

  it("tell what a layer reads of the model's inputs and of other layers, each once, seen through what only moves it", async () => {
    const moving = writeModel(join(folder, 'reads.onnx'), {
      nodes: [
        makeNode({ opType: 'Reshape', name: 'flat', inputs: ['x', 'minus'], outputs: ['f'] }),
        makeNode({ opType: 'Mul', name: 'square', inputs: ['f', 'f'], outputs: ['s'] }),
        makeNode({ opType: 'Mul', name: 'scaled', inputs: ['s', 'w'], outputs: ['y'] }),
      ],
      weights: [floatTensor('w', [1], Float32Array.of(2)), oneInt('minus', -1)],
      inputs: { x: [1, 4] },
      outputs: { y: [4] },
    });
    const given = [1, 2].map((factor, at) =>
      sampleOf(at, { x: { dims: [1, 4], values: Float32Array.of(1, 2, -1e5 * factor, 4) } }),
    );
    await withEvaluation(runtime, moving, given, async (evaluation) => {
      const results = measuredAnew(evaluation);
      const { ranges } = await knownRanges(results, findLayers(moving), 'fp16', () =>
        Promise.resolve(() => 4),
      );
      const reads = new Map(ranges.map((range) => [range.layer.name, readBeyond(range)]));
      expect(reads.get('square')).toMatchObject([
        {
          tensor: 'x',
          kind: 'input',
          elements: 8,
          overflow: 2,
          maxAbs: 2e5,
          sample: 1,
          index: 2,
          scale: 2 ** -3,
        },
      ]);
      expect(reads.get('scaled')).toMatchObject([{ tensor: 's', overflow: 2 }]);
      expect(ranges.find(({ layer }) => layer.name === 'square')?.reads).toHaveLength(1);
    });
  });

  it('do not depend on how many outputs fit into memory at a time', async () => {
    const together = await rangesOf('fp16');
    const apart = await rangesOf('fp16', 1e9);
    expect(apart.ranges).toEqual(together.ranges);
    expect(apart.sessions).toBe(3);
    const elements = (): undefined => undefined;
    const unknown = await knownRanges(measuredAnew(evaluation), findLayers(evaluation.model), 'fp16', () =>
      Promise.resolve(elements),
    );
    expect(unknown.ranges).toEqual(together.ranges);
  });

  it('leave out outputs that hold no floating-point numbers', async () => {
    const { ranges } = await rangesOf('fp16');
    const tensors = ranges.flatMap((range) => range.tensors.map((one) => one.tensor));
    expect(tensors).not.toContain('places');
  });

  it('are kept once for all formats', async () => {
    const store = memoryStore();
    const identity = { evaluation: 'one', recipe: { model: 'one' } };
    const { samples } = evaluation;
    const own = { runtime, samples, evaluation: () => Promise.resolve(evaluation) };
    const results = withStore(own, store, identity, evaluation.model);
    const layers = findLayers(evaluation.model);
    const counter = () => Promise.resolve(() => 100);
    // What versions before this one kept of one format.
    await results.keep(
      'layer-ranges',
      { format: 'fp16' },
      new Map(layers.map(({ nodeIndex }) => [nodeIndex, {}])),
    );
    const anew = await knownRanges(results, layers, 'fp16', counter);
    expect(anew.inferences).toBe(3);
    for (const format of FLOAT_FORMAT_NAMES) {
      const kept = await knownRanges(results, layers, format, counter);
      expect(kept).toEqual({ ...(await rangesOf(format)), sessions: 0, inferences: 0 });
    }
    expect(await storedRanges(results, layers, 'fp16')).toEqual(anew.ranges);
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
