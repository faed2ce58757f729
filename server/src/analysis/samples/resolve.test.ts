import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DataType, type Shape } from '../../onnx/index.js';
import type { InputBinding, SampleSource } from '../../plan/index.js';
import { foldersForTests } from '../../testing/index.js';
import { decodeFloats } from './convert.js';
import { npyBytes, type NpyFixture } from './testing/npy.js';
import { resolveSamples, samplesKey } from './resolve.js';
import type { ResolvedSamples, SampleTensor } from './types.js';

const POSE = join(import.meta.dirname, '../../../../samples/pose');

const newFolder = foldersForTests();
let folder: string;

beforeEach(() => {
  folder = newFolder();
});

async function write(name: string, values: ArrayBufferView, fixture: NpyFixture): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), npyBytes(values, fixture));
}

/** A float32 file of one axis of two. */
async function writePair(name: string, first: number, second: number): Promise<void> {
  await write(name, new Float32Array([first, second]), { shape: [2] });
}

function input(
  name: string,
  source: SampleSource,
  shape: Shape | undefined = [2],
  elementType: DataType = DataType.FLOAT,
): InputBinding {
  const range = { start: 10, end: 20 };
  return { name, elementType, shape, source, statement: { path: 'plan', range, valueRange: range } };
}

function files(glob: string, axis?: number): SampleSource {
  return { kind: 'files', glob, axis };
}

function made(
  name: 'zeros' | 'ones' | 'constant' | 'uniform' | 'normal' | 'integers',
  parameters: readonly number[] = [],
  { seed = 0, count }: { seed?: number; count?: number } = {},
): SampleSource {
  return { kind: 'generator', name, parameters, seed, count };
}

async function bytesOf({ content }: SampleTensor): Promise<Uint8Array> {
  if (content.kind === 'bytes') return content.bytes;
  const file = await readFile(content.path);
  return new Uint8Array(file.subarray(content.offset, content.offset + content.length));
}

async function numbersOf(tensor: SampleTensor | undefined): Promise<number[]> {
  if (tensor === undefined) return [];
  return [...decodeFloats(await bytesOf(tensor), tensor.dataType)];
}

/** The numbers of every sample of one input, and the problems as `code: message`. */
async function checkSamples(
  bindings: readonly InputBinding[],
  expected: readonly (readonly number[])[],
  problems: readonly RegExp[] = [],
): Promise<ResolvedSamples> {
  const resolved = await resolveSamples(bindings, folder);
  const name = bindings[0]?.name ?? '';
  expect(await Promise.all(resolved.samples.map(({ inputs }) => numbersOf(inputs[name])))).toEqual(expected);
  const found = resolved.problems.map(({ code, message }) => `${code}: ${message}`);
  expect(found).toHaveLength(problems.length);
  for (const [index, problem] of problems.entries()) expect(found[index]).toMatch(problem);
  return resolved;
}

describe('samples from files', () => {
  it('are one for each file, in order, and stay where they are', async () => {
    await writePair('in/b.npy', 3, 4);
    await writePair('in/a.npy', 1, 2);
    const { samples } = await checkSamples(
      [input('x', files('in/*.npy'))],
      [
        [1, 2],
        [3, 4],
      ],
    );
    expect(samples.map(({ name }) => name)).toEqual(['a.npy', 'b.npy']);
    expect(samples[0]?.inputs['x']).toMatchObject({
      dataType: DataType.FLOAT,
      dims: [2],
      origin: 'in/a.npy',
      content: { kind: 'file', path: join(folder, 'in/a.npy'), offset: 128, length: 8 },
    });
  });

  it('take file i of each input, and a single file for all', async () => {
    await writePair('x1.npy', 1, 2);
    await writePair('x2.npy', 3, 4);
    await writePair('y.npy', 5, 6);
    const { samples } = await checkSamples(
      [input('x', files('x?.npy')), input('y', files('y.npy'))],
      [
        [1, 2],
        [3, 4],
      ],
    );
    expect(await Promise.all(samples.map(({ inputs }) => numbersOf(inputs['y'])))).toEqual([
      [5, 6],
      [5, 6],
    ]);
    expect(samples.map(({ name }) => name)).toEqual(['x1.npy', 'x2.npy']);
  });

  it('must be as many for each input', async () => {
    for (const name of ['x1', 'x2', 'y1', 'y2', 'y3']) await writePair(`${name}.npy`, 1, 2);
    await checkSamples(
      [input('x', files('x?.npy')), input('y', files('y?.npy'))],
      [],
      [/samples-differ: "y" has 3 samples and "x" has 2/],
    );
  });

  it('may lie along the first axis of one file, each a range of it', async () => {
    await write('batch.npy', new Float32Array([1, 2, 3, 4, 5, 6]), { shape: [3, 2] });
    const { samples } = await checkSamples(
      [input('x', files('batch.npy', 0), [1, 2])],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    );
    expect(samples[2]).toMatchObject({ name: 'batch.npy[2]', inputs: { x: { dims: [1, 2] } } });
    expect(samples[2]?.inputs['x']?.content).toMatchObject({ kind: 'file', offset: 128 + 16, length: 8 });
  });

  it('lose the axis that counts them where the input has one axis less', async () => {
    await write('batch.npy', new Float32Array([1, 2, 3, 4, 5, 6]), { shape: [2, 3] });
    const { samples } = await checkSamples(
      [input('x', files('batch.npy', 1))],
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    );
    expect(samples[0]?.inputs['x']?.dims).toEqual([2]);
  });

  it('are put into C order and little-endian', async () => {
    await write('f.npy', new Float32Array([1, 3, 2, 4]), { shape: [2, 2], fortran: true });
    await checkSamples([input('x', files('f.npy'), [2, 2])], [[1, 2, 3, 4]]);
    const big = new Uint8Array([0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]);
    await write('b.npy', big, { shape: [2], descr: '>f4' });
    await checkSamples([input('x', files('b.npy'))], [[1, -2]]);
  });

  it('are converted to the type of the input', async () => {
    await write('d.npy', new Float64Array([0.5, 0.1]), { shape: [2], descr: '<f8' });
    await checkSamples([input('x', files('d.npy'))], [[0.5, Math.fround(0.1)]]);
    await checkSamples([input('x', files('d.npy'), [2], DataType.FLOAT16)], [[0.5, 0.0999755859375]]);
  });

  it('bind the symbolic dimensions of their input, each sample its own', async () => {
    await write('x1.npy', new Float32Array([1]), { shape: [1] });
    await write('x2.npy', new Float32Array([1, 2]), { shape: [2] });
    const { samples } = await checkSamples(
      [input('x', files('x?.npy'), ['n']), input('y', made('ones'), ['n', 1])],
      [[1], [1, 2]],
    );
    expect(samples.map(({ inputs }) => inputs['y']?.dims)).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  it('may be empty tensors and scalars', async () => {
    await write('empty.npy', new Float32Array(0), { shape: [0, 3] });
    await write('scalar.npy', new Float32Array([7]), { shape: [] });
    await checkSamples([input('x', files('empty.npy'), ['n', 3])], [[]]);
    await checkSamples([input('x', files('scalar.npy'), [])], [[7]]);
  });

  it('take any shape where the model gives none', async () => {
    await writePair('a.npy', 1, 2);
    const anyShape: InputBinding = { ...input('x', files('a.npy')), shape: undefined };
    await checkSamples([anyShape], [[1, 2]]);
  });
});

describe('faults in files', () => {
  it('are said where no file matches', async () => {
    const { problems } = await checkSamples(
      [input('x', files('none/*.npy'))],
      [],
      [/input-missing: no file matches "none\/\*\.npy" in /],
    );
    expect(problems[0]).toMatchObject({
      severity: 'error',
      input: 'x',
      statement: { path: 'plan', range: { start: 10, end: 20 } },
    });
  });

  it('cost only the sample that they are in', async () => {
    await writePair('a.npy', 1, 2);
    await writeFile(join(folder, 'b.npy'), npyBytes(new Float32Array(1), { shape: [2] }));
    await writePair('c.npy', 5, 6);
    const { samples } = await checkSamples(
      [input('x', files('*.npy'))],
      [
        [1, 2],
        [5, 6],
      ],
      [/input-missing: b\.npy: the file is cut short: 4 of 8 bytes/],
    );
    expect(samples.map(({ index }) => index)).toEqual([0, 2]);
  });

  it('are an empty file, and one that is no array', async () => {
    await writeFile(join(folder, 'a.npy'), '');
    await checkSamples([input('x', files('a.npy'))], [], [/input-missing: a\.npy: the file is empty/]);
    await writeFile(join(folder, 'a.npy'), 'no array');
    await checkSamples(
      [input('x', files('a.npy'))],
      [],
      [/input-missing: a\.npy: this is no \.npy, \.npz or \.pb file/],
    );
  });

  it('are NaN and infinity, with their place', async () => {
    const values = new Float32Array(12).with(7, NaN).with(9, Infinity);
    await write('a.npy', values, { shape: [3, 4] });
    await checkSamples(
      [input('x', files('a.npy'), [3, 4])],
      [],
      [/sample-nonfinite: a\.npy: element 7 at \[1, 3\] is NaN, and so are 1 more/],
    );
    await write('a.npy', new Float64Array([0, -Infinity]), { shape: [2], descr: '<f8' });
    await checkSamples([input('x', files('a.npy'))], [], [/element 1 at \[1\] is -Infinity/]);
  });

  it('are found in the middle of a large file', async () => {
    const values = new Float32Array(1_000_000).with(700_001, NaN);
    await write('a.npy', values, { shape: [1_000_000] });
    await checkSamples(
      [input('x', files('a.npy'), [1_000_000])],
      [],
      [/element 700001 at \[700001\] is NaN/],
    );
  });

  it('are numbers beyond the type of the input', async () => {
    await writePair('a.npy', 1, 1e6);
    await checkSamples(
      [input('x', files('a.npy'), [2], DataType.FLOAT16)],
      [],
      [/sample-nonfinite: a\.npy: element 1 is 1000000, which is beyond the range of float16/],
    );
  });

  it('are shapes that the model does not take', async () => {
    await writePair('a.npy', 1, 2);
    await checkSamples(
      [input('x', files('a.npy'), [3])],
      [],
      [/input-shape: a\.npy is \[2\]; the input is \[3\]/],
    );
    await checkSamples([input('x', files('a.npy'), [1, 2])], [], [/save it with a first axis of 1/]);
  });

  it('are symbolic dimensions that the inputs of a sample do not agree on', async () => {
    await writePair('x.npy', 1, 2);
    await write('y.npy', new Float32Array(3), { shape: [3] });
    await checkSamples(
      [input('x', files('x.npy'), ['n']), input('y', files('y.npy'), ['n'])],
      [],
      [/input-shape: y\.npy is \[3\]; the input is \[n\], and n is 2 in this sample/],
    );
  });

  it('are element types that say something else', async () => {
    await write('a.npy', new Uint8Array([1, 2]), { shape: [2], descr: '|u1' });
    await checkSamples(
      [input('x', files('a.npy'))],
      [],
      [/input-shape: a\.npy: it holds uint8, and the input is float32: save it as float32/],
    );
  });

  it('are gathered when many files have the same', async () => {
    for (const name of ['a', 'b', 'c']) await writePair(`${name}.npy`, 1, 2);
    await checkSamples([input('x', files('*.npy'), [3])], [], [/a\.npy is \[2\].* \(and 2 more like it\)/]);
  });

  it('are axes that are not there, and several files for one', async () => {
    await writePair('a.npy', 1, 2);
    await checkSamples(
      [input('x', files('a.npy', 1))],
      [],
      [/input-shape: a\.npy is \[2\] and has no axis 1/],
    );
    await writePair('b.npy', 1, 2);
    await checkSamples(
      [input('x', files('*.npy', 0))],
      [],
      [/samples-differ: an axis takes the samples from one file/],
    );
  });

  it('of a folder that looks like a file are none', async () => {
    await mkdir(join(folder, 'a.npy'));
    await checkSamples([input('x', files('*.npy'))], [], [/input-missing: no file matches/]);
  });
});

describe('samples that are made up', () => {
  it('are what their names say', async () => {
    await checkSamples([input('x', made('zeros'))], [[0, 0]]);
    await checkSamples([input('x', made('ones'), [1])], [[1]]);
    await checkSamples([input('x', made('constant', [0.1]), [1], DataType.FLOAT16)], [[0.0999755859375]]);
  });

  it('are the same for the same seed, and others for another seed, sample or input', async () => {
    const first = await resolveSamples([input('x', made('normal', [0, 1], { count: 2 }))], folder);
    const again = await resolveSamples([input('x', made('normal', [0, 1], { count: 2 }))], folder);
    const seeded = await resolveSamples([input('x', made('normal', [0, 1], { count: 2, seed: 1 }))], folder);
    const other = await resolveSamples([input('z', made('normal', [0, 1], { count: 2 }))], folder);
    expect(samplesKey(first.samples)).toBe(samplesKey(again.samples));
    const tensors = [first, seeded, other]
      .flatMap(({ samples }) => samples)
      .flatMap(({ inputs }) => Object.values(inputs));
    expect(new Set(tensors.map(({ sha256 }) => sha256)).size).toBe(6);
  });

  it('are written down for one seed, so that no version changes them unnoticed', async () => {
    const bindings = [input('x', made('uniform', [-1, 1], { seed: 7, count: 1 }), [3])];
    await checkSamples(bindings, [[0.5057996511459351, 0.6781755089759827, -0.3892444670200348]]);
  });

  it('are within their bounds', async () => {
    const { samples } = await resolveSamples(
      [input('x', made('uniform', [2, 3], { count: 1 }), [1000])],
      folder,
    );
    const values = await numbersOf(samples[0]?.inputs['x']);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...values)).toBeLessThanOrEqual(3);
  });

  it('are integers for an input of integers', async () => {
    const bindings = [input('x', made('integers', [-2, 2], { count: 1 }), [100], DataType.INT64)];
    const { samples } = await resolveSamples(bindings, folder);
    const tensor = samples[0]?.inputs['x'];
    const values = tensor === undefined ? [] : [...new BigInt64Array((await bytesOf(tensor)).buffer)];
    expect([...new Set(values)].sort((a, b) => Number(a - b))).toEqual([-2n, -1n, 0n, 1n, 2n]);
  });

  it('are as many as the files, or as asked, or as a standard analysis takes', async () => {
    for (const name of ['a', 'b', 'c']) await writePair(`${name}.npy`, 1, 2);
    const counts = await Promise.all(
      [
        [input('x', files('*.npy')), input('y', made('uniform', [0, 1]))],
        [input('x', made('uniform', [0, 1], { count: 5 })), input('y', made('zeros'))],
        [input('x', made('uniform', [0, 1]))],
        [input('x', made('ones')), input('y', made('zeros'))],
        [input('x', files('a.npy')), input('y', made('uniform', [0, 1]))],
      ].map(async (bindings) => (await resolveSamples(bindings, folder)).samples.length),
    );
    expect(counts).toEqual([3, 5, 8, 1, 1]);
  });

  it('have 1 where nothing binds a dimension, with a warning', async () => {
    const { samples, problems } = await resolveSamples(
      [input('x', made('zeros'), ['batch', undefined, 3])],
      folder,
    );
    expect(samples[0]?.inputs['x']?.dims).toEqual([1, 1, 3]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'dim-unbound', severity: 'warning' });
    expect(problems[0]?.message).toMatch(
      /nothing binds batch, so it is 1: write `dim batch = 1`.*and 1 more/,
    );
  });

  it('are refused where they make no sense', async () => {
    const integers = (source: SampleSource) => [input('x', source, [1], DataType.INT32)];
    await checkSamples(
      integers(made('normal', [0, 1])),
      [],
      [/input-shape: normal\(0, 1\): .*use integers\(lo, hi\)/],
    );
    await checkSamples(integers(made('constant', [0.5])), [], [/0\.5 is no int32/]);
    await checkSamples(integers(made('integers', [3, 1])), [], [/the smaller first/]);
    await checkSamples(
      [input('x', made('normal', [0, 1e6]), [9], DataType.FLOAT16)],
      [],
      [/sample-nonfinite/],
    );
    await checkSamples([input('x', made('zeros'), [1e6, 1e6])], [], [/more than 2 GiB/]);
    await checkSamples([input('x', made('zeros'), [1], DataType.STRING)], [], [/string cannot be made up/]);
    // A type that a later version of ONNX may add.
    const later = JSON.parse('99') as DataType;
    await checkSamples([input('x', made('zeros'), [1], later)], [], [/type 99 cannot be made up/]);
  });
});

describe('keys of samples', () => {
  it('are those of names, types, shapes and elements, wherever these come from', async () => {
    await writePair('a.npy', 1, 1);
    const fromFile = await resolveSamples([input('x', files('a.npy'))], folder);
    const fromGenerator = await resolveSamples([input('x', made('ones'))], folder);
    const otherShape = await resolveSamples([input('x', made('ones'), [2, 1])], folder);
    expect(samplesKey(fromFile.samples)).toBe(samplesKey(fromGenerator.samples));
    expect(samplesKey(fromFile.samples)).not.toBe(samplesKey(otherShape.samples));
  });

  it('do not depend on the order of the inputs, but on that of the samples', async () => {
    const x = input('x', made('ones'));
    const y = input('y', made('zeros'));
    const [there, back] = [await resolveSamples([x, y], folder), await resolveSamples([y, x], folder)];
    expect(samplesKey(there.samples)).toBe(samplesKey(back.samples));
    const { samples } = await resolveSamples([input('x', made('uniform', [0, 1]))], folder);
    expect(samplesKey(samples)).not.toBe(samplesKey(samples.toReversed()));
  });
});

describe('the samples of the pose model', () => {
  it('are read where they lie', async () => {
    const { samples, problems } = await resolveSamples(
      [input('input_1', files('inputs/*.npy'), [1, 256, 256, 3])],
      POSE,
    );
    expect(problems).toEqual([]);
    expect(samples).toHaveLength(18);
    expect(samples.every(({ inputs }) => inputs['input_1']?.content.kind === 'file')).toBe(true);
    expect(samples[0]?.name).toBe('astronaut.npy');
  });
});

describe('cancelling', () => {
  it('stops the work', async () => {
    await writePair('a.npy', 1, 2);
    const controller = new AbortController();
    controller.abort();
    const resolving = resolveSamples([input('x', files('a.npy'))], folder, controller.signal);
    await expect(resolving).rejects.toThrow(/abort/);
  });
});
