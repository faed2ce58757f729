/** The open plan that a command is about, as it was when the command began. Knows no command. */
import { LSPErrorCodes, ResponseError } from 'vscode-languageserver';
import { basename } from 'node:path';
import { errorsAmong, type SyntaxTree } from '../../language/index.js';
import type { TracedPlan } from '../../plan/index.js';
import type { OpenPlan } from '../open-plan.js';
import type { CommandCall } from './command.js';
import { type CommandOutcome, listOf, refusal } from './outcome.js';

export interface PlanTarget {
  readonly uri: string;
  readonly version: number;
  readonly path: string;
  readonly tree: SyntaxTree;
  readonly plan: TracedPlan;
}

/** The plan, or why there is none to work on. */
export async function planTarget(call: CommandCall): Promise<PlanTarget | CommandOutcome<never>> {
  return await aboutPlan<PlanTarget | CommandOutcome<never>>(
    call,
    ({ document, path, tree, bound }) => {
      if (path === undefined) {
        return refusal('plan-not-saved', 'save the plan first: what it names is looked for beside it');
      }
      if (bound?.model === undefined) {
        const why = listOf(bound?.diagnostics ?? []);
        return refusal('no-model', why === '' ? `${basename(path)} has no model` : why);
      }
      const { uri, version } = document;
      return { uri, version, path, tree, plan: bound };
    },
    refusal('plan-not-open', 'open the plan in the editor first'),
  );
}

export function isTarget(found: PlanTarget | CommandOutcome<never>): found is PlanTarget {
  return 'plan' in found;
}

/** The version that the plan's document has now; undefined where it is closed. */
export function versionNow(call: CommandCall): Promise<number | undefined> {
  return aboutPlan<number | undefined>(call, ({ document }) => document.version, undefined);
}

/** A plan with errors decides something else than its author meant: what the errors are, and that nothing is made of it. */
export function refusePlanErrors({ diagnostics }: TracedPlan): CommandOutcome<never> | undefined {
  const count = errorsAmong(diagnostics).length;
  if (count === 0) return undefined;
  const errors = count === 1 ? 'an error' : `${count} errors`;
  return refusal(
    'plan-has-errors',
    `the plan has ${errors}; mend ${count === 1 ? 'it' : 'them'} first: ${listOf(diagnostics)}`,
  );
}

/** Where models are not run at all. */
export function refuseInference(what: string): CommandOutcome<never> {
  return refusal(
    'inference-not-allowed',
    `${what} would run the model, and in a workspace that is not trusted no model is run; trust the workspace first`,
  );
}

/** Asks about the plan as it is by now: what is typed meanwhile does not matter to a command, which begins with the newest. */
async function aboutPlan<Answer>(
  { uri, token, answers }: CommandCall,
  answer: (open: OpenPlan) => Answer,
  nothing: Answer,
): Promise<Answer> {
  while (true) {
    try {
      return await answers.aboutPlan({ name: 'command', nothing }, uri, token, answer);
    } catch (error) {
      if (!(error instanceof ResponseError) || error.code !== LSPErrorCodes.ContentModified) throw error;
    }
  }
}
