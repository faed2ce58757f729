// The products of a sketch against the same by hand, for errors that are multiplied together and for large ones.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roundTo } from '../../formats/index.js';
import { finish, inferShapesSteps, makeNode } from '../../onnx/index.js';
import { findLayers, roundingEvents } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import { closeEvaluation, openEvaluation } from '../evaluation.js';
import {
  floatTensor,
  randomSamples,
  realModel,
  startTestCompute,
  testFolder,
  WIDTH,
  writeChain,
  writeModel,
} from '../testing/index.js';
import { probeRows } from './probes.js';
import { sketchGraphSteps } from './sketch-graph.js';
import { Sketcher } from './sketch.js';

let runtime: Runtime;
const folder = testFolder();
beforeAll(async () => {
  runtime = await startTestCompute();
});
afterAll(async () => {
  await runtime.dispose();
  folder.remove();
});

const PROBES = 4;
const FACTOR = Math.fround(0.3);
const half = (value: number): number => roundTo('fp16', value);

/** y = x * 0.3, for so many elements. */
function scaling(elements: number) {
  return writeModel(join(folder.path, `scaling-${elements}.onnx`), {
    nodes: [makeNode({ opType: 'Mul', inputs: ['x', 'c'], outputs: ['y'], name: 'mul' })],
    weights: [floatTensor('c', [1], Float32Array.of(FACTOR))],
    inputs: { x: [1, elements] },
    outputs: { y: [1, elements] },
  });
}

async function checkProducts(elements: number): Promise<void> {
  const model = scaling(elements);
  const samples = randomSamples(1, [1, elements]);
  const layers = findLayers(model);
  const events = roundingEvents(model, layers, 'fp16');
  const evaluation = await openEvaluation(runtime, model, samples);
  const sketcher = new Sketcher(evaluation, events, ['y'], { probes: PROBES, seed: 0 });
  try {
    const sketch = await sketcher.sketch(0);
    const content = samples[0]?.inputs['x']?.content;
    if (content?.kind !== 'bytes') throw new Error('the sample has no values');
    const x = [...new Float32Array(content.bytes.slice().buffer)];
    const y = x.map((value) => Math.fround(value * FACTOR));
    const squared = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value * value, 0);
    const rows = probeRows(elements, PROBES, 1 / Math.sqrt(squared(y)), 0);
    const atoms = {
      weight: x.map((value, at) => value * half(FACTOR) - (y[at] ?? 0)),
      input: x.map((value) => half(value) - value),
      output: y.map((value) => half(value) - value),
    };
    const gradientOf = { weight: 1, input: FACTOR, output: 1 };
    const exactOf = { weight: y, input: x, output: y };
    const [output] = sketch.outputs;
    expect(events.events.map(({ kind }) => kind).sort()).toEqual(['input', 'output', 'weight']);
    for (const [index, { kind }] of events.events.entries()) {
      expect(sketch.states[index]).toBe('sketched');
      expect((sketch.atoms[index] ?? 0) / squared(atoms[kind])).toBeCloseTo(1, 4);
      expect((sketch.exact[index] ?? 0) / squared(exactOf[kind])).toBeCloseTo(1, 5);
      for (let probe = 0; probe < PROBES; probe++) {
        const products = atoms[kind].map(
          (atom, at) => gradientOf[kind] * (rows[probe * elements + at] ?? 0) * atom,
        );
        const at = index * PROBES + probe;
        expect(output?.dots[at]).toBeCloseTo(
          products.reduce((sum, one) => sum + one, 0),
          7,
        );
        // Of what is one and the same error in all elements nobody asks for it.
        if (kind !== 'weight') expect((output?.diagonals[at] ?? 0) / squared(products)).toBeCloseTo(1, 4);
      }
    }
    const weight = events.events.findIndex(({ kind }) => kind === 'weight');
    expect(sketch.constants[weight]).toBeCloseTo((half(FACTOR) - FACTOR) ** 2, 12);
  } finally {
    await sketcher.close();
    await closeEvaluation(evaluation);
  }
}

describe('the products of gradients and errors', () => {
  it('are those by hand for small tensors, which are multiplied together', async () => {
    await checkProducts(64);
  });

  it('are those by hand for large tensors, which are multiplied one by one', async () => {
    await checkProducts(20_000);
  });
});

describe('the graph of a sketch', () => {
  it('has fewer than 30 nodes for a layer, and tells the runtime no shape', () => {
    const model = writeChain(join(folder.path, 'chain.onnx'), 12);
    const layers = findLayers(model);
    const tensors = ['x', ...model.graph.nodes.flatMap(({ outputs }) => outputs)];
    const shapes = new Map(tensors.map((name) => [name, [1, WIDTH]]));
    const events = roundingEvents(model, layers, 'fp16');
    const request = { model, events, shapes, outputs: ['y'], probes: 8 };
    const path = join(folder.path, 'sketch.onnx');
    writeFileSync(path, finish(sketchGraphSteps(request)).bytes);
    const made = realModel(path);
    const { graph } = made;
    expect(graph.nodes.length / layers.length).toBeLessThan(30);
    const shapesTold = [...graph.inputs, ...graph.outputs].flatMap(({ type }) =>
      type?.kind === 'tensor' ? (type.shape ?? []) : [],
    );
    expect(shapesTold).toEqual([]);
    // Nor can any be inferred of what is large.
    expect(finish(inferShapesSteps(made)).get('y')).toBeUndefined();
  });
});
