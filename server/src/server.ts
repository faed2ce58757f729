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
  FEATURES,
  isolated,
  OpenPlans,
  serverCapabilities,
  Turns,
  workspaceFiles,
} from './features/index.js';

/** Files whose change on disk may change diagnostics. */
const watchers = [{ globPattern: '**/*.{onnx,precision}' }];

/** Serves a connection until it closes. */
export function startServer(connection: Connection): void {
  const documents = new TextDocuments(TextDocument);
  const files = workspaceFiles(() => documents.all());
  const plans = new OpenPlans(files);
  const log = (message: string): void => {
    connection.console.error(message);
  };
  const turns = new Turns((message) => {
    connection.console.info(message);
  });
  /** A client that refuses what we send it is no reason to stop. */
  const sent = (what: string, sending: Promise<unknown>): void => {
    sending.catch((error: unknown) => {
      log(`${what}: ${String(error)}`);
    });
  };

  connection.onInitialize(({ capabilities, initializationOptions }: InitializeParams) => {
    const abilities = abilitiesOf(capabilities);
    const diagnose = isolated('diagnostics', log, [], (document: TextDocument) =>
      diagnosticsOf(plans.open(document)),
    );
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
          turns.take(`diagnostics of ${uri}`, () => {
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
    const findDocument = (uri: string): TextDocument | undefined => documents.get(uri);
    const answers = new Answers({ abilities, files, plans, turns, findDocument, log });
    const { refreshes } = abilities;
    const sentAlong: unknown = initializationOptions;
    const parts = { connection, documents, plans, turns, refreshes, initializationOptions: sentAlong, log };
    const live = connectLive(parts);
    connection.onDidChangeWatchedFiles(() => {
      live.filesChanged();
      if (!abilities.pullsDiagnostics) push.changed();
      else if (abilities.refreshesDiagnostics) sent('refresh', connection.languages.diagnostics.refresh());
    });
    const features = [...FEATURES, ...live.features];
    for (const feature of features) feature.register(connection, answers);
    return { capabilities: serverCapabilities(abilities, features), serverInfo: { name: 'onnx-precision' } };
  });

  documents.listen(connection);
  connection.listen();
}
