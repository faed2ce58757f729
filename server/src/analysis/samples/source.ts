/**
 * Where the samples of one input come from: how many there are, and the tensor of each. Knows one input at a time; what
 * the inputs of a sample must agree on is in `resolve.ts`.
 */
import { isAbsolute, relative, sep } from 'node:path';
import type { InputBinding, SampleSource as BoundSource } from '../../plan/index.js';
import { describeGenerator, generate, isConstant, type Generator } from './generate.js';
import { findFiles } from './find-files.js';
import { openArray, type ArrayFile, type ArrayWish } from './open-array.js';
import { checkBytes, readArray, readSample, sampleDims } from './read-file.js';
import { bindShape, concreteShape, describeShape } from './shape.js';
import { failure, success, type Fault, type Outcome, type SampleTensor } from './types.js';

type FileSource = Extract<BoundSource, { readonly kind: 'files' }>;

export interface SampleSource {
  readonly binding: InputBinding;
  readonly kind: 'files' | 'generator';
  /** Samples that it has; undefined where it makes as many as are wanted. */
  readonly count: number | undefined;
  /** Of a source without a count: more than one sample of it would tell nothing new. */
  readonly isConstant: boolean;
  /** What to call the sample by this source, if it is one that names samples. */
  name(index: number): string | undefined;
  /** Sample `index`, with the symbolic dimensions of the sample so far, to which it adds its own. */
  tensor(index: number, symbols: Map<string, number>): Promise<Outcome<LoadedTensor>>;
}

export interface LoadedTensor {
  readonly tensor: SampleTensor;
  /** Dimensions that nothing binds and that were taken as 1. */
  readonly unbound: readonly string[];
}

/** A path as a plan would write it. */
function shown(path: string, folder: string): string {
  const within = relative(folder, path);
  return (isAbsolute(within) ? path : within).split(sep).join('/');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function about<T>(origin: string, fault: Fault): Outcome<T> {
  return failure(fault.code, `${origin}: ${fault.message}`);
}

/** One array of a file, or one position on its axis. */
async function fileTensor(
  file: ArrayFile,
  origin: string,
  binding: InputBinding,
  slice: { readonly axis: number; readonly position: number } | undefined,
  all: () => Promise<Outcome<Uint8Array>>,
): Promise<Outcome<SampleTensor>> {
  const { elementType, shape } = binding;
  const dims = sampleDims(file.header.dims, slice?.axis, shape?.length);
  const content = await readSample(file, elementType, dims, slice, all);
  if (!content.ok) return about(origin, content.fault);
  return success({ dataType: elementType, dims, origin, ...content.value });
}

function bound(
  tensor: Outcome<SampleTensor>,
  binding: InputBinding,
  symbols: Map<string, number>,
): Outcome<LoadedTensor> {
  if (!tensor.ok) return tensor;
  const { dims, origin } = tensor.value;
  const mismatch = bindShape(binding.shape, dims, symbols);
  if (mismatch !== undefined)
    return failure('input-shape', `${origin} is ${describeShape(dims)}; ${mismatch}`);
  return success({ tensor: tensor.value, unbound: [] });
}

function wishOf({ name, elementType, shape }: InputBinding, { axis, pictures }: FileSource): ArrayWish {
  return { name, elementType, shape, options: pictures, axis };
}

/** Many files, one a sample; a single one serves all samples and is read once. */
function filesSource(
  binding: InputBinding,
  wish: ArrayWish,
  paths: readonly string[],
  folder: string,
): SampleSource {
  const origin = (index: number) => shown(paths[index] ?? '', folder);
  const read = async (index: number): Promise<Outcome<SampleTensor>> => {
    const file = await openArray(paths[index] ?? '', wish);
    if (!file.ok) return about(origin(index), file.fault);
    return fileTensor(file.value, origin(index), binding, undefined, () => readArray(file.value));
  };
  let single: Promise<Outcome<SampleTensor>> | undefined;
  return {
    binding,
    kind: 'files',
    count: paths.length,
    isConstant: false,
    name: (index) => baseName(origin(paths.length === 1 ? 0 : index)),
    async tensor(index, symbols) {
      const tensor = paths.length === 1 ? (single ??= read(0)) : read(index);
      return bound(await tensor, binding, symbols);
    },
  };
}

/** One file with the samples along an axis. Its elements are kept only where a slice is no range of the file. */
function axisSource(binding: InputBinding, file: ArrayFile, axis: number, folder: string): SampleSource {
  const origin = shown(file.path, folder);
  const count = file.header.dims[axis] ?? 0;
  let elements: Promise<Outcome<Uint8Array>> | undefined;
  return {
    binding,
    kind: 'files',
    count,
    isConstant: false,
    name: (index) => `${baseName(origin)}[${index}]`,
    async tensor(index, symbols) {
      const position = count === 1 ? 0 : index;
      const slice = { axis, position };
      const tensor = await fileTensor(file, `${origin}[${position}]`, binding, slice, () => {
        elements ??= readArray(file);
        return elements;
      });
      return bound(tensor, binding, symbols);
    },
  };
}

function generatorSource(binding: InputBinding, generator: Generator): SampleSource {
  const { name, shape, elementType } = binding;
  const origin = describeGenerator(generator);
  return {
    binding,
    kind: 'generator',
    count: generator.count,
    isConstant: isConstant(generator),
    name: () => undefined,
    // Nothing to wait for; a promise all the same, as with files.
    tensor(index, symbols) {
      const { dims, unbound } = concreteShape(name, shape, symbols);
      const own = generator.count === 1 ? 0 : index;
      const bytes = generate(generator, name, own, elementType, dims);
      if (!bytes.ok) return Promise.resolve(about(origin, bytes.fault));
      const content = checkBytes(bytes.value, elementType, dims);
      if (!content.ok) return Promise.resolve(about(origin, content.fault));
      const tensor = { dataType: elementType, dims, origin, ...content.value };
      return Promise.resolve(success({ tensor, unbound }));
    },
  };
}

/** The samples of one input; a fault where there are none. */
export async function openSource(binding: InputBinding, folder: string): Promise<Outcome<SampleSource>> {
  const { source } = binding;
  if (source.kind === 'generator') return success(generatorSource(binding, source));
  const matches = await findFiles(source.glob, folder);
  if (!matches.ok) return matches;
  const paths = matches.value;
  const [first] = paths;
  if (first === undefined) return failure('input-missing', `no file matches "${source.glob}" in ${folder}`);
  const wish = wishOf(binding, source);
  if (source.axis === undefined) return success(filesSource(binding, wish, paths, folder));
  if (paths.length > 1) {
    return failure(
      'samples-differ',
      `an axis takes the samples from one file, and ${paths.length} match "${source.glob}"`,
    );
  }
  const file = await openArray(first, wish);
  if (!file.ok) return about(shown(first, folder), file.fault);
  const { dims } = file.value.header;
  const axis = source.axis < 0 ? source.axis + dims.length : source.axis;
  if (!(axis in dims)) {
    return failure(
      'input-shape',
      `${shown(first, folder)} is ${describeShape(dims)} and has no axis ${source.axis}`,
    );
  }
  if (dims[axis] === 0) {
    return failure('input-missing', `${shown(first, folder)} is ${describeShape(dims)} and holds no sample`);
  }
  return success(axisSource(binding, file.value, axis, folder));
}
