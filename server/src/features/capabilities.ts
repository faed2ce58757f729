/** What the server offers a client, by what the client can take. */
import {
  type ClientCapabilities,
  CodeActionKind,
  type ServerCapabilities,
  TextDocumentSyncKind,
} from 'vscode-languageserver';

/** What is done differently for different clients. */
export interface ClientAbilities {
  /** Asks for diagnostics; such a client is never sent any unasked, since many show both. */
  readonly pullsDiagnostics: boolean;
  /** Asks again when it is told that answers may have changed. */
  readonly refreshesDiagnostics: boolean;
  /** Tells of files that change on disk once it is asked to. */
  readonly watchesFiles: boolean;
}

export function abilitiesOf({ textDocument, workspace }: ClientCapabilities): ClientAbilities {
  return {
    pullsDiagnostics: textDocument?.diagnostic !== undefined,
    refreshesDiagnostics: workspace?.diagnostics?.refreshSupport === true,
    watchesFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration === true,
  };
}

export function serverCapabilities({ pullsDiagnostics }: ClientAbilities): ServerCapabilities {
  const capabilities: ServerCapabilities = {
    textDocumentSync: TextDocumentSyncKind.Incremental,
    documentFormattingProvider: true,
    codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
  };
  if (pullsDiagnostics) {
    capabilities.diagnosticProvider = {
      identifier: 'onnx-precision',
      // A plan's diagnostics change with the fragments that it includes.
      interFileDependencies: true,
      workspaceDiagnostics: false,
    };
  }
  return capabilities;
}
