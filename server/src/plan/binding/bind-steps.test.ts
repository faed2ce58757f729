import { describe, expect, it } from 'vitest';
import { parse } from '../../language/index.js';
import { type Steps } from '../../onnx/index.js';
import { bindPlanSteps } from './bind.js';
import { makeModel, worldFiles } from '../testing/fixture.js';
import { knowModelSteps } from '../knowledge.js';

/** A chain of so many layers. */
function chain(layers: number) {
  const nodes = Array.from({ length: layers }, (_, layer) => {
    return `Relu "layer${layer}" ${layer === 0 ? 'x' : `t${layer - 1}`} -> t${layer}`;
  });
  return makeModel(['input x float 1 4', ...nodes, `output t${layers - 1} float 1 4`].join('\n'));
}

function count(steps: Steps<unknown>): number {
  let taken = 0;
  while (steps.next().done !== true) taken++;
  return taken;
}

function bindingSteps(statements: number, layers: number): number {
  const model = chain(layers);
  count(knowModelSteps(model));
  const lines = Array.from({ length: statements }, (_, index) => `layer "layer${index % layers}": fp16`);
  const text = `model "m.onnx"\ninput "x" = zeros\n${lines.join('\n')}\n`;
  const path = '/plans/p.precision';
  return count(bindPlanSteps({ path, tree: parse(text), files: worldFiles({ model }) }));
}

describe('steps', () => {
  it('of learning a model are as many as its size asks for, and none once it is known', () => {
    const [small, large] = [chain(500), chain(1000)];
    const few = count(knowModelSteps(small));
    const many = count(knowModelSteps(large));
    // Types and shapes, each at most 64 nodes at a time.
    expect(many - few).toBeGreaterThanOrEqual(2 * Math.floor(500 / 64));
    expect(count(knowModelSteps(large))).toBe(0);
  });

  it('of binding a plan are as many as its statements ask for, and no more', () => {
    const few = bindingSteps(1000, 100);
    const many = bindingSteps(3000, 100);
    // Matched, and then looked at for what could go, each at most 64 statements at a time.
    expect(many - few).toBeGreaterThanOrEqual(2 * Math.floor(2000 / 64));
    expect(many).toBeLessThan(3 * few + 10);
  });
});
