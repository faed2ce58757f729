/**
 * Samples that are made up: zeros, ones, constant(v), uniform(lo, hi), normal(mean, std) and integers(lo, hi), both
 * ends included. The same seed, input name, sample number and shape give the same elements everywhere; another sample
 * or another input gives others.
 */
import type { DataType } from '../../onnx/index.js';
import type { SampleSource } from '../../plan/index.js';
import { encodeFloats, writeInteger } from './convert.js';
import { elementTypeOf, nameOf, type IntegerType } from './element-type.js';
import { createRandom, integer, normal, uniform } from './random.js';
import { failure, success, type Outcome } from './types.js';

export type Generator = Extract<SampleSource, { readonly kind: 'generator' }>;

/** A tensor larger than this is a mistake in a `dim`, and would not fit a typed array's buffer everywhere. */
const MOST_BYTES = 2 ** 31;

/** As the plan writes it: `uniform(0, 1)`. */
export function describeGenerator({ name, parameters }: Generator): string {
  return parameters.length === 0 ? name : `${name}(${parameters.join(', ')})`;
}

/** Whether every sample of the generator is the same. */
export function isConstant({ name }: Generator): boolean {
  return name === 'zeros' || name === 'ones' || name === 'constant';
}

/** A function that gives the next element. */
function drawing(generator: Generator, input: string, sample: number): () => number {
  const [first = 0, second = 0] = generator.parameters;
  const random = createRandom(`${generator.seed}\n${sample}\n${input}`);
  switch (generator.name) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'constant':
      return () => first;
    case 'uniform':
      return () => first + (second - first) * uniform(random);
    case 'normal':
      return () => first + second * normal(random);
    case 'integers':
      return () => integer(random, first, second);
  }
}

/** Bounds between which every integer can be told apart and counted. */
function isIntegerRange(low: number, high: number): boolean {
  return Number.isSafeInteger(low) && Number.isSafeInteger(high) && low <= high && high - low < 2 ** 53;
}

/** Why the generator's numbers are none of an integer type. */
function integerFault({ name, parameters }: Generator, type: IntegerType): string | undefined {
  if (name === 'uniform' || name === 'normal') {
    return `${name} makes fractions, and the input holds ${type.name}: use integers(lo, hi)`;
  }
  const outside = parameters.find(
    (value) => !Number.isInteger(value) || value < type.lowest || value > type.highest,
  );
  return outside === undefined ? undefined : `${outside} is no ${type.name}`;
}

function integers(draw: () => number, count: number, type: IntegerType): Uint8Array {
  const bytes = new Uint8Array(count * type.bytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) writeInteger(view, i * type.bytes, type, draw());
  return bytes;
}

/** The little-endian elements of one sample of an input. */
export function generate(
  generator: Generator,
  input: string,
  sample: number,
  dataType: DataType,
  dims: readonly number[],
): Outcome<Uint8Array> {
  const type = elementTypeOf(dataType);
  if (type === undefined) {
    return failure('input-shape', `${nameOf(dataType)} cannot be made up; give the input files`);
  }
  const { name, parameters } = generator;
  const [low = 0, high = 0] = parameters;
  if (name === 'integers' && !isIntegerRange(low, high)) {
    return failure('input-shape', `${describeGenerator(generator)} needs two integers, the smaller first`);
  }
  const count = dims.reduce((elements, dim) => elements * dim, 1);
  if (count * type.bytes > MOST_BYTES) {
    return failure(
      'input-shape',
      `[${dims.join(', ')}] would be more than 2 GiB; bind its dimensions with \`dim\``,
    );
  }
  const draw = drawing(generator, input, sample);
  if (type.kind === 'integer') {
    const fault = integerFault(generator, type);
    return fault === undefined ? success(integers(draw, count, type)) : failure('input-shape', fault);
  }
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = draw();
  return success(encodeFloats(values, dataType));
}
