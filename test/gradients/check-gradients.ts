/**
 * Holds the gradients of a small model against central differences of the same model in the same runtime. In FP64 where the
 * runtime has the kernels (fourth order, step 1e-4: sharp to 1e-9), otherwise in FP32 with a step of 1/100 of the range (sharp to 1e-4).
 */
import * as ort from 'onnxruntime-node';
import { exposed } from '../../server/src/emulate/index.js';
import { backwardModel, backwardVariant } from '../../server/src/gradients/index.js';
import {
  DataType,
  encodeBytes,
  encodeFresh,
  makeValueInfo,
  type Model,
} from '../../server/src/onnx/index.js';
import { modelOf } from '../conversion/graph-text.js';
import { randomNumbers } from '../conversion/run-model.js';
import type { GradientCase } from './gradient-case.js';

export interface GradientCheck {
  readonly precision: 'FP64' | 'FP32';
  /** Largest deviation of v'J d from its difference quotient, relative to the largest of that input. */
  readonly worst: number;
  /** The input that it was found at. */
  readonly input: string;
}

/** What a right rule stays below, with room for the differences themselves. */
export const BOUNDS = { FP64: 1e-7, FP32: 2e-3 } as const;

const PROBES = 3;
const DIRECTIONS = 3;
const STEPS = { FP64: 1e-4, FP32: 1e-2 } as const;

interface Values {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}
type Point = ReadonlyMap<string, Values>;

export async function checkGradients(one: GradientCase): Promise<GradientCheck> {
  const options = { opset: one.opset ?? 17, domains: { 'com.microsoft': 1 } };
  const sharp = one.isSingleOnly === true ? undefined : modelOf(inDoubles(one.text), options);
  const session = sharp === undefined ? undefined : await tryToOpen(sharp);
  if (sharp !== undefined && session !== undefined) {
    try {
      return await compare(sharp, session, one, 'FP64');
    } catch (error) {
      // The forward operators have kernels for FP64, those of the backward graph do not.
      if (!isMissingKernel(error)) throw error;
    } finally {
      await session.release();
    }
  }
  const model = modelOf(one.text, options);
  const single = await open(wholeModel(model));
  try {
    return await compare(model, single, one, 'FP32');
  } finally {
    await single.release();
  }
}

/** Types are written behind a colon, attributes are not. */
function inDoubles(text: string): string {
  return text.replaceAll(/: float\b/g, ': double');
}

async function tryToOpen(model: Model): Promise<ort.InferenceSession | undefined> {
  try {
    return await open(wholeModel(model));
  } catch {
    return undefined;
  }
}

function isMissingKernel(error: unknown): boolean {
  return (
    error instanceof Error &&
    /NOT_IMPLEMENTED|Could not find an implementation|not implemented/i.test(error.message)
  );
}

async function open(bytes: Uint8Array): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
}

function wholeModel(model: Model): Uint8Array {
  return encodeBytes(encodeFresh(model));
}

async function compare(
  model: Model,
  session: ort.InferenceSession,
  one: GradientCase,
  precision: 'FP64' | 'FP32',
): Promise<GradientCheck> {
  const random = randomNumbers(7);
  const point = pointOf(model, one, random);
  const floating = model.graph.inputs.filter(
    ({ name, type }) =>
      type?.kind === 'tensor' && isWide(type.elementType) && one.without?.includes(name) !== true,
  );
  const outputs = session.outputNames;
  const shapes = await shapesAt(model, point);
  const wanted = floating.map(({ name }) => name);
  const backward = backwardModel({ model, shapes, probes: PROBES, outputs, wanted });
  const problems = backward.withoutRule.map(({ reason }) => reason);
  if (problems.length > 0) throw new Error(`${one.operator}: ${problems.join('; ')}`);

  const probes = new Map(
    backward.inputs.map(({ name, type }): [string, Values] => {
      const dims = type?.kind === 'tensor' ? (type.shape ?? []).map(Number) : [];
      return [name, { dims, data: randomArray(dims, random) }];
    }),
  );
  const gradients = await gradientsAt(backward, model, point, probes);
  let worst = 0;
  let input = '';
  for (const name of wanted) {
    const at = point.get(name);
    if (at === undefined || at.data.length === 0) continue;
    const gradient = gradients.get(name);
    const pairs: [number, number][] = [];
    for (let turn = 0; turn < DIRECTIONS; turn++) {
      const direction = randomArray(at.dims, random);
      const [least = -1, most = 1] = one.ranges?.[name] ?? [];
      const step = (one.step ?? STEPS[precision]) * (precision === 'FP64' ? 1 : (most - least) / 2);
      const change = await differenceOf(session, model, point, name, direction, step);
      for (let probe = 0; probe < PROBES; probe++) {
        let expected = 0;
        for (const [output, values] of change) {
          const vector = probes.get(backward.probeOf.get(output) ?? '');
          expected += dot(vector?.data, probe * values.length, values);
        }
        pairs.push([dot(gradient?.data, probe * direction.length, direction), expected]);
      }
    }
    const scale = Math.max(...pairs.map(([a, b]) => Math.max(Math.abs(a), Math.abs(b))), Number.MIN_VALUE);
    // A derivative that is zero shows as rounding of the differences only.
    const error = scale < 1e-6 ? 0 : Math.max(...pairs.map(([a, b]) => deviation(a, b) / scale));
    if (error >= worst) [worst, input] = [error, name];
  }
  return { precision, worst, input };
}

/** Not a number is as wrong as can be. */
function deviation(a: number, b: number): number {
  const difference = Math.abs(a - b);
  return Number.isNaN(difference) ? Infinity : difference;
}

function dot(a: Float64Array | undefined, offset: number, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < b.length; index++) sum += (a?.[offset + index] ?? 0) * (b[index] ?? 0);
  return sum;
}

/** (-f(2h) + 8 f(h) - 8 f(-h) + f(-2h)) / 12 h along a direction, for every output. */
async function differenceOf(
  session: ort.InferenceSession,
  model: Model,
  point: Point,
  name: string,
  direction: Float64Array,
  step: number,
): Promise<ReadonlyMap<string, Float64Array>> {
  const sums = new Map<string, Float64Array>();
  for (const [times, weight] of [
    [2, -1],
    [1, 8],
    [-1, -8],
    [-2, 1],
  ] as const) {
    const moved = new Map(point);
    const at = point.get(name) ?? { dims: [], data: new Float64Array() };
    const data = at.data.map((value, index) => value + times * step * (direction[index] ?? 0));
    moved.set(name, { ...at, data });
    for (const [output, { data: values }] of await run(session, model, moved)) {
      const sum = sums.get(output) ?? new Float64Array(values.length);
      for (let index = 0; index < values.length; index++) {
        sum[index] = (sum[index] ?? 0) + (weight * (values[index] ?? 0)) / (12 * step);
      }
      sums.set(output, sum);
    }
  }
  return sums;
}

async function gradientsAt(
  backward: ReturnType<typeof backwardModel>,
  model: Model,
  point: Point,
  probes: Point,
): Promise<Point> {
  const names = model.graph.inputs.flatMap(({ name }) => {
    const gradient = backward.gradientOf(name);
    return gradient === undefined ? [] : [[name, gradient] as const];
  });
  if (names.length === 0) return new Map();
  const distinct = [...new Set(names.map(([, gradient]) => gradient))];
  const variant = backwardVariant(
    backward,
    distinct.map((name) => makeValueInfo(name, undefined)),
  );
  const session = await open(variant.bytes);
  try {
    const results = await run(session, variant.model, new Map([...point, ...probes]));
    return new Map(
      names.map(([name, gradient]) => {
        const found = results.get(gradient);
        if (found === undefined) throw new Error(`${gradient} was not computed`);
        return [name, found];
      }),
    );
  } finally {
    await session.release();
  }
}

async function shapesAt(model: Model, point: Point): Promise<ReadonlyMap<string, readonly number[]>> {
  const names = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  const variant = exposed(model, names);
  const session = await open(variant.bytes);
  try {
    const results = await run(session, variant.model, point);
    return new Map([...point, ...results].map(([name, { dims }]) => [name, dims]));
  } finally {
    await session.release();
  }
}

async function run(session: ort.InferenceSession, model: Model, point: Point): Promise<Point> {
  const feeds = Object.fromEntries(
    model.graph.inputs.map(({ name, type }) => {
      const values = point.get(name);
      if (values === undefined || type?.kind !== 'tensor') throw new Error(`no values for ${name}`);
      return [name, tensorOf(type.elementType, values)];
    }),
  );
  const results = await session.run(feeds);
  return new Map(
    Object.entries(results).map(([name, tensor]) => {
      const data = Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
      return [name, { dims: tensor.dims, data }];
    }),
  );
}

function tensorOf(type: DataType, { dims, data }: Values): ort.Tensor {
  switch (type) {
    case DataType.DOUBLE:
      return new ort.Tensor('float64', data, dims);
    case DataType.INT64:
      return new ort.Tensor('int64', BigInt64Array.from(data, BigInt), dims);
    case DataType.BOOL:
      return new ort.Tensor('bool', Uint8Array.from(data), dims);
    default:
      return new ort.Tensor('float32', Float32Array.from(data), dims);
  }
}

function isWide(type: DataType): boolean {
  return type === DataType.FLOAT || type === DataType.DOUBLE;
}

function pointOf(model: Model, one: GradientCase, random: () => number): Point {
  return new Map(
    model.graph.inputs.map(({ name, type }): [string, Values] => {
      const dims = type?.kind === 'tensor' ? (type.shape ?? []).map(Number) : [];
      const count = dims.reduce((product, size) => product * size, 1);
      const given = one.values?.[name];
      if (given !== undefined) {
        return [
          name,
          { dims, data: Float64Array.from({ length: count }, (_, at) => given[at % given.length] ?? 0) },
        ];
      }
      return [name, { dims, data: distinct(count, one.ranges?.[name] ?? [-1, 1], random) }];
    }),
  );
}

/** Values at equal distances within a range, shuffled, shifted by less than half the distance: no two alike. */
function distinct(
  count: number,
  [least, most]: readonly [number, number],
  random: () => number,
): Float64Array {
  const shift = 0.25 + random() / 2;
  const values = Float64Array.from(
    { length: count },
    (_, at) => least + ((at + shift) / count) * (most - least),
  );
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const kept = values[at] ?? 0;
    values[at] = values[other] ?? 0;
    values[other] = kept;
  }
  return values;
}

function randomArray(dims: readonly number[], random: () => number): Float64Array {
  const count = dims.reduce((product, size) => product * size, 1);
  return Float64Array.from({ length: count }, () => 2 * random() - 1);
}
