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
  diagnosticsOf,
  DiagnosticsPush,
  featuresOf,
  isolated,
  keepLock,
  OpenPlans,
  Readiness,
  serverCapabilities,
  Turns,
  workspaceFiles,
} from './features/index.js';

/** Files whose change on disk may change diagnostics. */
const watchers = [{ globPattern: '**/*.{onnx,precision,precision.lock}' }];

/** Serves a connection until it closes. */
export function startServer(connection: Connection): void {
  const documents = new TextDocuments(TextDocument);
  const files = workspaceFiles(() => documents.all());
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
    const diagnose = isolated('diagnostics', log, [], (document: TextDocument) => {
      const open = plans.open(document);
      live.measurements.diagnosed(open);
      return diagnosticsOf(open, live.measurements.numbers(open));
    });
    const sendDiagnostics = (uri: string): void => {
      const document = documents.get(uri);
      if (document === undefined) return;
      const { version } = document;
      sent('diagnostics', connection.sendDiagnostics({ uri, version, diagnostics: diagnose(document) }));
    };
    const push = new DiagnosticsPush(() => {
      for (const { uri } of documents.all()) {
        sent(
          'diagnostics',
          readiness.take(`diagnostics of ${uri}`, uri, () => {
            sendDiagnostics(uri);
          }),
        );
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
      log,
      remark,
    });
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
