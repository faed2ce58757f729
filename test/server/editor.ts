/**
 * A small editor that speaks the protocol to the server's real process over its standard input and output, as any
 * editor does. `npm run build` makes the process; `npm test` does that first.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type CancellationToken,
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  type ApplyWorkspaceEditParams,
  type ClientCapabilities,
  type CodeAction,
  type Diagnostic,
  type DocumentDiagnosticReport,
  type InitializeResult,
  type LogMessageParams,
  MessageType,
  type PublishDiagnosticsParams,
  type ProgressToken,
  type Range,
  type ShowMessageParams,
  type TextEdit,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';

/** How the server's process is started where not as usual. */
export interface ServerProcess {
  /** The bundle to run. */
  readonly script?: string;
  /** What follows it on its command line, before `--stdio`. */
  readonly words?: readonly string[];
  /** Options of Node itself; a module that they load may answer `askProcess`. */
  readonly nodeOptions?: readonly string[];
}

/** What the analysis says of a plan. */
export interface ShownStatus {
  readonly path: string;
  readonly state: string;
  readonly noGain?: string;
}

/** What a work-done progress says at a moment. */
export interface ShownProgress {
  readonly token: ProgressToken;
  readonly kind: 'begin' | 'report' | 'end';
  readonly title?: string;
  readonly message?: string;
  readonly percentage?: number;
  readonly cancellable?: boolean;
}

/** What the server asks to be told of. */
interface SentRegistration {
  readonly method: string;
  readonly registerOptions?: { readonly watchers?: readonly { readonly globPattern: string }[] };
}

/** The URI of a file beside the sample's model; nothing needs to be there for it to be open in an editor. */
export function besideSample(name: string): string {
  return pathToFileURL(path.resolve('samples/pose', name)).href;
}

export type Editor = Awaited<ReturnType<typeof startEditor>>;

/** Starts the server and initializes it with what this editor can do; it runs no inference unless it is told to. */
export async function startEditor(
  capabilities: ClientCapabilities,
  initializationOptions: object = { runsInference: false },
  { script = path.resolve('dist/server.js'), words = [], nodeOptions = [] }: ServerProcess = {},
) {
  if (!existsSync(script)) throw new Error(`${script} is missing; run \`npm run build\` first`);
  const server = spawn(process.execPath, [...nodeOptions, script, ...words, '--stdio'], {
    stdio: ['pipe', 'pipe', 'inherit', ...(nodeOptions.length === 0 ? [] : ['ipc' as const])],
  });
  const { stdin, stdout } = server;
  if (stdin === null || stdout === null) throw new Error('the server was started without its pipes');
  const exited = new Promise<number | null>((resolve) => server.on('exit', resolve));
  const connection = createMessageConnection(new StreamMessageReader(stdout), new StreamMessageWriter(stdin));
  const published: PublishDiagnosticsParams[] = [];
  const logged: string[] = [];
  const remarks: string[] = [];
  const registered: string[] = [];
  const watched: string[] = [];
  let refreshes = 0;
  let onPublish = (): void => undefined;
  connection.onNotification('textDocument/publishDiagnostics', (parameters: PublishDiagnosticsParams) => {
    published.push(parameters);
    onPublish();
  });
  connection.onNotification('window/logMessage', ({ type, message }: LogMessageParams) => {
    (type === MessageType.Error ? logged : remarks).push(message);
  });
  connection.onRequest(
    'client/registerCapability',
    ({ registrations }: { registrations: readonly SentRegistration[] }) => {
      registered.push(...registrations.map(({ method }) => method));
      for (const { registerOptions } of registrations)
        watched.push(...(registerOptions?.watchers ?? []).map(({ globPattern }) => globPattern));
      return null;
    },
  );
  let onRefresh = (): void => undefined;
  connection.onRequest('workspace/diagnostic/refresh', () => {
    refreshes++;
    onRefresh();
    return null;
  });
  let onEdit = (_edit: ApplyWorkspaceEditParams): void => undefined;
  let onStatus = (_status: ShownStatus): void => undefined;
  connection.onNotification('onnxPrecision/status', (status: ShownStatus) => {
    onStatus(status);
  });
  connection.onRequest('workspace/applyEdit', (parameters: ApplyWorkspaceEditParams) => {
    onEdit(parameters);
    return { applied: true };
  });
  const shown: string[] = [];
  connection.onNotification('window/showMessage', ({ message }: ShowMessageParams) => {
    shown.push(message);
  });
  let onProgress = (_progress: ShownProgress): void => undefined;
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.onUnhandledProgress(({ token, value }) => {
    onProgress({ token, ...(value as Omit<ShownProgress, 'token'>) });
  });
  const asked = { codeLens: 0, inlayHint: 0 };
  for (const kind of ['codeLens', 'inlayHint'] as const) {
    connection.onRequest(`workspace/${kind}/refresh`, () => {
      asked[kind]++;
      return null;
    });
  }
  connection.listen();

  const initialized = await connection.sendRequest<InitializeResult>('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities,
    initializationOptions,
  });
  await connection.sendNotification('initialized', {});

  return {
    capabilities: initialized.capabilities,
    published: published as readonly PublishDiagnosticsParams[],
    /** The errors that the server logged. */
    logged: logged as readonly string[],
    /** What else it logged. */
    remarks: remarks as readonly string[],
    registered: registered as readonly string[],
    /** The patterns of files whose changes on disk it wants to be told. */
    watched: watched as readonly string[],
    /** The messages that it wanted shown. */
    shown: shown as readonly string[],
    /** How often it asked for diagnostics, lenses and hints to be asked for again. */
    refreshes: () => refreshes,
    lensRefreshes: () => asked.codeLens,
    hintRefreshes: () => asked.inlayHint,

    async open(uri: string, text: string): Promise<TextDocument> {
      const textDocument = { uri, languageId: 'onnx-precision', version: 1, text };
      await connection.sendNotification('textDocument/didOpen', { textDocument });
      return TextDocument.create(uri, 'onnx-precision', 1, text);
    },
    /** Applies edits here and tells the server, which gets them as an editor sends them: one after the other. */
    async edit(document: TextDocument, edits: TextEdit[]): Promise<TextDocument> {
      const text = TextDocument.applyEdits(document, edits);
      const whole = { start: document.positionAt(0), end: document.positionAt(document.getText().length) };
      const textDocument = { uri: document.uri, version: document.version + 1 };
      const contentChanges = [{ range: whole, text }];
      await connection.sendNotification('textDocument/didChange', { textDocument, contentChanges });
      return TextDocument.create(document.uri, 'onnx-precision', textDocument.version, text);
    },
    /** Inserts text at an offset, sent as what has changed alone. */
    type(document: TextDocument, offset: number, text: string): Promise<TextDocument> {
      return this.replace(document, offset, offset, text);
    },
    /** Puts text in the place of another, sent as what has changed alone. */
    async replace(document: TextDocument, start: number, end: number, text: string): Promise<TextDocument> {
      const range = { start: document.positionAt(start), end: document.positionAt(end) };
      const textDocument = { uri: document.uri, version: document.version + 1 };
      const contentChanges = [{ range, text }];
      await connection.sendNotification('textDocument/didChange', { textDocument, contentChanges });
      const changed = TextDocument.applyEdits(document, [{ range, newText: text }]);
      return TextDocument.create(document.uri, 'onnx-precision', textDocument.version, changed);
    },
    /** Sends what `send` sends to a server that stands still, so that all of it is there when it goes on. */
    async whilePaused(send: () => Promise<void>): Promise<void> {
      server.kill('SIGSTOP');
      await send();
      // What is sent is written in its order: once this has gone out, everything has.
      await connection.sendNotification('$/setTrace', { value: 'off' });
      server.kill('SIGCONT');
    },
    /** Asks a module that `nodeOptions` loaded into the server's process. */
    askProcess<Answer>(question: object): Promise<Answer> {
      return new Promise((resolve) => {
        server.once('message', (answer) => {
          resolve(answer as Answer);
        });
        server.send(question);
      });
    },
    /** Any request about a document. */
    ask<Answer>(
      method: string,
      { uri }: TextDocument,
      more: object = {},
      token?: CancellationToken,
    ): Promise<Answer> {
      const parameters = { textDocument: { uri }, ...more };
      // A token that is not there would be sent as a second parameter.
      if (token === undefined) return connection.sendRequest(method, parameters);
      return connection.sendRequest(method, parameters, token);
    },
    /** Any other request. */
    request<Answer>(method: string, parameters: object, token?: CancellationToken): Promise<Answer> {
      if (token === undefined) return connection.sendRequest(method, parameters);
      return connection.sendRequest(method, parameters, token);
    },
    /** Any notification. */
    notify(method: string, parameters: object): Promise<void> {
      return connection.sendNotification(method, parameters);
    },
    async close({ uri }: TextDocument): Promise<void> {
      await connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    },
    async changedOnDisk(uri: string): Promise<void> {
      await connection.sendNotification('workspace/didChangeWatchedFiles', { changes: [{ uri, type: 2 }] });
    },
    /** Waits until the server sends diagnostics of this document in this version, as wanted. */
    async pushed(
      { uri, version }: TextDocument,
      wanted: (diagnostics: readonly Diagnostic[]) => boolean = () => true,
    ): Promise<Diagnostic[]> {
      const find = () =>
        published.findLast((one) => one.uri === uri && one.version === version && wanted(one.diagnostics));
      while (find() === undefined) await new Promise<void>((resolve) => (onPublish = resolve));
      return find()?.diagnostics ?? [];
    },
    async pull({ uri }: TextDocument): Promise<Diagnostic[]> {
      const report = await connection.sendRequest<DocumentDiagnosticReport>('textDocument/diagnostic', {
        textDocument: { uri },
      });
      return report.kind === 'full' ? report.items : [];
    },
    quickFixes({ uri }: TextDocument, range: Range): Promise<CodeAction[]> {
      const parameters = { textDocument: { uri }, range, context: { diagnostics: [], only: ['quickfix'] } };
      return connection.sendRequest('textDocument/codeAction', parameters);
    },
    formatting({ uri }: TextDocument): Promise<TextEdit[]> {
      const options = { tabSize: 2, insertSpaces: true };
      return connection.sendRequest('textDocument/formatting', { textDocument: { uri }, options });
    },
    /** Waits for the next word of the analysis. */
    nextStatus(): Promise<ShownStatus> {
      return new Promise((resolve) => {
        onStatus = resolve;
      });
    },
    /** Waits until the server next asks for diagnostics to be asked for again. */
    nextRefresh(): Promise<void> {
      return new Promise((resolve) => {
        onRefresh = resolve;
      });
    },
    /** Waits for a progress that the server begins, or reports, as wanted. */
    nextProgress(wanted: (progress: ShownProgress) => boolean): Promise<ShownProgress> {
      return new Promise((resolve) => {
        onProgress = (progress) => {
          if (wanted(progress)) resolve(progress);
        };
      });
    },
    /** As a user who presses the button of a progress. */
    async cancelProgress({ token }: ShownProgress): Promise<void> {
      await connection.sendNotification('window/workDoneProgress/cancel', { token });
    },
    /** Waits for the next edit that the server wants made; it is told that it was. */
    nextEdit(): Promise<ApplyWorkspaceEditParams> {
      return new Promise((resolve) => {
        onEdit = resolve;
      });
    },
    /** Ends the server in the protocol's way and gives its exit status. */
    async stop(): Promise<number | null> {
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      const status = await exited;
      connection.dispose();
      return status;
    },
    /** For the end of a test, however that went; the server writes nothing any more. */
    async kill(): Promise<void> {
      server.kill('SIGKILL');
      await exited;
    },
  };
}
