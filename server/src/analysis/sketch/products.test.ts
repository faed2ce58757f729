// The products of a sketch against the same by hand, for errors that are multiplied together and for large ones.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roundTo } from '../../formats/index.js';
import { finish, inferShapesSteps, makeNode, type Graph, type Model, type Node } from '../../onnx/index.js';
import { findLayers, roundingEvents } from '../../plan/index.js';
import { closeEvaluation, openEvaluation } from '../sessions/evaluation.js';
import {
  computeForTests,
  floatTensor,
  randomSamples,
  realModel,
  WIDTH,
  writeChain,
  writeModel,
} from '../testing/index.js';
import { probeRows } from './probes.js';
import { sketchGraphSteps } from './sketch-graph.js';
import { Sketcher } from './sketch.js';

const { runtime, folder } = await computeForTests();

const PROBES = 4;
const FACTOR = Math.fround(0.3);
const half = (value: number): number => roundTo('fp16', value);

/** x times one number after the other, for so many elements. */
function scaling(elements: number, factors: readonly number[]) {
  return writeModel(join(folder, `scaling-${elements}-${factors.length}.onnx`), {
    nodes: factors.map((_, at) =>
      makeNode({
        ...{ opType: 'Mul', name: `mul_${at}` },
        ...{ inputs: [at === 0 ? 'x' : `v_${at}`, `c_${at}`], outputs: [nameOf(at + 1, factors)] },
      }),
    ),
    weights: factors.map((factor, at) => floatTensor(`c_${at}`, [1], Float32Array.of(factor))),
    inputs: { x: [1, elements] },
    outputs: { y: [1, elements] },
  });
}

const nameOf = (at: number, factors: readonly number[]): string => (at === factors.length ? 'y' : `v_${at}`);

async function checkProducts(elements: number, factors: readonly number[] = [FACTOR]): Promise<void> {
  const model = scaling(elements, factors);
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
    const values = factors.reduce(
      (all, factor) => [...all, (all.at(-1) ?? []).map((value) => Math.fround(value * factor))],
      [x],
    );
    const y = values.at(-1) ?? [];
    const squared = (numbers: readonly number[]): number =>
      numbers.reduce((sum, value) => sum + value * value, 0);
    const { values: rows } = probeRows(elements, PROBES, 1 / Math.sqrt(squared(y)), 0);
    const [output] = sketch.outputs;
    expect(events.events.map(({ kind }) => kind).sort()).toEqual(
      ['input', 'output', 'weight'].flatMap((kind) => factors.map(() => kind)),
    );
    for (const [index, { kind, layer }] of events.events.entries()) {
      const factor = factors[layer] ?? 0;
      const [read, written] = [values[layer] ?? [], values[layer + 1] ?? []];
      const behind = factors.slice(layer + 1).reduce((product, one) => product * one, 1);
      const { atom, exact, gradient } = {
        weight: {
          atom: read.map((value, at) => Math.fround(value * half(factor)) - (written[at] ?? 0)),
          exact: written,
          gradient: behind,
        },
        input: { atom: read.map((value) => half(value) - value), exact: read, gradient: factor * behind },
        output: { atom: written.map((value) => half(value) - value), exact: written, gradient: behind },
      }[kind];
      expect(sketch.states[index]).toBe('sketched');
      expect((sketch.atoms[index] ?? 0) / squared(atom)).toBeCloseTo(1, 4);
      expect((sketch.exact[index] ?? 0) / squared(exact)).toBeCloseTo(1, 5);
      for (let probe = 0; probe < PROBES; probe++) {
        const products = atom.map((one, at) => gradient * (rows[probe * elements + at] ?? 0) * one);
        const at = index * PROBES + probe;
        expect(output?.dots[at]).toBeCloseTo(
          products.reduce((sum, one) => sum + one, 0),
          7,
        );
        // Of what is one and the same error in all elements nobody asks for it.
        if (kind !== 'weight') expect((output?.diagonals[at] ?? 0) / squared(products)).toBeCloseTo(1, 4);
      }
    }
    const weights = events.events.flatMap((event, index) =>
      event.kind === 'weight' ? [{ ...event, index }] : [],
    );
    for (const { index, layer } of weights) {
      const factor = factors[layer] ?? 0;
      expect(sketch.constants[index]).toBeCloseTo((half(factor) - factor) ** 2, 12);
    }
  } finally {
    await sketcher.close();
    await closeEvaluation(evaluation);
  }
}

describe('the products of gradients and errors', () => {
  it('are those by hand for many errors of one gradient, large ones too, each times a factor of its own', async () => {
    const factors = [0.3, -1.7, 0.9, 2.1].map(Math.fround);
    for (const elements of [64, 20_000]) await checkProducts(elements, factors);
  });

  it('are those by hand for small tensors, which are multiplied together', async () => {
    await checkProducts(64);
  });

  it('are those by hand for large tensors, which are multiplied one by one', async () => {
    await checkProducts(20_000);
  });
});

/** The graph that sketches a chain of so many layers. */
function sketchOfChain(depth: number): Model {
  const model = writeChain(join(folder, `chain-${depth}.onnx`), depth);
  const layers = findLayers(model);
  const tensors = ['x', ...model.graph.nodes.flatMap(({ outputs }) => outputs)];
  const shapes = new Map(tensors.map((name) => [name, [1, WIDTH]]));
  const events = roundingEvents(model, layers, 'fp16');
  const path = join(folder, `sketch-${depth}.onnx`);
  const request = { model, events, shapes, outputs: ['y'], probes: 8 };
  writeFileSync(path, finish(sketchGraphSteps(request)).bytes);
  return realModel(path);
}

describe('the graph of a sketch', () => {
  it('has fewer than 30 nodes for a layer, and tells the runtime no shape', () => {
    const made = sketchOfChain(12);
    const { graph } = made;
    expect(graph.nodes.length / (2 * 12)).toBeLessThan(30);
    const shapesTold = [...graph.inputs, ...graph.outputs].flatMap(({ type }) =>
      type?.kind === 'tensor' ? (type.shape ?? []) : [],
    );
    expect(shapesTold).toEqual([]);
    // Nor can any be inferred of what is large.
    expect(finish(inferShapesSteps(made)).get('y')).toBeUndefined();
  });

  it('needs the gradients of a few layers at a time, in the order in which the runtime runs it', () => {
    const most = [10, 40].map((depth) => mostGradients(sketchOfChain(depth).graph));
    expect(most[0]).toBeGreaterThan(1);
    expect(most[1]).toBe(most[0]);
  });

  it('has less than one node for a layer wait that could run', () => {
    const waiting = mostWaiting(sketchOfChain(40).graph);
    expect(waiting).toBeGreaterThan(0);
    expect(waiting / (2 * 40)).toBeLessThan(1);
  });
});

/**
 * How many nodes could run and do not at most, where of those that could the one runs that stands first in the file: ONNX Runtime
 * sorts a graph so, and walks through all that could run for each node.
 */
function mostWaiting({ nodes }: Graph): number {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const waitsFor = nodes.map(({ inputs }) => new Set(inputs.filter((name) => made.has(name))));
  const ready = nodes.flatMap((_, at) => (waitsFor[at]?.size === 0 ? [at] : []));
  let most = 0;
  // What waits for nothing from the outset is there in any order.
  for (const outset = ready.length; ready.length > 0; most = Math.max(most, ready.length - outset)) {
    ready.sort((first, second) => first - second);
    const outputs = nodes[ready.shift() ?? -1]?.outputs ?? [];
    for (const [at, names] of waitsFor.entries()) {
      const before = names.size;
      for (const name of outputs) names.delete(name);
      if (before > 0 && names.size === 0) ready.push(at);
    }
  }
  return most;
}

/** How many gradients there are at most at a time, each from when it is made until it is read for the last time. */
function mostGradients({ nodes, outputs }: Graph): number {
  const order = runOrder(nodes, outputs[0]?.name ?? '');
  const reads = new Map<string, number>();
  for (const node of order) for (const name of node.inputs) reads.set(name, (reads.get(name) ?? 0) + 1);
  const gradients = new Set(['probes_of_y']);
  let alive = 0;
  let most = 0;
  for (const node of order) {
    // Factors are none, since no probe is in them; products of a gradient and an error are no longer any.
    const isGradient = node.inputs.some((name) => gradients.has(name)) && node.outputs[0]?.startsWith('vjp');
    if (isGradient === true) {
      for (const name of node.outputs) gradients.add(name);
      alive += node.outputs.length;
      most = Math.max(most, alive);
    }
    for (const name of node.inputs) {
      const left = (reads.get(name) ?? 0) - 1;
      reads.set(name, left);
      if (left === 0 && gradients.has(name) && name !== 'probes_of_y') alive -= 1;
    }
  }
  return most;
}

/**
 * The order of ONNX Runtime's `GraphViewer`: depth first from the output against the edges, of what a node reads that first which
 * stands last in the file.
 */
function runOrder(nodes: readonly Node[], output: string): readonly Node[] {
  const producers = new Map(nodes.flatMap((node, at) => node.outputs.map((name) => [name, at] as const)));
  const order: Node[] = [];
  const visited = new Set<number>();
  const visit = (at: number): void => {
    const node = nodes[at];
    if (node === undefined || visited.has(at)) return;
    visited.add(at);
    const before = node.inputs.flatMap((name) => producers.get(name) ?? []);
    for (const one of before.sort((first, second) => second - first)) visit(one);
    order.push(node);
  };
  visit(producers.get(output) ?? -1);
  return order;
}
