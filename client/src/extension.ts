/** What VS Code calls when a plan is opened: starts the language server and puts the parts together. No logic. */
import { commands, type Disposable, type ExtensionContext, window, workspace } from 'vscode';
import { ListingDocuments } from './listing-documents.js';
import { readOutcome } from './outcome.js';
import { registerPaletteCommands } from './palette-commands.js';
import { visiblePlans } from './plans-in-view.js';
import { ReportPanel } from './report-panel.js';
import { showOutcome } from './results.js';
import { ServerSession } from './server-session.js';
import { initializationOptions, NEEDS_RESTART, SECTION } from './settings.js';
import { StatusItem } from './status-item.js';

let session: ServerSession | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel('ONNX Precision', { log: true });
  const status = new StatusItem();
  const reports = new ReportPanel();
  const server = new ServerSession(context.asAbsolutePath('dist/server.js'), log, initializationOptions, {
    ready: () => {
      listings.refresh();
      guarded(tellVisible());
    },
    status: (one) => {
      status.show(one);
    },
    gaveUp: () => {
      status.clear();
      guarded(offerRestart('the language server ended five times within three minutes.'));
    },
    interrupted: () => {
      guarded(
        window.showWarningMessage(
          'ONNX Precision: the language server ended meanwhile; run the command again.',
        ),
      );
    },
    executed: (answer) => {
      const outcome = readOutcome(answer);
      if (outcome === undefined) return;
      if (outcome.speed !== undefined) status.showSpeed(outcome.speed);
      guarded(showOutcome(outcome, reports));
    },
  });
  session = server;
  const listings = new ListingDocuments((uri) => server.request('onnxPrecision/listing', { uri }));

  /** For what nobody waits for: an error is at least in the log. */
  const guarded = (action: Thenable<unknown>): void => {
    action.then(undefined, (error: unknown) => {
      log.error(String(error));
    });
  };

  const tellVisible = (): Promise<void> => server.notify('onnxPrecision/visible', { uris: visiblePlans() });

  /** VS Code says nothing when an extension fails to activate, so this does. */
  const restart = async (): Promise<void> => {
    try {
      await server.restart();
    } catch (error) {
      log.error(`The language server did not start: ${String(error)}`);
      guarded(offerRestart('the language server did not start.'));
    }
  };

  const offerRestart = async (problem: string): Promise<void> => {
    const choice = await window.showErrorMessage(`ONNX Precision: ${problem}`, 'Restart', 'Show Log');
    if (choice === 'Restart') await restart();
    if (choice === 'Show Log') log.show();
  };

  context.subscriptions.push(
    log,
    status,
    reports,
    listings,
    workspace.onDidGrantWorkspaceTrust(restart),
    window.onDidChangeVisibleTextEditors(tellVisible),
    workspace.onDidChangeConfiguration(async (change) => {
      if (NEEDS_RESTART.some((setting) => change.affectsConfiguration(setting))) await restart();
      else if (change.affectsConfiguration(SECTION)) await server.settingsChanged();
    }),
    commands.registerCommand('onnxPrecision.showLog', () => {
      log.show();
    }),
    commands.registerCommand('onnxPrecision.restartServer', restart),
    ...registerPaletteCommands((name, run): Disposable =>
      commands.registerCommand(name, async (...args: never[]) => {
        if (await server.isReady()) return run(...args);
        guarded(offerRestart('the language server is not running.'));
        return undefined;
      }),
    ),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
