/** What is kept of layers that were tried: what a target does with a kind of layers, and what it refused for a reason of its own. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';
import { memoryStore } from '../../store/index.js';
import { bindTo, computeForTests, WIDTH, writeChain } from '../testing/index.js';
import type { SupportOutcome } from './layer-trial.js';
import { layerSupport } from './operator-support.js';

const { runtime, folder } = await computeForTests();
const { plan } = bindTo(writeChain(join(folder, 'm.onnx'), 1), 'input "x" = zeros\n');

/** How the CPU is found to run the model's `Relu` with so many rows, one trial after the other, by runtimes with one store. */
async function foundOf(...trials: readonly (readonly [Runtime, rows: number])[]): Promise<SupportOutcome[]> {
  const store = memoryStore();
  const relu = plan.layers.filter(({ name }) => name === 'relu_0');
  const outcomes: SupportOutcome[] = [];
  for (const [own, rows] of trials) {
    const shapes = new Map(['x', 'm_0', 'y'].map((name) => [name, [rows, WIDTH]]));
    const options = { provider: 'cpu', shapes, store } as const;
    const found = await layerSupport(own, plan.model, relu, 'fp32', options);
    outcomes.push(...found.map(({ outcome }) => outcome));
  }
  return outcomes;
}

/** Every run of it fails in this way. */
function failing(kind: 'failed' | 'crashed', message: string): Runtime {
  return { ...runtime, run: () => Promise.reject(new RuntimeFailure(kind, message)) };
}

it('a kind of layers that a target refuses is refused in every size, and not tried again', async () => {
  const refusing = failing('failed', 'There is no kernel.');
  expect(await foundOf([refusing, 1], [runtime, 1], [runtime, 2])).toEqual(['refused', 'refused', 'refused']);
});

it('one that is too large, or ends the process, is refused in this size only', async () => {
  for (const refusing of [failing('failed', 'narrowing_error'), failing('crashed', 'It died.')]) {
    expect(await foundOf([refusing, 1], [runtime, 1], [runtime, 2])).toEqual([
      'refused',
      'refused',
      'native',
    ]);
    // That size was tried, whatever is known of others.
    expect(await foundOf([refusing, 2], [runtime, 1], [runtime, 2])).toEqual([
      'refused',
      'native',
      'refused',
    ]);
  }
});

it('one for which memory was short at that moment is tried again', async () => {
  expect(await foundOf([failing('failed', 'std::bad_alloc'), 1], [runtime, 1])).toEqual([
    'refused',
    'native',
  ]);
});
