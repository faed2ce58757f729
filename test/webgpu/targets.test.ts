/**
 * What a plan makes of a target that is really there: it adds up as the target was found to, warns of what the target does not run,
 * and passes options through. On the graphics card of this machine or else on a software driver.
 */
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { floatTensor, randomValues, writeModel } from '../../server/src/analysis/testing/index.js';
import { commandFolder } from '../../server/src/cli/testing/index.js';
import { DataType, makeAttribute, makeNode, makeTensor } from '../../server/src/onnx/index.js';
import { webgpuEnvironment } from './webgpu-environment.js';

const { path: folder, writePlan, run } = commandFolder();
let environment: Readonly<Record<string, string>>;
beforeAll(async () => {
  environment = await webgpuEnvironment();
});

/** No driver can be found. */
const NO_DRIVER = { VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' };
const HEAD = 'model "m.onnx"\ninput "x" = ones\ntolerance "y" relative_l2 <= 0.01\n';
/** A folder of these tests' own. */
const CACHE = `--cache ${join(folder, '../kept')}`;

it('is listed by the name of the device, and software is called so', async () => {
  if (process.platform !== 'linux') return;
  const { out, status } = await run(`targets --json ${CACHE}`, { environment });
  expect(status).toBe(0);
  const { targets } = JSON.parse(out) as { readonly targets: readonly { readonly name: string }[] };
  const isSoftware = environment['VK_DRIVER_FILES'] !== undefined;
  expect(targets.find(({ name }) => name === 'webgpu')).toMatchObject({
    usable: true,
    device: { name: expect.stringMatching(isSoftware ? /^llvmpipe/ : /./) as string, software: isSoftware },
    summary: expect.stringMatching(
      isSoftware ? /llvmpipe.*software \(no graphics card\)\.$/ : /\.$/,
    ) as string,
  });
});

describe('a plan for webgpu', () => {
  beforeEach(() => {
    // 4096 halves of the last digit of 1: a sum in FP16 never leaves 1, one in FP32 reaches 3.
    const terms = new Float32Array(4097).fill(2 ** -11);
    terms[0] = 1;
    writeModel(join(folder, 'm.onnx'), {
      nodes: [
        makeNode({ opType: 'MatMul', name: 'long sum', inputs: ['x', 'w'], outputs: ['a'] }),
        makeNode({ opType: 'Relu', name: 'behind', inputs: ['a'], outputs: ['y'] }),
      ],
      weights: [floatTensor('w', [4097, 1], terms)],
      inputs: { x: [1, 4097] },
      outputs: { y: [1, 1] },
    });
  });

  it('is judged with sums as the device was found to add up, and says so', async () => {
    writePlan(`${HEAD}target webgpu\ndefault: fp16\n`);
    const verified = await run(`verify p.precision ${CACHE}`, { environment });
    expect(verified.status).toBe(1);
    expect(verified.out).toMatch(/sums were added up in .*as webgpu was found to add up on this machine/);
    expect(verified.error).toMatch(/tolerance-exceeded.*sums in .*as webgpu was found/);
  });

  it('is judged with sums in FP32 where the plan says so, or where the device is not there', async () => {
    writePlan(`${HEAD}target webgpu\naccumulate: fp32\ndefault: fp16\n`);
    const stated = await run('verify p.precision --draws 1', { environment });
    expect(stated.status).toBe(0);
    expect(stated.out).toMatch(/sums were added up in fp32, as the plan says/);
    if (process.platform !== 'linux') return;
    writePlan(`${HEAD}target webgpu\ndefault: fp16\n`);
    const unknown = await run('verify p.precision --draws 1', { environment: NO_DRIVER });
    expect(unknown.status).toBe(0);
    expect(unknown.out).toMatch(/since how webgpu adds up is not known here; `accumulate` says it/);
  });

  it('is tuned and predicted without times where the device is not there, and why is said', async () => {
    if (process.platform !== 'linux') return;
    writePlan(`${HEAD}target webgpu\ndefault: fp16\n`);
    const predicted = await run('predict p.precision', { environment: NO_DRIVER });
    expect(predicted.error).not.toMatch(/^error/m);
    expect(predicted.status).toBe(0);
    expect(predicted.out).toMatch(/latency is not predicted: .*WebGPU/);
    const tuned = await run('tune p.precision --draws 1', { environment: NO_DRIVER });
    expect(tuned.error).not.toMatch(/^error/m);
    expect(tuned.status).toBe(0);
    expect(tuned.out).toMatch(/objective macs: .*WebGPU.*, so that what is gained in time is not known/);
  });

  it('passes options through: a node that is kept on the CPU runs there, and that is told', async () => {
    writePlan(`${HEAD}target webgpu { forceCpuNodeNames: ["behind"] }\n`);
    const executed = await run('verify p.precision --executed --draws 1', { environment });
    expect(executed.error).toMatch(/1 of \d+ kernels, Relu in float, ran on CPUExecutionProvider/);
  });
});

it('sums are emulated as the device adds them up, operator by operator and by the size of windows', async () => {
  const layers = [
    ['AveragePool', 'small windows', [1, 8, 2, 6], ['x'], { kernel_shape: [7, 7], strides: [5, 5] }],
    ['AveragePool', 'padded', [1, 8, 16, 32], ['x'], { kernel_shape: [5, 3], pads: [2, 1, 2, 1] }],
    [
      'AveragePool',
      'counting pads',
      [1, 8, 16, 32],
      ['x'],
      { kernel_shape: [5, 3], pads: [2, 1, 2, 1], count_include_pad: 1 },
    ],
    ['AveragePool', 'large windows', [1, 8, 2, 13], ['x'], { kernel_shape: [15, 20] }],
    ['GlobalAveragePool', 'global', [1, 8, 1, 1], ['x'], {}],
    ['ReduceMean', 'mean', [1, 8, 1, 1], ['x'], { axes: [2, 3] }],
    ['ReduceSumSquare', 'squares', [1, 8, 1, 1], ['x'], { axes: [2, 3] }],
    ['ReduceL2', 'length', [1, 8, 1, 1], ['x'], { axes: [2, 3] }],
    ['MatMul', 'product', [8, 4], ['rows', 'w'], {}],
    ['Gemm', 'plain', [8, 4], ['rows', 'w'], {}],
    ['Gemm', 'turned', [8, 4], ['rows', 'v'], { transB: 1 }],
    ['Einsum', 'equation', [8, 4], ['rows', 'w'], { equation: 'ik,kj->ij' }],
    ['ReduceL1', 'magnitudes', [1, 8, 1, 1], ['x'], { axes: [2, 3] }],
    ['ReduceLogSum', 'logarithm', [1, 8, 1, 1], ['x'], { axes: [2, 3] }],
    ['ReduceLogSumExp', 'exponentials', [1, 8, 1, 1], ['x'], { axes: [2, 3] }],
    ['Softmax', 'shares', [8, 512], ['rows'], {}],
    ['Softmax', 'shares of an odd number', [8, 511], ['odd'], {}],
    ['LogSoftmax', 'logarithms of shares', [1, 8, 16, 32], ['x'], {}],
    ['CumSum', 'running', [8, 512], ['rows', 'last'], {}],
  ] as const;
  const attribute = (name: string, value: number | string | readonly number[]) =>
    makeAttribute(
      name,
      typeof value === 'number'
        ? { kind: 'int', value }
        : typeof value === 'string'
          ? { kind: 'string', value }
          : { kind: 'ints', value },
    );
  const whole = (name: string, value: number) =>
    makeTensor(name, DataType.INT64, [1], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
  const flatten = { opType: 'Flatten', name: 'flat', inputs: ['x'], outputs: ['rows'] };
  const positive = randomValues(512 * 4, 1).map((value) => Math.abs(value));
  writeModel(join(folder, 'm.onnx'), {
    nodes: [
      makeNode({ ...flatten, attributes: [attribute('axis', 2)] }),
      makeNode({ opType: 'Slice', name: 'cut', inputs: ['rows', 'begin', 'end', 'last'], outputs: ['odd'] }),
      ...layers.map(([opType, name, , inputs, attributes], at) =>
        makeNode({
          ...{ opType, name, inputs, outputs: [`y${at}`] },
          attributes: Object.entries<number | string | readonly number[]>(attributes).map(([key, value]) =>
            attribute(key, value),
          ),
        }),
      ),
    ],
    weights: [
      ...[floatTensor('w', [512, 4], positive), floatTensor('v', [4, 512], positive)],
      ...[whole('begin', 0), whole('end', 511), whole('last', -1)],
    ],
    inputs: { x: [1, 8, 16, 32] },
    outputs: Object.fromEntries(layers.map(([, , shape], at) => [`y${at}`, shape])),
  });
  const head = 'model "m.onnx"\ninput "x" = uniform(0, 1)\ntolerance "y0" relative_l2 <= 1\ntarget webgpu\n';
  const factors = async (sums: string): Promise<ReadonlyMap<string, number>> => {
    writePlan(`${head}${sums}default: fp16\n`);
    const line = `verify p.precision --executed --draws 1 --json ${CACHE}`;
    const { layers: compared } = JSON.parse((await run(line, { environment })).out) as {
      readonly layers: readonly {
        readonly name: string;
        readonly executed: number;
        readonly emulated: number;
      }[];
    };
    return new Map(compared.map(({ name, executed, emulated }) => [name, executed / emulated]));
  };
  const foreseen = await factors('');
  expect([...foreseen.keys()]).toEqual(layers.map(([, name]) => name));
  console.log(`executed error over emulated: ${JSON.stringify(Object.fromEntries(foreseen))}`);
  for (const [name, factor] of foreseen) {
    expect(factor, name).toBeGreaterThan(0.5);
    expect(factor, name).toBeLessThan(2);
  }
  // With sums in FP32 emulation does not know what short sums lose.
  const inFp32 = await factors('accumulate: fp32\n');
  for (const name of ['product', 'equation', 'running']) expect(inFp32.get(name), name).toBeGreaterThan(3);
  for (const name of ['shares', 'shares of an odd number'])
    expect(inFp32.get(name), name).toBeGreaterThan(1.7);
});

it('a check warns of what the device was found not to run', async () => {
  writeModel(join(folder, 'm.onnx'), {
    nodes: [
      makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['a'] }),
      makeNode({ opType: 'Det', name: 'determinant', inputs: ['a'], outputs: ['y'] }),
    ],
    weights: [floatTensor('w', [8, 8], randomValues(64, 1))],
    inputs: { x: [8, 8] },
    outputs: { y: [] },
  });
  writePlan(`${HEAD}target webgpu\ndefault: fp16\n`);
  expect((await run(`check p.precision ${CACHE}`, { environment })).error).not.toMatch(
    'unsupported-on-target',
  );
  expect((await run(`targets p.precision ${CACHE}`, { environment })).status).toBe(0);
  const checked = await run(`check p.precision ${CACHE}`, { environment });
  expect(checked.error).toMatch(
    /p\.precision:5:1: warning unsupported-on-target: webgpu does not run this layer in fp16: Det on the CPU/,
  );
  expect(checked.status).toBe(0);
});
