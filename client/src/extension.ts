/** What VS Code calls when a plan is opened: starts the language server and registers the commands. No logic. */
import { commands, type ExtensionContext, window, workspace } from 'vscode';
import { ServerSession } from './server-session.js';
import { StatusItem } from './status-item.js';

let session: ServerSession | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel('ONNX Precision', { log: true });
  const status = new StatusItem();
  const server = new ServerSession(
    context.asAbsolutePath('dist/server.js'),
    log,
    () => {
      const settings = workspace.getConfiguration('onnxPrecision');
      return {
        runsInference: workspace.isTrusted,
        codeLens: settings.get('codeLens', 'all'),
        inlayHints: settings.get('inlayHints', true),
      };
    },
    (one) => {
      status.show(one);
    },
  );
  session = server;

  /** VS Code says nothing when an extension fails to activate, so this does. */
  const restart = async (): Promise<void> => {
    try {
      await server.restart();
    } catch (error) {
      log.error(`The language server did not start: ${String(error)}`);
      const choice = await window.showErrorMessage(
        'ONNX Precision: the language server did not start.',
        'Show Log',
      );
      if (choice !== undefined) log.show();
    }
  };

  context.subscriptions.push(
    log,
    status,
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('onnxPrecision')) await server.settingsChanged();
    }),
    commands.registerCommand('onnxPrecision.showLog', () => {
      log.show();
    }),
    commands.registerCommand('onnxPrecision.restartServer', restart),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
