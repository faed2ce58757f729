import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode, type Model, type Node, type Tensor } from '../../onnx/index.js';
import { findLayers, layerInFormat, nodeRoles, precisionGraph } from '../../plan/index.js';
import { measuredErrors, type MeasuredError, type MeasuredErrors } from './measured-errors.js';
import { measure } from '../measurement/measurement.js';
import { resolveSamples, type Sample } from '../samples/index.js';
import {
  bindTo,
  computeForTests,
  floatTensor,
  POSE_MODEL,
  randomSamples,
  randomValues,
  realModel,
  ROOT,
  WIDTH,
  withEvaluation,
  writeModel,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();

/** Both ways give the same numbers, to the last bit. */
async function checkWays(
  model: Model,
  samples: readonly Sample[],
  format: 'fp16' | 'bf16' = 'fp16',
): Promise<MeasuredErrors> {
  const layers = findLayers(model);
  let found: MeasuredErrors | undefined;
  await withEvaluation(runtime, model, samples, async (evaluation) => {
    const segments = await measuredErrors(evaluation, layers, format);
    const plain = await measuredErrors(evaluation, layers, format, [], { way: 'plain' });
    expect(plain.plain).toBe(plain.errors.length);
    expect(segments.errors).toEqual(plain.errors);
    found = segments;
  });
  if (found === undefined) throw new Error('nothing was measured');
  return found;
}

let models = 0;
function small(
  nodes: readonly Node[],
  weights: readonly Tensor[],
  outputs: readonly string[],
  width = WIDTH,
): Model {
  models += 1;
  return writeModel(join(folder, `small-${models}.onnx`), {
    nodes,
    weights,
    inputs: { x: [1, width] },
    outputs: Object.fromEntries(outputs.map((name) => [name, [1, WIDTH]])),
  });
}

const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  name = outputs[0] ?? '',
): Node => makeNode({ opType, inputs, outputs, name });
const square = (name: string, seed: number): Tensor =>
  floatTensor(name, [WIDTH, WIDTH], randomValues(WIDTH * WIDTH, seed));

/** A graph of layers that read any of the tensors before them, with weights and movement; the last tensors come out. */
function generated(choices: readonly (readonly [number, number, number])[]): Model {
  const nodes: Node[] = [];
  const weights: Tensor[] = [];
  const tensors = ['x'];
  choices.forEach(([kind, a, b], index) => {
    const first = tensors[a % tensors.length] ?? 'x';
    const second = tensors[b % tensors.length] ?? 'x';
    const to = `t${index}`;
    if (kind === 0) {
      weights.push(square(`w${index}`, index + 1));
      nodes.push(node('MatMul', [first, `w${index}`], [to]));
    } else if (kind === 1) nodes.push(node('Add', [first, second], [to]));
    else if (kind === 2) nodes.push(node('Sigmoid', [first], [to]));
    else if (kind === 3) nodes.push(node('Identity', [first], [to]));
    else nodes.push(node('Mul', [first, second], [to]));
    tensors.push(to);
  });
  return small(nodes, weights, [...new Set(tensors.slice(1).slice(-2))]);
}

describe('measured errors', () => {
  it('of segments and of a session per layer are the same on any graph', async () => {
    const choice = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(20), fc.nat(20));
    const graphs = fc.sample(fc.array(choice, { minLength: 3, maxLength: 14 }), { numRuns: 12, seed: 7 });
    for (const graph of graphs) await checkWays(generated(graph), randomSamples(2));
  });

  it('are the same beside movement that may take the format along', async () => {
    const split = makeNode({
      opType: 'Split',
      name: 'split',
      inputs: ['x'],
      outputs: ['a', 'b', 'c', 'd'],
      attributes: [makeAttribute('axis', { kind: 'int', value: 1 })],
    });
    const nodes = [split, node('Sum', ['a', 'b', 'c'], ['s']), node('Add', ['s', 'd'], ['y'])];
    const { errors, plain } = await checkWays(
      small(nodes, [], ['y'], 4 * WIDTH),
      randomSamples(2, [1, 4 * WIDTH]),
    );
    expect([errors.length, plain]).toEqual([2, 0]);
  });

  it('are the same where a switch would not do: a mask that is saturated', async () => {
    const mask = floatTensor('mask', [1], Float32Array.of(-3.4e38));
    const nodes = [
      node('Sigmoid', ['x'], ['h']),
      node('Mul', ['h', 'mask'], ['masked']),
      node('Softmax', ['masked'], ['y']),
    ];
    const { plain, errors } = await checkWays(small(nodes, [mask], ['y']), randomSamples(2));
    expect([errors.length, plain]).toEqual([3, 1]);
  });

  it('are the same for outputs before the cut, dead layers and BF16', async () => {
    const nodes = [
      node('MatMul', ['x', 'w'], ['early']),
      node('Sigmoid', ['early'], ['h']),
      node('Exp', ['early'], ['dead']),
      node('MatMul', ['h', 'w'], ['late']),
    ];
    const model = small(nodes, [square('w', 3)], ['early', 'late']);
    for (const format of ['fp16', 'bf16'] as const) {
      const { errors } = await checkWays(model, randomSamples(2), format);
      const valueOf = (name: string): MeasuredError | undefined =>
        errors.find((one) => one.layer.name === name);
      expect(valueOf('dead')?.value).toBe(0);
      expect(valueOf('late')?.perOutput.map((one) => one.value > 0)).toEqual([false, true]);
      expect(valueOf('early')?.perOutput.map((one) => one.value > 0)).toEqual([true, true]);
    }
  });

  it('are infinite where rounding overflows, for that layer and no other', async () => {
    const scale = floatTensor('scale', [1], Float32Array.of(1e6));
    const nodes = [
      node('Mul', ['x', 'scale'], ['large']),
      node('Div', ['large', 'scale'], ['back']),
      node('Sigmoid', ['back'], ['y']),
    ];
    const { errors } = await checkWays(small(nodes, [scale], ['y']), randomSamples(2));
    const finite = errors.map((one) => [one.layer.name, Number.isFinite(one.value)]);
    expect(Object.fromEntries(finite)).toEqual({ large: true, back: false, y: true });
  });
});

describe('measured errors of the pose model', () => {
  const model = realModel(POSE_MODEL);
  const layers = findLayers(model);
  const tolerances = 'tolerance "ld_3d" relative_l2 <= 1e-3\ntolerance "poseflag" max_abs <= 1e-4\n';
  const { plan } = bindTo(model, `input "input_1" from "inputs/walker_*.npy"\n${tolerances}default: fp16\n`);

  async function samples(): Promise<readonly Sample[]> {
    return (await resolveSamples(plan.inputs, join(ROOT, 'samples/pose'))).samples.slice(0, 2);
  }

  it('are what `measure` says of plans that lower one layer, tolerances included', async () => {
    await withEvaluation(runtime, model, await samples(), async (evaluation) => {
      const some = layers.filter((_, index) => index % 19 === 0);
      const found = await measuredErrors(evaluation, some, 'fp16', plan.tolerances);
      expect(found.plain).toBe(0);
      expect(found.errors.map((one) => one.layer)).toEqual(some);
      for (const error of found.errors) {
        const graph = precisionGraph(model, nodeRoles(model), layers, [layerInFormat(error.layer, 'fp16')]);
        const measured = await measure(evaluation, graph, plan.tolerances);
        expect(error.tolerances).toEqual(measured.tolerances);
        expect(error.low).toBeLessThanOrEqual(error.value);
        expect(error.value).toBeLessThanOrEqual(error.high);
        expect(error.value).toBeGreaterThan(0);
        for (const output of error.perOutput) {
          const worst = measured.outputs.find((one) => one.name === output.output)?.worst.relative_l2;
          expect(output.high).toBeCloseTo(worst ?? Number.NaN, 12);
        }
        // `world_3d` has no tolerance and is not judged.
        const judged = error.perOutput.filter(({ output }) => output !== 'world_3d');
        expect(judged.length).toBe(2);
        expect(error.value).toBe(Math.max(...judged.map((one) => one.value)));
      }
    });
  });

  it('are kept as far as they were found when the work is cancelled', async () => {
    await withEvaluation(runtime, model, await samples(), async (evaluation) => {
      const cancel = new AbortController();
      const kept: MeasuredError[] = [];
      const finished = (error: MeasuredError): void => {
        kept.push(error);
        if (kept.length === 3) cancel.abort();
      };
      const { signal } = cancel;
      const last = layers.slice(-20);
      const work = measuredErrors(evaluation, [...layers.slice(0, 5), ...last], 'fp16', [], {
        signal,
        finished,
      });
      await expect(work).rejects.toMatchObject({ kind: 'cancelled' });
      expect(kept.length).toBeGreaterThanOrEqual(3);
      expect(kept.length).toBeLessThan(25);
      for (const error of kept) expect(error.value).toBeGreaterThan(0);
    });
  });
});
