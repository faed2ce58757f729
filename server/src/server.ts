/** Wires the features to a connection. No logic: what an answer is, the features know. */
import {
  type Connection,
  DidChangeWatchedFilesNotification,
  DocumentDiagnosticReportKind,
  TextDocuments,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  abilitiesOf,
  diagnosticsOf,
  DiagnosticsPush,
  formattingOf,
  isolated,
  quickFixesOf,
  serverCapabilities,
  workspaceFiles,
} from './features/index.js';

/** Files whose change on disk may change diagnostics. */
const watchers = [{ globPattern: '**/*.{onnx,precision}' }];

/** Serves a connection until it closes. */
export function startServer(connection: Connection): void {
  const documents = new TextDocuments(TextDocument);
  const files = workspaceFiles(() => documents.all());
  const log = (message: string): void => {
    connection.console.error(message);
  };
  /** A client that refuses what we send it is no reason to stop. */
  const sent = (what: string, sending: Promise<unknown>): void => {
    sending.catch((error: unknown) => {
      log(`${what}: ${String(error)}`);
    });
  };
  const diagnose = isolated('diagnostics', log, [], (document: TextDocument) =>
    diagnosticsOf(document, files),
  );

  connection.onInitialize(({ capabilities }) => {
    const abilities = abilitiesOf(capabilities);
    const push = new DiagnosticsPush(() => {
      for (const document of documents.all()) {
        const { uri, version } = document;
        sent('diagnostics', connection.sendDiagnostics({ uri, version, diagnostics: diagnose(document) }));
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
    connection.onDidChangeWatchedFiles(() => {
      if (!abilities.pullsDiagnostics) push.changed();
      else if (abilities.refreshesDiagnostics) sent('refresh', connection.languages.diagnostics.refresh());
    });
    connection.onInitialized(() => {
      if (!abilities.watchesFiles) return;
      sent(
        'watching files',
        connection.client.register(DidChangeWatchedFilesNotification.type, { watchers }),
      );
    });
    return { capabilities: serverCapabilities(abilities), serverInfo: { name: 'onnx-precision' } };
  });

  connection.languages.diagnostics.on(({ textDocument }) => {
    const document = documents.get(textDocument.uri);
    return {
      kind: DocumentDiagnosticReportKind.Full,
      items: document === undefined ? [] : diagnose(document),
    };
  });
  connection.onCodeAction(
    isolated('quick fixes', log, [], ({ textDocument, range }) => {
      const document = documents.get(textDocument.uri);
      return document === undefined ? [] : quickFixesOf(document, range, files);
    }),
  );
  connection.onDocumentFormatting(
    isolated('formatting', log, [], ({ textDocument }) => {
      const document = documents.get(textDocument.uri);
      return document === undefined ? [] : formattingOf(document);
    }),
  );

  documents.listen(connection);
  connection.listen();
}
