/**
 * The language server as VS Code sees it: one client with its process at a time. Owns starting, restarting and ending
 * it. Knows nothing of what the server does.
 */
import type { LogOutputChannel } from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { oneAtATime } from './one-at-a-time.js';

export class ServerSession {
  private client: LanguageClient | undefined;

  /** @param module the server's bundle */
  constructor(
    private readonly module: string,
    private readonly log: LogOutputChannel,
  ) {}

  /**
   * Ends the server if it runs and starts a new one. Rejects when it does not start. A new client each time: one that
   * failed to start, or to stop, cannot be started again.
   */
  readonly restart = oneAtATime(async () => {
    await this.stop();
    this.client = this.createClient();
    await this.client.start();
  });

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
      { documentSelector: [{ language: 'onnx-precision' }], outputChannel: this.log },
    );
  }
}
