/**
 * The language server as VS Code sees it: one client with its process at a time. Owns starting, restarting and ending
 * it. Knows nothing of what the server does.
 */
import type { LogOutputChannel } from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { oneAtATime } from './one-at-a-time.js';

export interface InitializationOptions {
  /** False in a workspace that is not trusted: a model is code that somebody else wrote. */
  readonly runsInference: boolean;
  readonly codeLens: string;
  readonly inlayHints: boolean;
}

/** How far the analysis of a plan is. */
export interface AnalysisStatus {
  readonly path: string;
  readonly state: 'idle' | 'waiting' | 'working' | 'failed';
  readonly message: string;
  /** From 0 to 1. */
  readonly progress?: number;
}

export class ServerSession {
  private client: LanguageClient | undefined;

  /** @param module the server's bundle */
  constructor(
    private readonly module: string,
    private readonly log: LogOutputChannel,
    /** Asked at every start: what the server may do and shall show. */
    private readonly initializationOptions: () => InitializationOptions,
    private readonly onStatus: (status: AnalysisStatus) => void,
  ) {}

  /**
   * Ends the server if it runs and starts a new one. Rejects when it does not start. A new client each time: one that
   * failed to start, or to stop, cannot be started again.
   */
  readonly restart = oneAtATime(async () => {
    await this.stop();
    const client = this.createClient();
    this.client = client;
    client.onNotification('onnxPrecision/status', this.onStatus);
    await client.start();
  });

  /** Tells the server what the user's settings are now. */
  async settingsChanged(): Promise<void> {
    const settings = { onnxPrecision: this.initializationOptions() };
    await this.client?.sendNotification('workspace/didChangeConfiguration', { settings });
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      // A hung or dead server does not answer; the client ends its process all the same.
      this.log.warn(`The server did not stop cleanly: ${String(error)}`);
    }
  }

  private createClient(): LanguageClient {
    const server = { module: this.module, transport: TransportKind.ipc };
    return new LanguageClient(
      // The prefix of our settings: the client reads `onnxPrecision.trace.server`.
      'onnxPrecision',
      'ONNX Precision',
      { run: server, debug: { ...server, options: { execArgv: ['--nolazy', '--inspect=6010'] } } },
      {
        documentSelector: [{ language: 'onnx-precision' }],
        outputChannel: this.log,
        initializationOptions: this.initializationOptions,
      },
    );
  }
}
