/** What keeps a plan from being faster, in sentences. */
import { expect, it } from 'vitest';
import { whySlow, type PlanTimes } from './why-slow.js';

function checkReasons(times: Partial<PlanTimes>, ...expected: readonly RegExp[]): void {
  const found = whySlow({ whole: 10, casts: 0, operatorsWithoutKernel: [], format: 'fp16', ...times });
  expect(found).toEqual(expected.map((one) => expect.stringMatching(one) as string));
}

it('tells of casts that count, and of operators that compute in FP32 all the same', () => {
  checkReasons({});
  checkReasons({ casts: 0.1 });
  checkReasons({ casts: 2.5 }, /^Casts take 25 % of the plan's time\.$/);
  checkReasons({ operatorsWithoutKernel: ['Conv', 'MatMul'] }, /no FP16 kernel for Conv, MatMul/);
  checkReasons(
    { casts: 5, operatorsWithoutKernel: ['Conv'], format: 'bf16' },
    /50 %/,
    /no BF16 kernel for Conv/,
  );
});
