/**
 * What a job does by itself before and after inference is done a little at a time: as many pauses as the model is long, so
 * that an editor's server that does it answers in between. Counted, since clocks of shared machines prove nothing.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emulatedSteps, exposedSteps } from '../../emulate/index.js';
import { finish, type Steps } from '../../onnx/index.js';
import { precisionGraph, precisionGraphSteps, type TracedPlan } from '../../plan/index.js';
import { folderForTests } from '../../testing/index.js';
import { writeChain } from '../testing/index.js';
import { layersAllowingSteps } from './layers-allowing.js';
import { liveFindingSteps } from './live-findings.js';
import { NOTHING_KNOWN } from './numbers.js';
import { boundPlan } from './testing.js';

const folder = folderForTests();
const HEAD = 'input "x" = uniform(-1, 1) { seed: 1, count: 1 }\ntolerance "y" relative_l2 <= 1e-3\n';
/** Of so many things of about the size of a node, there is a pause. */
const PAUSE_EVERY = 64;
const [FEW, MANY] = [100, 400];

function planOf(depth: number): TracedPlan {
  const model = writeChain(join(folder, `chain${depth}.onnx`), depth);
  return boundPlan(join(folder, `p${depth}.precision`), model, `${HEAD}default: fp16\n`);
}

const plans = { few: planOf(FEW), many: planOf(MANY) };

function pauses(steps: Steps<unknown>): number {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
}

/** Expects as many pauses more for the longer model as `passes` over its further layers ask for. */
function checkPauses(passes: number, work: (plan: TracedPlan) => Steps<unknown>): void {
  const further = plans.many.layers.length - plans.few.layers.length;
  const more = pauses(work(plans.many)) - pauses(work(plans.few));
  expect(more).toBeGreaterThanOrEqual(passes * Math.floor(further / PAUSE_EVERY));
}

describe('a live job pauses', () => {
  it('while it finds out which layers it is about', () => {
    checkPauses(1, (plan) => layersAllowingSteps(plan, 'fp16'));
  });

  it('while it decides the types of all tensors', () => {
    checkPauses(5, ({ model, roles, layers, decisions }) =>
      precisionGraphSteps(model, roles, layers, decisions),
    );
  });

  it('while it writes the models that it runs', () => {
    checkPauses(8, ({ model, roles, layers, decisions }) =>
      emulatedSteps(precisionGraph(model, roles, layers, decisions)),
    );
    checkPauses(6, ({ model, layers }) =>
      exposedSteps(
        model,
        layers.flatMap(({ node }) => node.outputs),
      ),
    );
  });

  it('while it makes findings of what it measured', () => {
    const sensitivity = ({ layers }: TracedPlan) =>
      new Map(
        layers.map(({ name }, index) => [
          name,
          { value: 0, low: 0, high: 0, method: 'measured' as const, rank: index + 1, share: 0 },
        ]),
      );
    expect(
      pauses(liveFindingSteps(plans.many, { ...NOTHING_KNOWN, sensitivity: sensitivity(plans.many) })),
    ).toBeGreaterThan(4);
    expect(finish(layersAllowingSteps(plans.few, 'fp16'))).toHaveLength(plans.few.layers.length);
  });
});
