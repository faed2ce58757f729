/** Plans that leave open how sums are added up, on targets that were found to add up in one way or another. */
import { describe, expect, it } from 'vitest';
import type { Accumulation } from '../../formats/index.js';
import { bindText, worldFiles } from '../testing/fixture.js';
import { accumulationReason, usualAccumulation, withTargetSums } from './target-sums.js';
import type { FoundTarget, TracedPlan } from '../types.js';

type Sums = Readonly<Record<string, Accumulation>>;
const FP16 = { kind: 'fp16' } as const;
const FP32 = { kind: 'fp32' } as const;
const CHUNKS = { kind: 'chunked', length: 64 } as const;

/** Targets that were found, with how they add up. */
function machine(
  targets: Readonly<Record<string, Sums>>,
): (target: { name: string }) => FoundTarget | undefined {
  return ({ name }) => {
    const sums = targets[name];
    if (sums === undefined) return undefined;
    return { usable: true, summary: '', advice: undefined, sums: new Map(Object.entries(sums)) };
  };
}

function bound(text: string, targets: Readonly<Record<string, Sums>>): TracedPlan {
  const world = worldFiles({});
  const { plan } = bindText(`model "m.onnx"\n${text}`, { ...world, findTarget: machine(targets) });
  // What is found later gives the same as what was known when the plan was bound.
  const { plan: unaware } = bindText(`model "m.onnx"\n${text}`, world);
  expect(withTargetSums(unaware, machine(targets)).decisions).toEqual(plan.decisions);
  return plan;
}

/** How the convolutions and products add up: `stem/conv block1/conv head/matmul`. */
function checkSums(text: string, targets: Readonly<Record<string, Sums>>, wanted: string, why: string): void {
  const plan = bound(text, targets);
  const found = plan.decisions
    .filter(({ layer }) => ['Conv', 'MatMul'].includes(layer.node.opType))
    .map(({ numerics }) => numerics?.accumulate?.kind ?? 'fp32');
  expect(found.join(' ')).toBe(wanted);
  expect(accumulationReason(plan)).toBe(why);
  const others = plan.decisions.filter(({ layer }) => !['Conv', 'MatMul'].includes(layer.node.opType));
  for (const { numerics } of others) expect(numerics?.accumulate).toBeUndefined();
}

const WEBGPU = { webgpu: { Conv: FP16, MatMul: CHUNKS, Gemm: FP16 } };

describe('sums of a plan', () => {
  it('are those of its target, operator by operator', () => {
    checkSums(
      'target webgpu\ndefault: fp16\n',
      WEBGPU,
      'fp16 fp16 chunked',
      'fp32 and fp16 and chunked(64), as webgpu was found to add up on this machine',
    );
  });

  it('are FP32 in layers that stay FP32, and in formats that nothing was found out of', () => {
    const why = 'fp32 and fp16, as webgpu was found to add up on this machine';
    checkSums('target webgpu\nlayer "stem/conv": fp16\n', WEBGPU, 'fp16 fp32 fp32', why);
    const none = 'fp32, as webgpu was found to add up on this machine';
    checkSums('target webgpu\ndefault: bf16\n', WEBGPU, 'fp32 fp32 fp32', none);
  });

  it('are what the plan says where it says it, of all layers or of one', () => {
    checkSums(
      'target webgpu\naccumulate: fp32\ndefault: fp16\n',
      WEBGPU,
      'fp32 fp32 fp32',
      'fp32, as the plan says (`accumulate: fp32`)',
    );
    checkSums(
      'target webgpu\ndefault: fp16\nlayer "stem/conv": fp16 { accumulate: fp32 }\n',
      WEBGPU,
      'fp32 fp16 chunked',
      'fp32 and fp16 and chunked(64), as webgpu was found to add up on this machine',
    );
    checkSums(
      'target webgpu\ndefault: fp16\nlayer "stem/conv": fp16 { accumulate: chunked(8) }\n',
      WEBGPU,
      'chunked fp16 chunked',
      'fp32 and chunked(8) and fp16 and chunked(64), as webgpu was found to add up on this machine, and as the plan says of single layers',
    );
    checkSums(
      'default: fp16\nlayer "stem/conv": fp16 { accumulate: fp16 }\n',
      {},
      'fp16 fp32 fp32',
      'fp32 and fp16, as the plan says of single layers',
    );
  });

  it('are those of the target that loses most, where there are several', () => {
    const both = { cpu: { Conv: FP32, MatMul: FP16, Gemm: FP32 }, ...WEBGPU };
    checkSums(
      'target cpu\ntarget webgpu\ndefault: fp16\n',
      both,
      'fp16 fp16 fp16',
      'fp32 and fp16, as cpu and webgpu were found to add up on this machine',
    );
  });

  it('are not said to be those of a target that another one outdoes everywhere, whichever comes first', () => {
    const both = { cpu: { Conv: CHUNKS, MatMul: CHUNKS }, webgpu: { Conv: FP16, MatMul: FP16 } };
    const why = 'fp32 and fp16, as webgpu was found to add up on this machine';
    checkSums('target cpu\ntarget webgpu\ndefault: fp16\n', both, 'fp16 fp16 fp16', why);
    checkSums('target webgpu\ntarget cpu\ndefault: fp16\n', both, 'fp16 fp16 fp16', why);
  });

  it('are FP32 where nothing is known of a target, and that is said', () => {
    checkSums(
      'target cuda\ndefault: fp16\n',
      WEBGPU,
      'fp32 fp32 fp32',
      'fp32, since how cuda adds up is not known here; `accumulate` says it',
    );
    checkSums(
      'target cuda\ntarget webgpu\ndefault: fp16\n',
      WEBGPU,
      'fp16 fp16 chunked',
      'fp32 and fp16 and chunked(64), as webgpu was found to add up on this machine; how cuda does is not known here',
    );
    checkSums('default: fp16\n', {}, 'fp32 fp32 fp32', 'fp32');
  });

  it('are told of a layer that is not yet low, for whoever asks what it would do', () => {
    const plan = bound('target webgpu\n', WEBGPU);
    const conv = plan.layers.find(({ name }) => name === 'stem/conv');
    if (conv === undefined) throw new Error('no such layer');
    expect(usualAccumulation(plan, conv, 'fp16')).toEqual(FP16);
    expect(usualAccumulation(plan, conv, 'fp32')).toBeUndefined();
    expect(usualAccumulation(bound('accumulate: fp16\n', {}), conv, 'bf16')).toEqual(FP16);
  });

  it('are those of the target that loses most: longer partial sums do, side by side or one after the other', () => {
    const of = (mine: Accumulation, other: Accumulation): Accumulation | undefined =>
      bound('target webgpu\ntarget cuda\ndefault: fp16\n', {
        webgpu: { Conv: mine },
        cuda: { Conv: other },
      }).targetSums?.byOperator.get('Conv');
    const lanes = (count: number) => ({ kind: 'lanes', count }) as const;
    expect(of(lanes(256), lanes(64))).toEqual(lanes(64));
    expect(of(lanes(64), FP32)).toEqual(lanes(64));
    expect(of(lanes(64), { kind: 'chunked', length: 512 })).toEqual({ kind: 'chunked', length: 512 });
    expect(of({ kind: 'chunked', length: 8 }, lanes(64))).toEqual(lanes(64));
    expect(of(FP16, lanes(64))).toEqual(FP16);
  });

  it('of an equation with a diagonal are said to be in FP32, and one that adds up nothing is not spoken of', () => {
    const reason = (equation: string): string => {
      const model = `opset 13\ninput x float 4 4\nEinsum "product" x -> y equation=${equation}\noutput y float`;
      const world = { ...worldFiles({ model }), findTarget: machine({ webgpu: { Einsum: FP16 } }) };
      return accumulationReason(bindText('model "m.onnx"\ntarget webgpu\ndefault: fp16\n', world).plan);
    };
    expect(reason('ij->i')).toMatch(/^fp32 and fp16, as webgpu was found to add up on this machine$/);
    expect(reason('ii->')).toMatch(/; but 1 layer adds up in fp32 here .*: its equation has a diagonal/);
    expect(reason('ij->ji')).toBe('fp32, as webgpu was found to add up on this machine');
  });

  it('that emulation cannot add up as the target does are said to be in FP32, and why', () => {
    const model = 'opset 8\ninput x float 2 4\nweight w 4 3\nMatMul "product" x w -> y\noutput y float';
    const world = { ...worldFiles({ model }), findTarget: machine(WEBGPU) };
    const { plan } = bindText('model "m.onnx"\ntarget webgpu\ndefault: fp16\n', world);
    expect(accumulationReason(plan)).toMatch(
      /^fp32, as webgpu .*; but 1 layer adds up in fp32 here where the target does not: .* opset (9|11), and the model has opset 8$/,
    );
  });
});
