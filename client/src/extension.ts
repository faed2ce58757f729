/** What VS Code calls when a plan is opened: starts the language server and puts the parts together. No logic. */
import {
  commands,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  window,
  workspace,
} from 'vscode';
import { ListingDocuments } from './listing-documents.js';
import { readOutcome } from './outcome.js';
import { registerPaletteCommands } from './palette-commands.js';
import { visiblePlans } from './plans-in-view.js';
import { ReportPanel } from './report-panel.js';
import { Restarts } from './restarts.js';
import { showOutcome } from './results.js';
import { ServerSession } from './server-session.js';
import { initializationOptions, NEEDS_RESTART, SECTION } from './settings.js';
import { StatusItem } from './status-item.js';
import { chooseTarget, targetItem } from './target-item.js';

let session: ServerSession | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel('ONNX Precision', { log: true });
  const status = new StatusItem();
  const targets = targetItem();
  const reports = new ReportPanel();
  /** For what nobody waits for: an error is at least in the log. */
  const guarded = (action: Thenable<unknown>): void => {
    action.then(undefined, (error: unknown) => {
      log.error(String(error));
    });
  };
  const server = new ServerSession(context.asAbsolutePath('dist/server.js'), log, initializationOptions, {
    ready: () => {
      listings.refresh();
      guarded(tellVisible(server));
    },
    status: (one) => {
      status.show(one);
      targets.show(one.path, one.targets ?? []);
    },
    gaveUp: () => {
      status.clear();
      targets.clear();
      restarts.offer('the language server ended five times within three minutes.');
    },
    interrupted: () => {
      guarded(window.showWarningMessage(INTERRUPTED));
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
  const restarts = new Restarts(server, log);
  context.subscriptions.push(
    ...[log, status, targets, reports, listings],
    ...followWorkbench(server, restarts),
    ...registerCommands(server, restarts, log),
  );
  await restarts.restart();
}

const INTERRUPTED = 'ONNX Precision: the language server ended meanwhile; run the command again.';

function tellVisible(server: ServerSession): Promise<void> {
  return server.notify('onnxPrecision/visible', { uris: visiblePlans() });
}

/** What the user does elsewhere that the server has to know of. */
function followWorkbench(server: ServerSession, restarts: Restarts): readonly Disposable[] {
  return [
    workspace.onDidGrantWorkspaceTrust(() => restarts.restart()),
    window.onDidChangeVisibleTextEditors(() => tellVisible(server)),
    workspace.onDidChangeConfiguration(async (change) => {
      if (NEEDS_RESTART.some((setting) => change.affectsConfiguration(setting))) await restarts.restart();
      else if (change.affectsConfiguration(SECTION)) await server.settingsChanged();
    }),
  ];
}

function registerCommands(
  server: ServerSession,
  restarts: Restarts,
  log: LogOutputChannel,
): readonly Disposable[] {
  return [
    commands.registerCommand('onnxPrecision.showLog', () => {
      log.show();
    }),
    commands.registerCommand('onnxPrecision.restartServer', () => restarts.restart()),
    commands.registerCommand('onnxPrecision.chooseTarget', async (name?: string) => {
      if (await server.isReady())
        await chooseTarget((uri) => server.request('onnxPrecision/targets', { uri }), name);
      else restarts.offer('the language server is not running.');
    }),
    ...registerPaletteCommands((name, run): Disposable =>
      commands.registerCommand(name, async (...args: never[]) => {
        if (await server.isReady()) return run(...args);
        restarts.offer('the language server is not running.');
        return undefined;
      }),
    ),
  ];
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
