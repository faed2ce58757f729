/** The status item of targets: where the plan in view runs, whether this machine has that, and a list to choose from. Knows no provider. */
import {
  commands,
  type Disposable,
  type QuickPickItem,
  StatusBarAlignment,
  ThemeColor,
  window,
} from 'vscode';
import { activePlan } from './plans-in-view.js';
import type { TargetStatus } from './server-session.js';

/** As the server answers `onnxPrecision/targets`. */
export interface TargetEntry extends TargetStatus {
  readonly summary: string;
  readonly isChosen: boolean;
}

const CHOOSE_TARGET = 'onnxPrecision.chooseTarget';

export class TargetItem implements Disposable {
  private readonly item = window.createStatusBarItem('onnxPrecision.target', StatusBarAlignment.Right, 99);
  private readonly targets = new Map<string, readonly TargetStatus[]>();
  private readonly listening = window.onDidChangeActiveTextEditor(() => {
    this.update();
  });

  constructor() {
    this.item.name = 'ONNX Precision: Target';
    this.item.command = CHOOSE_TARGET;
  }

  show(path: string, targets: readonly TargetStatus[]): void {
    this.targets.set(path, targets);
    this.update();
  }

  /** For a server that ended. */
  clear(): void {
    this.targets.clear();
    this.update();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }

  private update(): void {
    const plan = activePlan();
    const targets = plan === undefined ? [] : (this.targets.get(plan.uri.fsPath) ?? []);
    if (targets.length === 0) {
      this.item.hide();
      return;
    }
    const isMissing = targets.some(({ usable }) => usable === false);
    const names = targets.map(({ name }) => name).join(', ');
    this.item.text = `${isMissing ? '$(warning)' : '$(server-environment)'} ${names}`;
    this.item.backgroundColor = isMissing ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    const lines = targets.map(({ name, usable, detail }) =>
      usable === undefined ? `${name}: not looked at yet` : `${name}: ${detail}`,
    );
    this.item.tooltip = [...lines, 'Click to choose another target.'].join('\n');
    this.item.accessibilityInformation = {
      label: ['Target of the plan', ...lines].join(', '),
      role: 'button',
    };
    this.item.show();
  }
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
