/**
 * Answers about long plans are put together a little at a time: as many pauses as the plan and its model are long, so that
 * no turn of the server's loop grows with them. Counted, since clocks of shared machines prove nothing.
 */
import { describe, expect, it } from 'vitest';
import { parseSteps } from '../language/index.js';
import { finish, type Steps } from '../onnx/index.js';
import { bindPlanSteps, lockTextSteps } from '../plan/index.js';
import { NO_ACTIONS } from './action-commands.js';
import { codeLensSteps } from './code-lens.js';
import { diagnosticSteps, PLAIN } from './diagnostics.js';
import { documentSymbolSteps } from './document-symbols.js';
import { foldingRangeSteps } from './folding.js';
import { jsonSteps } from './json-slices.js';
import { learnModel } from './learn-model.js';
import type { OpenPlan } from './open-plan.js';
import { semanticTokenSteps } from './semantic-tokens.js';
import { everything, header, longModel, longName, measured, openWorkspace } from './testing.js';

/** Of so many things of about the size of a statement, there is a pause. */
const PAUSE_EVERY = 64;
const [FEW, MANY] = [500, 1500];
const PAUSES = Math.floor((MANY - FEW) / PAUSE_EVERY);

/** Two statements for each layer: one of them is needless, which is said. */
function planOf(layers: number): OpenPlan {
  const lines = Array.from({ length: 2 * layers }, (_, index) => `layer "${longName(index % layers)}": fp16`);
  return openWorkspace(`${header}${lines.join('\n')}\n`, longModel(layers)).open;
}

const plans = { few: planOf(FEW), many: planOf(MANY) };

function pauses(steps: Steps<unknown>): number {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
}

/** Expects as many pauses more for the longer plan as `passes` over its further layers ask for. */
function checkPauses(passes: number, work: (open: OpenPlan) => Steps<unknown>): void {
  expect(pauses(work(plans.many)) - pauses(work(plans.few))).toBeGreaterThanOrEqual(passes * PAUSES);
}

describe('a long plan', () => {
  it('is read with pauses', () => {
    // Two statements a layer are made of tokens, read, checked, and looked at for repetitions.
    checkPauses(7, ({ document }) => parseSteps(document.getText()));
  });

  it('has a model that is learnt with pauses', () => {
    const count = (layers: number): number => pauses(learnModel(longModel(layers)));
    // Types, shapes, scopes, roles, names, layers, formats, neighbours: so many passes over all nodes.
    expect(count(MANY) - count(FEW)).toBeGreaterThanOrEqual(22 * PAUSES);
  });

  it('is bound with pauses, beside a lock of all layers too', () => {
    const bind = ({ path = '', tree, files }: OpenPlan, lock: string | undefined): Steps<unknown> =>
      bindPlanSteps({ path, tree, files: { ...files, readText: () => lock } });
    checkPauses(23, (open) => bind(open, undefined));
    const lockOf = ({ plan }: OpenPlan): string => {
      if (plan === undefined) throw new Error('the plan is not bound');
      return finish(lockTextSteps(plan)) ?? '';
    };
    const unlocked = (open: OpenPlan): number => pauses(bind(open, undefined));
    for (const open of [plans.few, plans.many]) {
      const locked = pauses(bind(open, lockOf(open)));
      const layers = open.plan?.layers.length ?? 0;
      // It is read, the model's records are made in three passes, and both are compared.
      expect(locked - unlocked(open)).toBeGreaterThanOrEqual(5 * Math.floor(layers / PAUSE_EVERY));
    }
  });

  it('is answered for with pauses', () => {
    const numbers = measured({});
    checkPauses(2, (open) => documentSymbolSteps(open, everything));
    checkPauses(15, (open) => semanticTokenSteps(open));
    checkPauses(16, (open) => foldingRangeSteps(open));
    checkPauses(2, (open) => codeLensSteps(open, 'all', NO_ACTIONS));
    // No more diagnostics are shown than an editor can take.
    expect(pauses(diagnosticSteps(plans.many, numbers, PLAIN))).toBeGreaterThanOrEqual(
      Math.floor(1000 / PAUSE_EVERY),
    );
  });

  it('has answers that are written with pauses', () => {
    checkPauses(1, (open) => jsonSteps({ result: finish(documentSymbolSteps(open, everything)) }, 'utf-8'));
  });
});
