/**
 * Mixed-precision models on a real FP16 target: WebGPU, on the graphics card of this machine or else on a software driver. What
 * is executed there is compared with what emulation says, and nothing runs elsewhere in silence.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  floatTensor,
  POSE_MODEL,
  randomValues,
  writeModel,
} from '../../server/src/analysis/testing/index.js';
import { commandFolder, problems } from '../../server/src/cli/testing/index.js';
import { makeNode } from '../../server/src/onnx/index.js';
import { checkDocument, POSE } from '../command/command.js';
import { webgpuEnvironment } from './webgpu-environment.js';

const { path: folder, writePlan, run } = commandFolder();
let environment: Readonly<Record<string, string>>;
beforeAll(async () => {
  environment = await webgpuEnvironment();
});

interface TargetsDocument {
  readonly targets: readonly {
    readonly name: string;
    readonly usable: boolean;
    readonly summary: string;
    readonly advice: string | null;
    readonly accumulation: readonly { readonly operator: string; readonly accumulation: string }[];
    readonly operators: readonly { readonly operator: string; readonly outcome: string }[];
  }[];
}

interface ExecutedDocument {
  readonly holds: boolean;
  readonly mode: string;
  readonly unlike: string | null;
  readonly target: string;
  readonly kernels: {
    readonly onTarget: number;
    readonly elsewhere: readonly { readonly provider: string; readonly opType: string }[];
  };
  readonly layers: readonly { readonly name: string; readonly executed: number; readonly emulated: number }[];
  readonly suspicious: readonly string[];
  readonly causes: readonly string[];
  readonly others: readonly { readonly target: string; readonly holds: boolean }[];
  readonly tolerances: readonly { readonly emulated?: number }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly relative_l2: number;
    readonly emulated?: { readonly relative_l2: number };
  }[];
}

async function document<T>(
  line: string,
  schema: string,
  variables: Readonly<Record<string, string>> = environment,
): Promise<T> {
  const { status, out, error } = await run(`${line} --json`, { environment: variables });
  return checkDocument({ status, out, error }, schema) as T;
}

/** No driver can be found. */
const NO_DRIVER = { VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' };

describe('targets', () => {
  it('says what this machine runs models on', async () => {
    const { targets } = await document<TargetsDocument>('targets', 'targets');
    const states = Object.fromEntries(targets.map(({ name, usable }) => [name, usable]));
    expect(states).toMatchObject({ cpu: true, webgpu: true });
    for (const { usable, advice } of targets) expect(advice === null).toBe(usable);
  });

  it.runIf(process.platform === 'linux')('says what is missing and how to get it', async () => {
    const { targets } = await document<TargetsDocument>('targets', 'targets', NO_DRIVER);
    const webgpu = targets.find(({ name }) => name === 'webgpu');
    expect(webgpu?.usable).toBe(false);
    expect(webgpu?.summary).toMatch(/does not start: .*adapter/);
    expect(webgpu?.advice).toMatch(/mesa-vulkan-drivers/);
    writePlan(readPlan('target webgpu\ndefault: fp16'));
    const refused = await run('verify p.precision --executed', { environment: NO_DRIVER });
    expect(refused.status).toBe(2);
    expect(problems(refused.error).join('\n')).toMatch(/target-unavailable.*adapter/s);
  });
});

describe('targets of a plan', () => {
  it('tells which operators a target runs in FP16, and which not', async () => {
    writeModel(join(folder, 'm.onnx'), {
      nodes: [
        makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['a'] }),
        makeNode({ opType: 'Relu', name: 'relu', inputs: ['a'], outputs: ['b'] }),
        makeNode({ opType: 'Det', name: 'determinant', inputs: ['b'], outputs: ['y'] }),
      ],
      weights: [floatTensor('w', [8, 8], randomValues(64, 1))],
      inputs: { x: [8, 8] },
      outputs: { y: [] },
    });
    writePlan(readPlan('default: fp16'));
    const { targets } = await document<TargetsDocument>('targets p.precision', 'targets');
    const outcomes = (target: string): Readonly<Record<string, string>> =>
      Object.fromEntries(
        (targets.find(({ name }) => name === target)?.operators ?? []).map((one) => [
          one.operator,
          one.outcome,
        ]),
      );
    expect(outcomes('webgpu')).toEqual({ MatMul: 'native', Relu: 'native', Det: 'elsewhere' });
    expect(outcomes('cpu')).toMatchObject({ MatMul: 'through casts', Det: 'through casts' });
  });

  it('tells in what a target adds up', async () => {
    const { targets } = await document<TargetsDocument>('targets', 'targets');
    const found = (target: string): Readonly<Record<string, string>> =>
      Object.fromEntries(
        (targets.find(({ name }) => name === target)?.accumulation ?? []).map((one) => [
          one.operator,
          one.accumulation,
        ]),
      );
    console.log(
      `sums of FP16 layers: cpu ${JSON.stringify(found('cpu'))}, webgpu ${JSON.stringify(found('webgpu'))}`,
    );
    expect(found('cpu')).toMatchObject({ MatMul: 'fp32', Conv: 'fp32' });
    expect(['fp16', 'between']).toContain(found('webgpu')['MatMul']);
  });
});

function readPlan(decisions: string): string {
  return `model "m.onnx"\ninput "x" = normal(0, 1) { count: 3, seed: 5 }\ntolerance "y" relative_l2 <= 0.01\n${decisions}\n`;
}

describe('verify --executed', () => {
  it('agrees with the CPU to the last digits where all is FP32', async () => {
    writePlan(readPlan('target webgpu'));
    const found = await document<ExecutedDocument>('verify p.precision --executed', 'verify');
    expect(found).toMatchObject({ holds: true, mode: 'executed', target: 'webgpu', suspicious: [] });
    expect(found.kernels.elsewhere).toEqual([]);
    expect(found.outputs[0]?.relative_l2).toBeLessThan(1e-5);
  });

  it('measures what FP16 does there, layer by layer beside emulation', async () => {
    writePlan(readPlan('default: fp16'));
    const found = await document<ExecutedDocument>('verify p.precision --executed --target webgpu', 'verify');
    const [output] = found.outputs;
    expect(output?.relative_l2).toBeGreaterThan(1e-5);
    expect(output?.relative_l2).toBeLessThan(1e-2);
    expect(found.layers.map(({ name }) => name)).toEqual([
      ...['mul_0', 'relu_0', 'mul_1', 'relu_1', 'mul_2', 'relu_2'],
    ]);
    for (const { executed, emulated } of found.layers) {
      expect(executed).toBeGreaterThan(0);
      expect(emulated).toBeGreaterThan(0);
      expect(executed / emulated).toBeLessThan(4);
    }
  });

  it('runs the model that it is given', async () => {
    writePlan(readPlan('default: fp16'));
    expect((await run('convert p.precision -o out.onnx')).status).toBe(0);
    writePlan(readPlan('target webgpu'));
    const found = await document<ExecutedDocument>(
      'verify p.precision --executed --model out.onnx',
      'verify',
    );
    expect(found.outputs[0]?.relative_l2).toBeGreaterThan(1e-5);
    // What is said is of that model, and not of the plan, which lowers nothing.
    expect(found.unlike).toMatch(/in other types: 6 layers/);
    expect(found.outputs[0]?.emulated?.relative_l2).toBeGreaterThan(1e-5);
  });

  it('finds the layer that a target computes worse than its format explains', async () => {
    // 4096 halves of the last digit of 1: a sum in FP16 never leaves 1, one in FP32 reaches 3.
    const terms = new Float32Array(4097).fill(2 ** -11);
    terms[0] = 1;
    writeModel(join(folder, 'm.onnx'), {
      nodes: [
        makeNode({ opType: 'Relu', name: 'before', inputs: ['x'], outputs: ['a'] }),
        makeNode({ opType: 'MatMul', name: 'long sum', inputs: ['a', 'w'], outputs: ['b'] }),
        makeNode({ opType: 'Relu', name: 'behind', inputs: ['b'], outputs: ['y'] }),
      ],
      weights: [floatTensor('w', [4097, 1], terms)],
      inputs: { x: [1, 4097] },
      outputs: { y: [1, 1] },
    });
    const planOf = (accumulation: string): string =>
      `model "m.onnx"\ninput "x" = ones\ntolerance "y" relative_l2 <= 0.01\ntarget webgpu\naccumulate: ${accumulation}\ndefault: fp16\n`;
    writePlan(planOf('fp32'));
    expect((await run('verify p.precision --draws 1', { environment })).status).toBe(0);
    const executed = await run('verify p.precision --executed --draws 1', { environment });
    expect(executed.status).toBe(1);
    expect(executed.error).toMatch(/layer "long sum" \(MatMul\) errs by .* in emulation/);
    expect(executed.out).toMatch(/^long sum +MatMul +0\.\d+ +0 +–$/mu);
    const found = await document<ExecutedDocument>('verify p.precision --executed --draws 1', 'verify');
    expect(found.suspicious[0]).toBe('long sum');
    const [output] = found.outputs;
    expect(output?.relative_l2).toBeGreaterThan(0.1);
    expect(output?.emulated?.relative_l2).toBeLessThan(0.01);
    expect(found.tolerances[0]?.emulated).toBe(output?.emulated?.relative_l2);

    // With sums as the target has them emulation foresees what is executed, and no layer stands out.
    writePlan(planOf('fp16'));
    const foreseen = await document<ExecutedDocument>('verify p.precision --executed --draws 1', 'verify');
    expect(foreseen.suspicious).toEqual([]);
    expect(foreseen.outputs[0]?.emulated?.relative_l2).toBeGreaterThan(0.1);
  });

  it('runs the plan on each of its targets, and it holds where it holds on all', async () => {
    const terms = new Float32Array(4097).fill(2 ** -11);
    terms[0] = 1;
    writeModel(join(folder, 'm.onnx'), {
      nodes: [makeNode({ opType: 'MatMul', name: 'long sum', inputs: ['x', 'w'], outputs: ['y'] })],
      weights: [floatTensor('w', [4097, 1], terms)],
      inputs: { x: [1, 4097] },
      outputs: { y: [1, 1] },
    });
    writePlan(
      'model "m.onnx"\ninput "x" = ones\ntolerance "y" relative_l2 <= 0.01\ntarget cpu\ntarget webgpu\ndefault: fp16\n',
    );
    const found = await document<ExecutedDocument>('verify p.precision --executed --draws 1', 'verify');
    expect(found).toMatchObject({
      target: 'cpu',
      holds: false,
      others: [{ target: 'webgpu', holds: false }],
    });
    const said = await run('verify p.precision --executed --draws 1', { environment });
    expect(said.status).toBe(1);
    expect(said.out).toMatch(/target cpu: holds\n[^]*target webgpu: does not hold\n/);
    expect(said.error).toMatch(/tolerance-exceeded: "y" relative_l2 on webgpu is/);
    const one = await run('verify p.precision --executed --draws 1 --target cpu', { environment });
    expect(one.status).toBe(0);
    writePlan(
      'model "m.onnx"\ninput "x" = ones\ntolerance "y" relative_l2 <= 0.01\ntarget cpu\ntarget dml\ndefault: fp16\n',
    );
    const lacking = await run('verify p.precision --executed --draws 1', { environment });
    expect(lacking.status).toBe(2);
    expect(lacking.out).not.toContain('target cpu');
  });

  it('foresees a mean whose sum is beyond FP16 there, and names its layer where the plan says otherwise', async () => {
    writeModel(join(folder, 'm.onnx'), {
      nodes: [
        makeNode({ opType: 'Mul', name: 'large', inputs: ['x', 'w'], outputs: ['a'] }),
        makeNode({ opType: 'GlobalAveragePool', name: 'mean', inputs: ['a'], outputs: ['b'] }),
        makeNode({ opType: 'Neg', name: 'behind', inputs: ['b'], outputs: ['y'] }),
      ],
      weights: [floatTensor('w', [1, 2, 1, 1], new Float32Array(2).fill(32))],
      inputs: { x: [1, 2, 64, 64] },
      outputs: { y: [1, 2, 1, 1] },
    });
    const planOf = (sums: string): string =>
      `model "m.onnx"\ninput "x" = ones\ntolerance "y" relative_l2 <= 0.01\ntarget webgpu\n${sums}default: fp16\n`;
    writePlan(planOf(''));
    const foreseen = await run('verify p.precision --draws 1', { environment });
    expect(foreseen.status).toBe(1);
    expect(foreseen.error).toMatch(/tolerance-exceeded: "y" relative_l2 is (Infinity|NaN)/);
    writePlan(planOf('accumulate: fp32\n'));
    expect((await run('verify p.precision --draws 1', { environment })).status).toBe(0);
    const found = await document<ExecutedDocument>('verify p.precision --executed --draws 1', 'verify');
    expect(found).toMatchObject({ holds: false, suspicious: ['mean', 'behind'], causes: ['mean'] });
    const said = await run('verify p.precision --executed --draws 1', { environment });
    expect(said.error).toMatch(/layer "mean" \(GlobalAveragePool\) gives infinities or NaN on webgpu/);
    expect(said.error).toMatch(/one layer behind it errs with it, most of all "behind"/);
  });

  it('tells what ran elsewhere because the target has no kernel for it', async () => {
    const size = 8;
    writeModel(join(folder, 'm.onnx'), {
      nodes: [
        makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['a'] }),
        makeNode({ opType: 'Det', name: 'determinant', inputs: ['a'], outputs: ['y'] }),
      ],
      weights: [floatTensor('w', [size, size], randomValues(size * size, 1))],
      inputs: { x: [size, size] },
      outputs: { y: [] },
    });
    writePlan(readPlan('target webgpu'));
    const found = await document<ExecutedDocument>('verify p.precision --executed', 'verify');
    expect(found.kernels.onTarget).toBeGreaterThan(0);
    expect(found.kernels.elsewhere).toContainEqual({
      provider: 'CPUExecutionProvider',
      opType: 'Det',
      type: 'float',
      kernels: 1,
    });
  });

  it('shows on the pose model what emulation with FP32 sums does not', async () => {
    cpSync(POSE_MODEL, join(folder, 'm.onnx'));
    cpSync(join(POSE, 'inputs/walker_a.npy'), join(folder, 'a.npy'));
    writeFileSync(
      join(folder, 'p.precision'),
      'model "m.onnx"\ninput "input_1" from "a.npy"\ntolerance "ld_3d" relative_l2 <= 1e-4\ntarget webgpu\ndefault: fp16\n',
    );
    const emulated = await document<ExecutedDocument>('verify p.precision --draws 1', 'verify');
    const executed = await document<ExecutedDocument>('verify p.precision --executed --draws 1', 'verify');
    const errors = (found: ExecutedDocument): number[] => found.outputs.map((one) => one.relative_l2);
    console.log(
      `pose in FP16, relative L2 by output: emulated ${errors(emulated).join(', ')}; executed ${errors(executed).join(', ')}`,
    );
    expect(executed.holds).toBe(false);
    expect(executed.kernels.elsewhere).toEqual([]);
    expect(executed.layers.length).toBe(133);
    for (const [index, error] of errors(executed).entries()) {
      expect(error / (errors(emulated)[index] ?? 0)).toBeGreaterThan(0.2);
      expect(error).toBeLessThan(0.2);
    }
  });
});

describe('convert --tune-session', () => {
  it('tries the layouts of the target at every level, and keeps what the plan states of it', async () => {
    interface TunedDocument {
      readonly session: {
        readonly best: { readonly options: object };
        readonly tried: readonly { readonly optimization: string; readonly options: object }[];
      };
    }
    writePlan(readPlan('target webgpu { enableRobustness: true }\ndefault: fp16'));
    const { session } = await document<TunedDocument>(
      'convert p.precision -o out.onnx --tune-session --runs 3',
      'convert',
    );
    const tried = session.tried.map(
      ({ optimization, options }) => `${optimization} ${JSON.stringify(options)}`,
    );
    const layouts = [{}, { preferredLayout: 'NCHW' }, { preferredLayout: 'NHWC' }];
    const wanted = ['all', 'extended', 'basic', 'disabled'].flatMap((level) =>
      layouts.map((one) => `${level} ${JSON.stringify({ ...one, enableRobustness: true })}`),
    );
    expect(tried.sort()).toEqual(wanted.sort());
    const written = JSON.parse(readFileSync(join(folder, 'out.onnx.session.json'), 'utf8')) as object;
    expect(written).toMatchObject({ executionProviders: [{ name: 'webgpu', ...session.best.options }] });
  });
});

describe('bench', () => {
  it('times on the target, and keeps with which device and options', async () => {
    writePlan(readPlan('target webgpu { preferredLayout: NHWC }\ndefault: fp16'));
    const { status, out } = await run('bench p.precision --runs 2 --json', { environment });
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ...{ target: 'webgpu', options: { preferredLayout: 'NHWC' } },
      graphics: expect.stringMatching(/./) as string,
      ...(process.platform === 'linux' ? { graphicsDevice: expect.stringMatching(/./) as string } : {}),
    });
  });
});
