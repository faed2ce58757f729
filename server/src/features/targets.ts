/**
 * The targets of a plan as an editor shows them: what each is on this machine, and which the plan has. A client asks for all of them
 * with `onnxPrecision/targets` `{ uri }`, and has one written into the plan by `onnxPrecision.server.chooseTarget` [uri, name].
 */
import { RequestType } from 'vscode-languageserver';
import type { FoundTarget, PlanTarget } from '../plan/index.js';
import { chooseTarget } from '../plan/index.js';
import { TARGETS } from '../language/index.js';
import { applyTextEdits } from './commands/apply-edits.js';
import type { ServerCommand } from './commands/index.js';
import type { Feature } from './feature.js';
import type { OpenPlan } from './open-plan.js';

export interface TargetEntry {
  readonly name: string;
  /** What kind of thing it is. */
  readonly summary: string;
  /** Undefined where it was not looked at: no inference runs in this workspace. */
  readonly usable: boolean | undefined;
  /** What it runs on, or what is missing and how to get it. */
  readonly detail: string;
  /** The plan names it, or it stands in where the plan names none. */
  readonly isChosen: boolean;
}

export const TargetsRequest = new RequestType<{ readonly uri: string }, readonly TargetEntry[], void>(
  'onnxPrecision/targets',
);

/** All targets, in the order of the language. */
export function targetEntries({ files, plan }: OpenPlan): readonly TargetEntry[] {
  return TARGETS.map(({ name, summary }) => {
    const chosen = plan?.targets.find((target) => target.name === name);
    const found = files.findTarget(chosen ?? { name, threads: undefined });
    return { name, summary, usable: found?.usable, detail: detailOf(found), isChosen: chosen !== undefined };
  });
}

function detailOf(found: FoundTarget | undefined): string {
  return found === undefined ? '' : [found.summary, found.advice].filter(Boolean).join(' ');
}

/** What the status item says of the targets of a plan: each with whether this machine has it. */
export function targetStatus(
  targets: readonly PlanTarget[],
  find: (target: PlanTarget) => FoundTarget | undefined,
): readonly Pick<TargetEntry, 'name' | 'usable' | 'detail'>[] {
  return targets.map((target) => {
    const found = find(target);
    return { name: target.name, usable: found?.usable, detail: detailOf(found) };
  });
}

/** @param learn looks at all targets that were not looked at yet */
export function targetsFeature(learn: () => Promise<void>): Feature {
  return {
    capabilities: () => ({}),
    register: (connection, answers) => {
      connection.onRequest(TargetsRequest, async ({ uri }, token) => {
        await learn();
        return answers.aboutPlan<readonly TargetEntry[]>(
          { name: 'targets', nothing: [] },
          uri,
          token,
          targetEntries,
        );
      });
    },
  };
}

/** Writes a target into the plan, in place of those that it has. */
export function chooseTargetCommand(): ServerCommand {
  const name = 'onnxPrecision.server.chooseTarget';
  return {
    name,
    run: ({ connection, answers, uri, token, words: [wanted] }) =>
      answers.aboutPlan({ name, nothing: null }, uri, token, ({ document, tree }) => {
        const known = TARGETS.find((target) => target.name === wanted);
        const edits = known === undefined ? [] : chooseTarget(tree, known.name);
        if (edits.length === 0) return null;
        const { version } = document;
        void applyTextEdits(connection, { uri: document.uri, version, tree }, edits, 'Choose target').then(
          (failure) => {
            if (failure !== undefined)
              connection.window.showWarningMessage(`ONNX Precision: the target was not changed: ${failure}`);
          },
        );
        return null;
      }),
  };
}
