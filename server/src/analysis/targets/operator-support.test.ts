/**
 * Which layers are tried apart, with what, and what is kept: what a target does with a kind of layers, and what it refused for a
 * reason of its own.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataType, makeAttribute, makeNode, makeTensor, type Node } from '../../onnx/index.js';
import type { RuntimeFailureKind } from '../../runtime/index.js';
import { memoryStore } from '../../store/index.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import {
  bindTo,
  computeForTests,
  failingInRuns,
  floatTensor,
  pretendedDevice,
  randomSamples,
  WIDTH,
  writeChain,
  writeModel,
  type SmallModel,
} from '../testing/index.js';
import type { SupportOutcome } from './layer-trial.js';
import { layerSupport } from './operator-support.js';

const { runtime, folder } = await computeForTests();
const device = pretendedDevice(runtime, 'webgpu');

/** How a device is found to run the chain's `Relu` with so many rows, one trial after the other, with one store. */
async function foundOf(
  ...trials: readonly (readonly [typeof device, rows: number])[]
): Promise<SupportOutcome[]> {
  const { plan } = bindTo(writeChain(join(folder, 'm.onnx'), 1), 'input "x" = zeros\n');
  const store = memoryStore();
  const relu = plan.layers.filter(({ name }) => name === 'relu_0');
  const outcomes: SupportOutcome[] = [];
  for (const [own, rows] of trials) {
    const shapes = new Map(['x', 'm_0', 'y'].map((name) => [name, [rows, WIDTH]]));
    const options = { provider: 'webgpu', shapes, sample: undefined, store } as const;
    const found = await layerSupport(own, plan.model, relu, 'fp32', options);
    outcomes.push(...found.map(({ outcome }) => outcome));
  }
  return outcomes;
}

/** Every run on the device fails in this way, and none on the CPU. */
function failing(kind: RuntimeFailureKind, message: string): typeof device {
  return failingInRuns(device, ({ provider }) => (provider === 'webgpu' ? kind : undefined), message);
}

describe('what is kept', () => {
  it('a kind of layers that a target refuses is refused in every size, and not tried again', async () => {
    const refusing = failing('failed', 'There is no kernel.');
    expect(await foundOf([refusing, 1], [device, 1], [device, 2])).toEqual(['refused', 'refused', 'refused']);
  });

  it('one that is too large, or ends the process, is refused in this size only', async () => {
    for (const refusing of [failing('failed', 'narrowing_error'), failing('crashed', 'It died.')]) {
      expect(await foundOf([refusing, 1], [device, 1], [device, 2])).toEqual([
        'refused',
        'refused',
        'native',
      ]);
      // That size was tried, whatever is known of others.
      expect(await foundOf([refusing, 2], [device, 1], [device, 2])).toEqual([
        'refused',
        'native',
        'refused',
      ]);
    }
  });

  it('one for which memory was short at that moment is tried again', async () => {
    expect(await foundOf([failing('failed', 'std::bad_alloc'), 1], [device, 1])).toEqual([
      'refused',
      'native',
    ]);
  });
});

/** How the device runs the layers of a model with one input, in FP32, and of how many kinds they are; with values of a run or without. */
async function checkSupport(
  model: SmallModel,
  { isSeen = true }: { readonly isSeen?: boolean } = {},
): Promise<{ readonly outcomes: Readonly<Record<string, SupportOutcome>>; readonly kinds: number }> {
  const dims = Object.values(model.inputs)[0]?.filter((size) => typeof size === 'number');
  const { plan } = bindTo(writeModel(join(folder, 'n.onnx'), model), 'input "x" = zeros\n');
  const [sample] = randomSamples(1, dims);
  if (sample === undefined) throw new Error('there is a sample');
  const shapes = await observedShapes(runtime, plan.model, sample);
  let kinds = 0;
  const progress = (_done: number, total: number): void => void (kinds = total);
  const options = { provider: 'webgpu', shapes, sample: isSeen ? sample : undefined, progress } as const;
  const found = await layerSupport(device, plan.model, plan.layers, 'fp32', options);
  return { outcomes: Object.fromEntries(found.map(({ layer, outcome }) => [layer.name, outcome])), kinds };
}

function whole(name: string, ...values: readonly number[]) {
  const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  return makeTensor(name, DataType.INT64, [values.length], bytes);
}

describe('sizes and counts that a model computes', () => {
  const model: SmallModel = {
    nodes: [
      makeNode({ opType: 'Shape', name: 'shape', inputs: ['x'], outputs: ['s'] }),
      makeNode({ opType: 'Mul', name: 'double', inputs: ['s', 'factors'], outputs: ['sizes'] }),
      makeNode({ opType: 'Resize', name: 'resize', inputs: ['x', '', '', 'sizes'], outputs: ['r'] }),
      makeNode({ opType: 'Gather', name: 'last', inputs: ['s', 'position'], outputs: ['k'] }),
      makeNode({ opType: 'TopK', name: 'most', inputs: ['r', 'k'], outputs: ['y', 'places'] }),
    ],
    weights: [whole('factors', 1, 1, 2, 2), whole('position', 3)],
    inputs: { x: [1, 1, 4, 4] },
    outputs: { y: [1, 1, 8, 4] },
  };

  it('are those of a run, with which the layers run', async () => {
    expect((await checkSupport(model)).outcomes).toMatchObject({ resize: 'native', most: 'native' });
  });

  it('where none were seen, what does not run on the CPU either is not known, and no refusal', async () => {
    const { outcomes } = await checkSupport(model, { isSeen: false });
    expect(outcomes['resize']).toBe('unknown');
    // With a count of 0 it gives nothing, and runs.
    expect(outcomes['most']).toBe('native');
  });
});

it('outputs and choices tell kinds of layers apart, sizes do not', async () => {
  const pool = (name: string, from: string, outputs: readonly string[], size: number, extra = {}): Node =>
    makeNode({
      ...{ opType: 'MaxPool', name, inputs: [from], outputs: [...outputs] },
      attributes: Object.entries({ kernel_shape: [size, size], ...extra }).map(([key, value]) =>
        makeAttribute(key, typeof value === 'number' ? { kind: 'int', value } : { kind: 'ints', value }),
      ),
    });
  const grouped = (name: string, to: string, group: number): Node =>
    makeNode({
      ...{ opType: 'Conv', name, inputs: ['x', `w${group}`], outputs: [to] },
      attributes: [makeAttribute('group', { kind: 'int', value: group })],
    });
  const kindsOf = async (...nodes: readonly Node[]): Promise<number> => {
    const outputs = Object.fromEntries(
      nodes.map(({ outputs: [first] }) => [first ?? '', ['n', 'c', 'h', 'w']]),
    );
    return (await checkSupport({ nodes, weights, inputs: { x: [1, 4, 16, 16] }, outputs })).kinds;
  };
  const weights = [1, 2, 4].map((group) =>
    floatTensor(`w${group}`, [4, 4 / group, 1, 1], new Float32Array(16 / group).fill(1)),
  );
  const usual = pool('a', 'x', ['y'], 2);
  expect(await kindsOf(usual, pool('b', 'x', ['z'], 3))).toBe(1);
  expect(await kindsOf(grouped('a', 'y', 2), grouped('b', 'z', 4))).toBe(1);
  expect(await kindsOf(grouped('a', 'y', 1), grouped('b', 'z', 4))).toBe(2);
  expect(await kindsOf(usual, pool('b', 'x', ['z', 'places'], 2))).toBe(2);
  expect(await kindsOf(usual, pool('b', 'x', ['z'], 2, { ceil_mode: 1 }))).toBe(2);
  expect(await kindsOf(usual, pool('b', 'x', ['z'], 2, { dilations: [2, 2] }))).toBe(2);
});
