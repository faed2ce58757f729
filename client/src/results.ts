/** What came of a command, shown to whoever ran it: a message, the report beside the plan, the file that was written. */
import { commands, Uri, window } from 'vscode';
import type { Outcome } from './outcome.js';
import type { ReportPanel } from './report-panel.js';

/** Shows an outcome; resolves when its message is gone, which may take as long as the user likes. */
export async function showOutcome(
  { status, severity, message, report, written }: Outcome,
  panel: ReportPanel,
): Promise<void> {
  // Who cancels knows it.
  if (status === 'cancelled') return;
  if (report !== undefined) panel.show(report);
  const actions = new Map<string, () => unknown>();
  if (report !== undefined) {
    actions.set('Show Report', () => {
      panel.show(report);
    });
  }
  if (written !== undefined) {
    actions.set('Open Folder', () => commands.executeCommand('revealFileInOS', Uri.parse(written)));
  }
  if (status === 'refused') actions.set('Show Log', () => commands.executeCommand('onnxPrecision.showLog'));
  const choice = await showMessage[severity](`ONNX Precision: ${message}`, ...actions.keys());
  if (choice !== undefined) await actions.get(choice)?.();
}

const showMessage = {
  information: (text: string, ...actions: string[]) => window.showInformationMessage(text, ...actions),
  warning: (text: string, ...actions: string[]) => window.showWarningMessage(text, ...actions),
  error: (text: string, ...actions: string[]) => window.showErrorMessage(text, ...actions),
};
