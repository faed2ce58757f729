// Weights that become zero in an integer format, counted by what emulation makes of them.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { finish, makeNode, type Model } from '../../onnx/index.js';
import { rangesIn } from './known-ranges.js';
import { measureRanges, type LayerRange } from './ranges.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  randomSamples,
  randomValues,
  WIDTH,
  withEvaluation,
  writeModel,
} from '../testing/index.js';
import { plannedWeightsText, withPlannedWeights } from './weights-as-planned.js';

const { runtime, folder } = await computeForTests();
/** Columns that differ by powers of ten: one scale for all of them rounds most to 0. */
const weights = randomValues(WIDTH * 4, 3).map((value, at) => value * 10 ** -(at % 4));
const model = writeModel(join(folder, 'columns.onnx'), {
  nodes: [makeNode({ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['y'], name: 'product' })],
  weights: [floatTensor('w', [WIDTH, 4], weights)],
  inputs: { x: [1, WIDTH] },
  outputs: { y: [1, 4] },
});

async function wholeRanges(of: Model): Promise<readonly LayerRange[]> {
  const { layers } = bindTo(of, '').plan;
  return await withEvaluation(runtime, of, randomSamples(1), async (evaluation) => {
    const { ranges } = await measureRanges(evaluation, layers, () => 100);
    const kept = new Map([...ranges].map(([layer, one]) => [layer.nodeIndex, one]));
    return rangesIn(kept, layers, 'int8');
  });
}

async function zerosOf(of: Model, options: string): Promise<ReadonlyMap<string, number>> {
  const { decisions } = bindTo(of, `default: int8${options}`).plan;
  const [found] = finish(withPlannedWeights(of, await wholeRanges(of), 'int8', decisions));
  return new Map(found?.tensors.map(({ tensor, becomesZero }) => [tensor, becomesZero]));
}

async function becomingZero(options: string): Promise<number | undefined> {
  return (await zerosOf(model, options)).get('w');
}

it('are none of those that are added to a sum, which integer arithmetic does not round', async () => {
  const bias = floatTensor('b', [4], Float32Array.of(1, 1e-4, 1e-5, 0));
  const added = writeModel(join(folder, 'bias.onnx'), {
    nodes: [makeNode({ opType: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['y'], name: 'product' })],
    weights: [floatTensor('w', [WIDTH, 4], weights), bias],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, 4] },
  });
  const zeros = await zerosOf(added, '');
  expect(zeros.get('b')).toBe(0);
  expect(zeros.get('w')).toBe(await becomingZero(''));
});

/** Of columns with steps of their own, or of all with one: |w| up to half a step becomes 0. */
function byHand(isPerColumn: boolean): number {
  const inColumn = (column: number) => weights.filter((_, at) => !isPerColumn || at % 4 === column);
  return [0, 1, 2, 3].reduce((sum, column) => {
    const halfStep = Math.max(...inColumn(column).map(Math.abs)) / 127 / 2;
    const own = weights.filter((_, at) => at % 4 === column);
    return sum + own.filter((one) => one !== 0 && Math.abs(one) <= halfStep).length;
  }, 0);
}

it('are those of the channels where each has a scale, and of the range that is chosen', async () => {
  expect(byHand(false)).toBeGreaterThan(10 * byHand(true));
  expect(await becomingZero(' { per: channel }')).toBe(byHand(true));
  // Of one scale from least to greatest it is told from a histogram, to the binade.
  expect(Math.abs(((await becomingZero('')) ?? 0) - byHand(false))).toBeLessThan(8);
  // What a narrower range leaves out is clipped, and fewer become zero.
  const narrower = (await becomingZero(' { quantize: percentile(60) }')) ?? 0;
  expect(narrower).toBeLessThan(byHand(false));
  expect(narrower).toBeGreaterThan(byHand(true));
});

it('are looked for once, however often the plan changes', async () => {
  let looks = 0;
  const initializers = model.graph.initializers.map((tensor) => ({
    ...tensor,
    get data() {
      looks += 1;
      return tensor.data;
    },
  }));
  const watched: Model = { ...model, graph: { ...model.graph, initializers } };
  const ranges = await wholeRanges(model);
  const looksWith = (options: string): number => {
    const { decisions } = bindTo(watched, `default: int8 { ${options} }`).plan;
    looks = 0;
    finish(withPlannedWeights(watched, ranges, 'int8', decisions));
    return looks;
  };
  expect(looksWith('per: channel')).toBeGreaterThan(0);
  expect(looksWith('quantize: percentile(60)')).toBeGreaterThan(0);
  expect(looksWith('per: channel')).toBe(0);
});

it('are told apart by a text in which a layer has the format by itself, and by its own options', () => {
  const three = writeModel(join(folder, 'three.onnx'), {
    nodes: [0, 1, 2].map((at) =>
      makeNode({ opType: 'MatMul', inputs: ['x', `w${at}`], outputs: [`y${at}`], name: `p${at}` }),
    ),
    weights: [0, 1, 2].map((at) => floatTensor(`w${at}`, [WIDTH, 4], weights)),
    inputs: { x: [1, WIDTH] },
    outputs: { y0: [1, 4], y1: [1, 4], y2: [1, 4] },
  });
  const textOf = (last: string): string => {
    const { plan } = bindTo(three, `default: int8 { per: channel }\nlayer "p2": ${last}`);
    return plannedWeightsText(plan.decisions, 'int8');
  };
  // A layer elsewhere is looked at as most are.
  expect(textOf('fp32')).toBe(textOf('int8 { per: channel }'));
  const all = [
    'fp32',
    'int8',
    'int8 { quantize: mse }',
    'int8 { per: channel, weights: int4 }',
    'fp16 { weights: int8 }',
  ];
  expect(new Set(all.map(textOf)).size).toBe(all.length);
});
