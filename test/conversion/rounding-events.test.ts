// The roundings that a plan's events speak of are those that its emulated graph does: every one of them, and none twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as ort from 'onnxruntime-node';
import { emulated } from '../../server/src/emulate/index.js';
import { roundArray } from '../../server/src/formats/index.js';
import {
  DataType,
  encodeBytes,
  encodeFresh,
  indexGraph,
  makeTensorType,
  makeValueInfo,
  type Model,
  type Node,
} from '../../server/src/onnx/index.js';
import {
  findLayers,
  isMovement,
  LayerStand,
  roundingEvents,
  type Layer,
  type PrecisionGraph,
} from '../../server/src/plan/index.js';
import { modelOf } from './graph-text.js';
import { graphFor, type Wanted } from './plans.js';
import { fakeInput, randomNumbers, runModel, type Feeds } from './run-model.js';

type Low = 'fp16' | 'bf16';

/** A rounding as text: `LAYER weights`, `LAYER output`, or `LAYER reads LAYER-OR-TENSOR`. */
type Rounding = string;

/** Those that the events of a format say a plan does. */
function saidRoundings(model: Model, format: Low, formatOf: (layer: Layer) => Wanted): Set<Rounding> {
  const layers = findLayers(model);
  const found = roundingEvents(model, layers, format);
  const stands = Uint8Array.from(layers, (layer) => {
    const own = formatOf(layer);
    if (own === format) return LayerStand.low;
    return own === 'fp32' || own === 'original' ? LayerStand.exact : LayerStand.otherLow;
  });
  const triggered = new Uint8Array(found.events.length);
  found.trigger(stands, triggered);
  const producers = new Map(layers.flatMap((layer) => layer.node.outputs.map((name) => [name, layer.name])));
  return new Set(
    found.events.flatMap((event, index): Rounding[] => {
      if (triggered[index] !== 1) return [];
      const name = layers[event.layer]?.name ?? '';
      if (event.kind === 'weight') return [`${name} weights`];
      if (event.kind === 'output') return [`${name} output`];
      return [`${name} reads ${producers.get(event.source) ?? event.source}`];
    }),
  );
}

interface Root {
  readonly root: string;
  readonly by: string;
  readonly constant: boolean;
  readonly pair: boolean;
}

/** By number of the element type, as attributes have it. */
const FORMATS = new Map<number, Low>([
  [DataType.FLOAT16, 'fp16'],
  [DataType.BFLOAT16, 'bf16'],
]);

interface Seen {
  /** Places where there is a pair of casts at all. */
  readonly possible: Set<Rounding>;
  /** Those that changed a value in the run. */
  readonly real: Set<Rounding>;
}

/** Those that the emulated graph does in `format`, by running it and looking at each pair of casts. */
async function seenRoundings(
  graph: PrecisionGraph,
  format: Low,
  feeds: Feeds,
  folder?: string,
): Promise<Seen> {
  const { model } = emulated(graph);
  const index = indexGraph(model.graph, model.irVersion);
  const layers = new Map(findLayers(graph.model).map((layer) => [layer.name, layer]));
  const lowLayers = new Map(graph.decisions.map(({ layer, format: own }) => [layer.name, own]));
  const nodeOf = (name: string): Node | undefined => model.graph.nodes[index.producers.get(name) ?? -1];
  /** What a pair of casts rounds, and to what, if `name` is the result of one. */
  const pairAt = (name: string): { readonly from: string; readonly format: string } | undefined => {
    const up = nodeOf(name);
    const down = up?.opType === 'Cast' ? nodeOf(up.inputs[0] ?? '') : undefined;
    if (down?.opType !== 'Cast') return undefined;
    const to = down.attributes.find((attribute) => attribute.name === 'to');
    const type = to?.kind === 'int' ? FORMATS.get(to.value) : undefined;
    return type === undefined ? undefined : { from: down.inputs[0] ?? '', format: type };
  };
  const layerAt = (name: string): string | undefined => {
    const by = nodeOf(name)?.name;
    return by !== undefined && layers.has(by) ? by : undefined;
  };
  const isOutputPair = (name: string): boolean => {
    const pair = pairAt(name);
    const by = pair === undefined ? undefined : layerAt(pair.from);
    return by !== undefined && lowLayers.get(by) === pair?.format;
  };
  const seen: Seen = { possible: new Set(), real: new Set() };
  const values = await allValues(model, feeds, folder);
  const isHeld = (name: string): boolean => {
    const exact = values.get(name) ?? new Float32Array(0);
    const rounded = Float32Array.from(exact);
    roundArray(format, rounded, rounded);
    return exact.every((value, at) => Object.is(value, rounded[at]));
  };
  const add = (rounding: Rounding, isReal: boolean): void => {
    seen.possible.add(rounding);
    if (isReal) seen.real.add(rounding);
  };
  const rootsOf = (name: string, pair: boolean): Root[] => {
    const by = layerAt(name);
    if (by !== undefined) return [{ root: name, by, constant: false, pair }];
    const rounded = pairAt(name);
    if (rounded !== undefined) {
      const from = isOutputPair(name) ? layerAt(rounded.from) : undefined;
      if (from !== undefined) return [{ root: name, by: from, constant: false, pair }];
      return rootsOf(rounded.from, pair || rounded.format === format);
    }
    const node = nodeOf(name);
    const read = node !== undefined && isMovement(node) ? node.inputs.filter((one) => values.has(one)) : [];
    if (read.length > 0) return read.flatMap((one) => rootsOf(one, pair));
    return [{ root: name, by: name, constant: index.initializers.has(name), pair }];
  };
  for (const node of model.graph.nodes) {
    for (const name of node.outputs) {
      const pair = pairAt(name);
      const by = pair?.format === format && isOutputPair(name) ? layerAt(pair.from) : undefined;
      if (pair !== undefined && by !== undefined) add(`${by} output`, !isHeld(pair.from));
    }
    if (lowLayers.get(node.name) !== format) continue;
    for (const input of node.inputs) {
      const roots = values.has(input) ? rootsOf(input, false) : [];
      const isWeight = roots.length > 0 && roots.every(({ constant }) => constant);
      for (const { root, by, pair } of roots) {
        if (pair) add(isWeight ? `${node.name} weights` : `${node.name} reads ${by}`, !isHeld(root));
      }
    }
  }
  return seen;
}

/** Every FP32 tensor of a model, run. */
async function allValues(
  model: Model,
  feeds: Feeds,
  folder?: string,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { graph, irVersion, opsets, functions } = model;
  const names = [...new Set(graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== '')))];
  const isLow = new Set(
    graph.nodes.flatMap(({ opType, attributes, outputs }) =>
      opType === 'Cast' && attributes.some((one) => one.kind === 'int' && FORMATS.has(one.value))
        ? outputs
        : [],
    ),
  );
  const outputs = names
    .filter((name) => !isLow.has(name))
    .map((name) => makeValueInfo(name, makeTensorType(DataType.FLOAT, undefined)));
  const exposed = encodeBytes(encodeFresh({ irVersion, opsets, functions, graph: { ...graph, outputs } }));
  const run = await runModel(exposed, feeds, folder);
  const values = new Map<string, Float32Array>();
  const keep = (name: string, tensor: ort.Tensor): void => {
    if (tensor.data instanceof Float32Array) values.set(name, tensor.data);
  };
  for (const [name, tensor] of Object.entries(run.outputs)) keep(name, tensor);
  for (const [name, tensor] of Object.entries(feeds)) keep(name, tensor);
  for (const { name, dataType, data } of graph.initializers) {
    if (dataType !== DataType.FLOAT) continue;
    values.set(
      name,
      data.kind === 'made' ? new Float32Array(data.bytes.slice().buffer) : Float32Array.of(Math.PI),
    );
  }
  return values;
}

async function checkPlan(
  model: Model,
  feeds: Feeds,
  formatOf: (name: string) => Wanted,
  folder?: string,
): Promise<{ readonly said: number; readonly real: number }> {
  const graph = graphFor(model, formatOf, 'inf');
  const decided = new Map(graph.decisions.map(({ layer, format }) => [layer, format]));
  const byName = new Map([...decided].map(([layer, format]) => [layer.name, format]));
  let counts = { said: 0, real: 0 };
  for (const format of ['fp16', 'bf16'] as const) {
    const said = saidRoundings(model, format, ({ name }) => byName.get(name) ?? 'original');
    const { possible, real } = await seenRoundings(graph, format, feeds, folder);
    // What is not said changes nothing; what is said is done.
    expect([...real].filter((one) => !said.has(one))).toEqual([]);
    expect([...said].filter((one) => !possible.has(one))).toEqual([]);
    counts = { said: counts.said + said.size, real: counts.real + real.size };
  }
  return counts;
}

const WIDTH = 6;
const KINDS = [
  'MatMul',
  'Add',
  'Mul',
  'Tanh',
  'Relu',
  'Abs',
  'Neg',
  'Max',
  'Clip',
  'AddConstant',
  'Half',
  'Concat',
  'Transpose',
  'Identity',
  'Where',
  'Loose',
] as const;
type Choice = readonly [kind: (typeof KINDS)[number], a: number, b: number];

/** A graph of layers, operators that preserve values, and movement; each reads any of the tensors before it. */
function generated(choices: readonly Choice[]): Model {
  const shape = `float[${WIDTH},${WIDTH}]`;
  const lines = [
    `input x: ${shape}`,
    'init lo: float[] = -1',
    'init hi: float[] = 1.5',
    'init loose: float[] = 0.7',
    'init half: float[] = 0.5',
    `init c: bool[${WIDTH}] = 1 0 0`,
  ];
  const tensors = ['x'];
  choices.forEach(([kind, a, b], at) => {
    const first = tensors[tensors.length - 1 - (a % tensors.length)] ?? 'x';
    const second = tensors[tensors.length - 1 - (b % tensors.length)] ?? 'x';
    const to = `t${at}`;
    const layer = (text: string): void => {
      lines.push(`"layer ${at}": ${to} = ${text}`);
    };
    if (kind === 'MatMul' || kind === 'AddConstant') {
      lines.push(
        `init w${at}: ${shape} = ${[0.31, -0.77, 0.123, 0.9, -0.2].map((one) => one + at / 97).join(' ')}`,
      );
      layer(kind === 'MatMul' ? `MatMul(${first}, w${at})` : `Add(${first}, w${at})`);
    } else if (kind === 'Clip') layer(`Clip(${first}, lo, hi)`);
    else if (kind === 'Loose') layer(`Clip(${first}, lo, loose)`);
    else if (kind === 'Half') layer(`Mul(${first}, half)`);
    else if (kind === 'Concat') {
      lines.push(`"joined ${at}": j${at} = Concat(${first}, ${second}) {"axis": 0}`);
      layer(`MatMul(l${at}, j${at})`);
      lines.splice(-1, 0, `init l${at}: float[${WIDTH},${2 * WIDTH}] = 0.3 -0.7 0.11`);
    } else if (kind === 'Where') lines.push(`"moved ${at}": ${to} = Where(c, ${first}, ${second})`);
    else if (kind === 'Transpose') lines.push(`"moved ${at}": ${to} = Transpose(${first})`);
    else if (kind === 'Identity') lines.push(`"moved ${at}": ${to} = Identity(${first})`);
    else if (kind === 'Add' || kind === 'Mul' || kind === 'Max') layer(`${kind}(${first}, ${second})`);
    else layer(`${kind}(${first})`);
    tensors.push(to);
  });
  const outputs = [...new Set(tensors.slice(1).slice(-2))].map((name) => `output ${name}: ${shape}`);
  return modelOf([...lines, ...outputs].join('\n'));
}

/** The same format for a layer each time it is asked for. */
function randomPlan(seed: number, formats: readonly Wanted[]): (name: string) => Wanted {
  const random = randomNumbers(seed);
  const settled = new Map<string, Wanted>();
  return (name) => {
    const format = settled.get(name) ?? formats[Math.floor(random() * formats.length)] ?? 'fp32';
    settled.set(name, format);
    return format;
  };
}

describe('rounding events', () => {
  it('are the roundings of the emulated graph, on random graphs and plans', async () => {
    const choice = fc.tuple(fc.constantFrom(...KINDS), fc.nat(9), fc.nat(9));
    const graphs = fc.array(choice, { minLength: 2, maxLength: 12 });
    let said = 0;
    let real = 0;
    await fc.assert(
      fc.asyncProperty(
        graphs,
        fc.integer({ min: 1, max: 2 ** 30 }),
        fc.boolean(),
        async (choices, seed, two) => {
          const formats: readonly Wanted[] = two ? ['fp16', 'bf16', 'fp32'] : ['fp16', 'fp32'];
          const counts = await checkPlan(
            generated(choices),
            { x: fakeInput([WIDTH, WIDTH]) },
            randomPlan(seed, formats),
          );
          said += counts.said;
          real += counts.real;
        },
      ),
      { numRuns: Number(process.env['ROUNDING_RUNS'] ?? 80) },
    );
    // Nearly all that is said changes something, too: events are not counted twice where a value is held already.
    expect(real / said).toBeGreaterThan(0.85);
  });

  const square = 'float[2,2]';
  const model = (between: string): Model =>
    modelOf(`input x: ${square}
      init w: ${square} = 0.3 -0.7 0.11 0.9
      "first": a = MatMul(x, w)
      "high": h = Tanh(x)
      "between": b = ${between}
      "last": y = MatMul(b, w)
      output h: ${square}
      output y: ${square}`);
  const low = ({ name }: Layer): Wanted => (name === 'first' || name === 'last' ? 'fp16' : 'fp32');

  it('find values held behind an exact layer that only chooses among held ones', () => {
    for (const between of ['Relu(a)', 'Neg(a)', 'Max(a, a)', 'Identity(a)']) {
      expect([...saidRoundings(model(between), 'fp16', low)]).toEqual([
        ...['first weights', 'first reads x', 'first output', 'last weights', 'last output'],
      ]);
    }
  });

  it('round what comes from an exact layer, in whatever place it stands', () => {
    for (const between of ['Max(a, h)', 'Max(h, a)', 'Tanh(a)']) {
      expect(saidRoundings(model(between), 'fp16', low)).toContain('last reads between');
    }
  });
});
