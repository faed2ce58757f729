/** What starts work on a plan again, and what does not. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../../testing/index.js';
import { bindTo, writeChain } from '../testing/index.js';
import { planKeys, type PlanKeys } from './plan-keys.js';

const folder = folderForTests();
const model = writeChain(join(folder, 'chain.onnx'), 2);
const other = writeChain(join(folder, 'other.onnx'), 2);
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 2 }\ntolerance "y" relative_l2 <= 1e-3\n';

function keysOf(text: string, of = model): PlanKeys {
  return planKeys(bindTo(of, text).plan);
}

/** Expects that exactly these keys change. */
function checkChanged(from: string, to: string, changed: readonly (keyof PlanKeys)[], of = model): void {
  const before = keysOf(from);
  const after = keysOf(to, of);
  const different = (['samples', 'verdict', 'latency', 'job'] as const).filter(
    (key) => before[key] !== after[key],
  );
  expect(different).toEqual(changed);
}

describe('the keys of a plan', () => {
  const plan = `${HEAD}default: fp16\n`;

  it('stay where the text says the same', () => {
    checkChanged(plan, `# a comment\n${plan}`, []);
    checkChanged(plan, `${HEAD}op MatMul, Relu: fp16\n`, []);
    checkChanged(plan, plan.replace('"y" relative_l2 <= 1e-3', '"y"  relative_l2  <=  0.001'), []);
  });

  it('change with a decision, and with what becomes of weights beyond the range', () => {
    checkChanged(plan, `${plan}layer "mul_1": fp32\n`, ['verdict', 'latency', 'job']);
    checkChanged(`${plan}layer "mul_0": fp32\n`, `${plan}layer "mul_1": fp32\n`, [
      'verdict',
      'latency',
      'job',
    ]);
    checkChanged(plan, `${HEAD}default: fp16 { overflow: saturate }\n`, ['verdict', 'latency', 'job']);
  });

  it('change with a limit: what was measured is judged again', () => {
    checkChanged(plan, plan.replace('1e-3', '1e-2'), ['job']);
    checkChanged(plan, plan.replace('relative_l2', 'max_abs'), ['verdict', 'job']);
  });

  it('change with the samples, the model and the target', () => {
    checkChanged(plan, plan.replace('seed: 1', 'seed: 2'), ['samples', 'verdict', 'latency', 'job']);
    checkChanged(plan, plan, ['samples', 'verdict', 'latency', 'job'], other);
    checkChanged(plan, `target cpu { threads: 1 }\n${plan}`, ['latency', 'job']);
  });

  it('change with an error: a plan without errors is timed', () => {
    checkChanged(plan, `${plan}layer "no_such_layer": fp16\n`, ['job']);
  });
});
