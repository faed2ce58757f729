/**
 * The language server as VS Code sees it: one client with its process at a time. Owns starting, restarting and ending
 * it. Knows nothing of what the server does.
 */
import { performance } from 'node:perf_hooks';
import type { LogOutputChannel } from 'vscode';
import {
  CloseAction,
  ErrorAction,
  type ExecuteCommandSignature,
  LanguageClient,
  ResponseError,
  State,
  type StaticFeature,
  TransportKind,
} from 'vscode-languageclient/node';
import { CommandProgress } from './command-progress.js';
import { CrashHistory } from './crash-history.js';
import { oneAtATime } from './one-at-a-time.js';
import { LANGUAGE } from './plans-in-view.js';
import type { InitializationOptions } from './settings.js';

/** How far the analysis of a plan is. */
export interface AnalysisStatus {
  readonly path: string;
  readonly state: 'idle' | 'waiting' | 'working' | 'failed';
  readonly message: string;
  /** From 0 to 1. */
  readonly progress?: number;
  /** A sentence for a plan that is no faster than the original on this machine. */
  readonly noGain?: string;
  /** The targets of the plan. */
  readonly targets?: readonly TargetStatus[];
}

/** What this machine makes of a target. */
export interface TargetStatus {
  readonly name: string;
  /** Left out while it was not looked at. */
  readonly usable?: boolean;
  /** What it runs on, or what is missing and how to get it. */
  readonly detail: string;
}

/** What the session tells the rest of the extension. */
export interface SessionListener {
  /** A server is ready, for the first time or again. */
  ready(): void;
  status(status: AnalysisStatus): void;
  /** The server crashed so often that it is not started again. */
  gaveUp(): void;
  /** The server ended, or was ended, in the middle of a command. */
  interrupted(): void;
  /** What came of a command of the server, from a lens or from the palette. */
  executed(result: unknown): void;
}

/** What a request fails with that nobody is left to answer; `vscode-jsonrpc` names it with a number. */
const PENDING_RESPONSE_REJECTED = -32097;

/** What this client can do beyond the protocol. */
const experimental: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    const ours = { onnxPrecisionListing: true, onnxPrecisionCommands: true };
    const others: unknown = capabilities.experimental;
    capabilities.experimental = Object.assign({}, others, ours);
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};

export class ServerSession {
  private client: LanguageClient | undefined;
  private lastStart: Promise<void> | undefined;
  private readonly progress = new CommandProgress((token) => {
    void this.notify('window/workDoneProgress/cancel', { token });
  });

  /** @param module the server's bundle */
  constructor(
    private readonly module: string,
    private readonly log: LogOutputChannel,
    /** Asked at every start: what the server may do and shall show. */
    private readonly initializationOptions: () => InitializationOptions,
    private readonly listener: SessionListener,
  ) {}

  /** Ends the server if it runs and starts a new one. Rejects when it does not start. */
  restart(): Promise<void> {
    this.lastStart = this.startOnce();
    return this.lastStart;
  }

  /** Resolves when a start that is under way has ended: with whether a server runs. */
  async isReady(): Promise<boolean> {
    try {
      await this.lastStart;
      // After a crash the client begins to start by itself.
      if (this.client?.state === State.Starting) await this.client.start();
    } catch {
      // Whoever started it was told.
    }
    return this.isRunning;
  }

  /** A new client each time: one that failed to start, or to stop, cannot be started again. */
  private readonly startOnce = oneAtATime(async () => {
    await this.stop();
    const client = this.createClient();
    this.client = client;
    client.registerFeature(experimental);
    client.onNotification('onnxPrecision/status', (status: AnalysisStatus) => {
      this.listener.status(status);
    });
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) this.listener.ready();
      else this.progress.clear();
    });
    await client.start();
  });

  /** Tells the server what the user's settings are now. */
  async settingsChanged(): Promise<void> {
    await this.notify('workspace/didChangeConfiguration', {
      settings: { onnxPrecision: this.initializationOptions() },
    });
  }

  /** Tells a server that runs; one that does not is told when it is ready, by whoever listens for that. */
  async notify(method: string, parameters: object): Promise<void> {
    if (this.isRunning) await this.client?.sendNotification(method, parameters);
  }

  /** Asks the server; undefined where none runs. */
  async request<Answer>(method: string, parameters: object): Promise<Answer | undefined> {
    return this.isRunning ? this.client?.sendRequest<Answer>(method, parameters) : undefined;
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

  private get isRunning(): boolean {
    return this.client?.isRunning() === true;
  }

  private createClient(): LanguageClient {
    const server = { module: this.module, transport: TransportKind.ipc };
    const crashes = new CrashHistory();
    return new LanguageClient(
      // The prefix of our settings: the client reads `onnxPrecision.trace.server`.
      'onnxPrecision',
      'ONNX Precision',
      { run: server, debug: { ...server, options: { execArgv: ['--nolazy', '--inspect=6010'] } } },
      {
        documentSelector: [{ language: LANGUAGE }],
        outputChannel: this.log,
        initializationOptions: this.initializationOptions,
        errorHandler: {
          // What goes wrong with a message is in the log; what ends the connection comes to `closed`.
          error: () => ({ action: ErrorAction.Continue, handled: true }),
          closed: () => {
            if (crashes.crashed(performance.now()) === 'restart') {
              return { action: CloseAction.Restart, handled: true };
            }
            this.listener.gaveUp();
            return { action: CloseAction.DoNotRestart, handled: true };
          },
        },
        middleware: {
          executeCommand: (command, args, next) => this.execute(command, args, next),
          handleWorkDoneProgress: (token, value, next) => {
            this.progress.handle(token, value, () => {
              next(token, value);
            });
          },
        },
      },
    );
  }

  private async execute(command: string, args: unknown[], next: ExecuteCommandSignature): Promise<unknown> {
    let result: unknown;
    try {
      result = await next(command, args);
    } catch (error) {
      const isGone = error instanceof ResponseError && error.code === PENDING_RESPONSE_REJECTED;
      if (!isGone) throw error;
      this.listener.interrupted();
      return undefined;
    }
    this.listener.executed(result);
    return result;
  }
}
