/** Wires the features to a connection. No logic: what an answer is, the features know. */
import {
  type Connection,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  TextDocuments,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  abilitiesOf,
  Answers,
  connectLive,
  diagnosticSteps,
  DiagnosticsPush,
  featuresOf,
  keepLock,
  type OpenPlan,
  OpenPlans,
  Readiness,
  serverCapabilities,
  Turns,
  workspaceFiles,
} from './features/index.js';
import type { Steps } from './onnx/index.js';
import type { FindTarget } from './plan/index.js';

/** Files whose change on disk may change diagnostics. */
const watchers = [{ globPattern: '**/*.{onnx,precision,precision.lock,npy,npz,pb,png,jpg,jpeg,mjs,json}' }];

/** What whoever starts the server has said, whatever the client sends along. */
export interface ServerOptions {
  /** Where results are kept; null: nowhere beyond the life of this server; undefined: as the client says. */
  readonly cacheFolder?: string | null | undefined;
}

/** Serves a connection until it closes. */
export function startServer(connection: Connection, { cacheFolder }: ServerOptions = {}): void {
  const documents = new TextDocuments(TextDocument);
  /** Nothing is known of targets before the client has said whether inference may run. */
  let findTarget: FindTarget = () => undefined;
  const files = workspaceFiles(
    () => documents.all(),
    (target) => findTarget(target),
  );
  const plans = new OpenPlans(files);
  const log = (message: string): void => {
    connection.console.error(message);
  };
  const remark = (message: string): void => {
    connection.console.info(message);
  };
  const turns = new Turns(remark);
  const findDocument = (uri: string): TextDocument | undefined => documents.get(uri);
  const readiness = new Readiness({ plans, turns, findDocument, log });
  /** A client that refuses what we send it is no reason to stop. */
  const sent = (what: string, sending: Promise<unknown>): void => {
    sending.catch((error: unknown) => {
      log(`${what}: ${String(error)}`);
    });
  };

  connection.onInitialize(({ capabilities, initializationOptions }: InitializeParams) => {
    const abilities = abilitiesOf(capabilities);
    function* sendDiagnostics(open: OpenPlan): Steps<void> {
      const { uri, version } = open.document;
      const numbers = live.measurements.numbers(open);
      const diagnostics = yield* diagnosticSteps(open, numbers, abilities);
      live.measurements.diagnosed(open, numbers);
      sent('diagnostics', connection.sendDiagnostics({ uri, version, diagnostics }));
    }
    const push = new DiagnosticsPush(() => {
      for (const { uri } of documents.all()) {
        const name = `diagnostics of ${uri}`;
        sent('diagnostics', readiness.takeSteps(name, uri, sendDiagnostics, 'long answer'));
      }
    });
    if (!abilities.pullsDiagnostics) {
      documents.onDidChangeContent(() => {
        push.changed();
      });
      documents.onDidClose(({ document: { uri } }) => {
        sent('diagnostics', connection.sendDiagnostics({ uri, diagnostics: [] }));
        push.changed();
      });
    }
    connection.onInitialized(() => {
      if (!abilities.watchesFiles) return;
      sent(
        'watching files',
        connection.client.register(DidChangeWatchedFilesNotification.type, { watchers }),
      );
    });
    const answers = new Answers({ abilities, files, plans, turns, readiness, findDocument, log });
    const diagnosticsChanged = (): void => {
      if (!abilities.pullsDiagnostics) push.changed();
      else if (abilities.refreshesDiagnostics) sent('refresh', connection.languages.diagnostics.refresh());
    };
    const { refreshes, hasCommands } = abilities;
    const sentAlong: unknown = initializationOptions;
    const live = connectLive({
      connection,
      documents,
      readiness,
      refreshes,
      hasCommands,
      diagnosticsChanged,
      initializationOptions: sentAlong,
      cacheFolder,
      log,
      remark,
    });
    findTarget = live.findTarget;
    connection.onDidChangeWatchedFiles(() => {
      live.filesChanged();
      diagnosticsChanged();
    });
    const features = [...featuresOf(live.measurements), ...live.features];
    for (const feature of features) feature.register(connection, answers);
    return { capabilities: serverCapabilities(abilities, features), serverInfo: { name: 'onnx-precision' } };
  });

  documents.onDidSave(({ document: { uri } }) => {
    sent('lock', keepLock(uri, { readiness, turns, log }));
  });
  documents.listen(connection);
  connection.listen();
}
