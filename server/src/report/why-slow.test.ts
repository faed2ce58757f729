/** What keeps a low format from being faster, in sentences. */
import { expect, it } from 'vitest';
import { whySlow, type PlanTimes } from './why-slow.js';

function checkReasons(times: Partial<PlanTimes>, ...expected: readonly RegExp[]): void {
  const found = whySlow({ whole: 10, casts: 0, withoutKernel: [], format: 'fp16', ...times });
  expect(found).toEqual(expected.map((one) => expect.stringMatching(one) as string));
}

const CASTS = { outcome: 'through casts', detail: '' } as const;
const CONVOLUTIONS = { operator: 'Conv', layers: 57, ...CASTS };

it('tells of casts that count, and of layers that compute in FP32 all the same', () => {
  checkReasons({});
  checkReasons({ casts: 0.1 });
  checkReasons({ casts: 2.5 }, /^Casts take 25 % of the plan's time\.$/);
  checkReasons(
    { withoutKernel: [CONVOLUTIONS, { operator: 'MatMul', layers: 1, ...CASTS }] },
    /no FP16 kernel for Conv \(57 layers\), MatMul \(1 layer\):/,
  );
  checkReasons(
    { casts: 5, withoutKernel: [CONVOLUTIONS], format: 'bf16' },
    /50 %/,
    /no BF16 kernel for Conv/,
  );
});

it('tells of operators that take longer, and of lost fusions', () => {
  const clip = { operator: 'Clip', layers: 35, unfused: 35, milliseconds: 2 };
  checkReasons(
    { slower: [clip, { operator: 'Add', layers: 1, unfused: 0, milliseconds: 1 }] },
    /^Clip takes 2\.00 ms longer in FP16 \(35 layers; FP32 fuses them into other layers\)\.$/,
    /^Add takes 1\.00 ms longer in FP16 \(1 layer\)\.$/,
  );
  checkReasons({ slower: [{ ...clip, unfused: 3 }] }, /\(35 layers; FP32 fuses 3 into other layers\)/);
  checkReasons({ slower: [{ ...clip, milliseconds: 0.1 }] });
});

it('tells of layers without a kernel where no layer can be timed', () => {
  checkReasons({ whole: undefined, casts: undefined, withoutKernel: [CONVOLUTIONS] }, /Conv \(57 layers\)/);
});

it('says of each layer without a kernel what becomes of it', () => {
  const named = (operator: string): { readonly operator: string; readonly layers: number } => ({
    operator,
    layers: 1,
  });
  const elsewhere = { outcome: 'elsewhere', detail: 'CPUExecutionProvider' } as const;
  checkReasons(
    {
      withoutKernel: [
        { ...named('Hardmax'), ...elsewhere },
        { ...named('Resize'), outcome: 'refused', detail: 'Only 4D.' },
        CONVOLUTIONS,
        { ...named('Celu'), ...elsewhere },
      ],
    },
    /^This target has no FP16 kernel for Conv \(57 layers\): there it computes in FP32, between casts\.$/,
    /^This target has no kernel at all for Hardmax \(1 layer\), Celu \(1 layer\): that runs on the CPU, and the data/,
    /^This target was found not to run Resize \(1 layer\) alone in FP16: Only 4D\.$/,
  );
});
