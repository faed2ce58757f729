/** The status item of targets: where the plan in view runs, whether this machine has that, and a list to choose from. Knows no provider. */
import { commands, type QuickPickItem, ThemeColor, window } from 'vscode';
import { type Look, PlanItem } from './plan-item.js';
import { activePlan } from './plans-in-view.js';
import type { TargetStatus } from './server-session.js';

/** As the server answers `onnxPrecision/targets`. */
export interface TargetEntry extends TargetStatus {
  readonly summary: string;
  readonly isChosen: boolean;
}

const CHOOSE_TARGET = 'onnxPrecision.chooseTarget';

/** Shows the targets of the plan in view, as far as the server has told them. */
export function targetItem(): PlanItem<readonly TargetStatus[]> {
  return new PlanItem({
    id: 'onnxPrecision.target',
    name: 'ONNX Precision: Target',
    command: CHOOSE_TARGET,
    priority: 99,
    lookOf: (_path, targets = []) => (targets.length === 0 ? undefined : lookOf(targets)),
  });
}

function lookOf(targets: readonly TargetStatus[]): Look {
  const isMissing = targets.some(({ usable }) => usable === false);
  const names = targets.map(({ name }) => name).join(', ');
  const lines = targets.map(({ name, usable, detail }) =>
    usable === undefined ? `${name}: not looked at yet` : `${name}: ${detail}`,
  );
  return {
    text: `${isMissing ? '$(warning)' : '$(server-environment)'} ${names}`,
    tooltip: [...lines, 'Click to choose another target.'].join('\n'),
    accessibility: { label: ['Target of the plan', ...lines].join(', '), role: 'button' },
    background: isMissing ? new ThemeColor('statusBarItem.warningBackground') : undefined,
  };
}

/** Shows all targets and has the server write the one that is picked into the plan in view. */
export async function chooseTarget(
  ask: (uri: string) => Promise<readonly TargetEntry[] | undefined>,
  name?: string,
): Promise<void> {
  const plan = activePlan();
  if (plan === undefined) {
    void window.showWarningMessage('ONNX Precision: open a plan first.');
    return;
  }
  const uri = plan.uri.toString();
  const chosen = name ?? (await pickTarget(ask(uri)));
  if (chosen !== undefined) await commands.executeCommand('onnxPrecision.server.chooseTarget', uri, chosen);
}

/** Looking at targets takes a moment: the list is there while it does. */
async function pickTarget(asked: Promise<readonly TargetEntry[] | undefined>): Promise<string | undefined> {
  const items = asked.then((entries = []) => entries.map(itemOf));
  const picked = await window.showQuickPick(items, {
    title: 'Target of the plan',
    placeHolder: 'Where the model will run',
    matchOnDetail: true,
  });
  return picked?.target;
}

function itemOf({
  name,
  summary,
  usable,
  detail,
  isChosen,
}: TargetEntry): QuickPickItem & { readonly target: string } {
  const icon = usable === undefined ? '$(question)' : usable ? '$(check)' : '$(circle-slash)';
  return {
    target: name,
    label: `${icon} ${name}`,
    description: isChosen ? `in the plan · ${summary}` : summary,
    detail: usable === undefined ? 'not looked at: no model runs in this workspace' : detail,
  };
}
