/** Starts the server again, and offers that where it has ended. Knows neither why it ended nor what it serves. */
import { type LogOutputChannel, window } from 'vscode';
import type { ServerSession } from './server-session.js';

export class Restarts {
  constructor(
    private readonly server: ServerSession,
    private readonly log: LogOutputChannel,
  ) {}

  /** VS Code says nothing when an extension fails to activate, so this does. Never rejects. */
  async restart(): Promise<void> {
    try {
      await this.server.restart();
    } catch (error) {
      this.log.error(`The language server did not start: ${String(error)}`);
      this.offer('the language server did not start.');
    }
  }

  /** Says what is wrong, with the ways on; nobody waits for the answer. */
  offer(problem: string): void {
    this.ask(problem).catch((error: unknown) => {
      this.log.error(String(error));
    });
  }

  private async ask(problem: string): Promise<void> {
    const choice = await window.showErrorMessage(`ONNX Precision: ${problem}`, 'Restart', 'Show Log');
    if (choice === 'Restart') await this.restart();
    if (choice === 'Show Log') this.log.show();
  }
}
