/**
 * Connects the live analysis to a server: what the client allows and wants shown, documents in, notifications out.
 * Knows no numbers.
 */
import { CodeLensRefreshRequest, type Connection, type TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type LiveAnalysis, NOTHING_KNOWN, startLiveAnalysis } from '../analysis/index.js';
import { TARGETS } from '../language/index.js';
import type { FindTarget } from '../plan/index.js';
import { commandExecution, workCommands } from './commands/index.js';
import { pathOfUri, uriOfPath } from './document-path.js';
import type { Feature } from './feature.js';
import { isolated, logError } from './isolate.js';
import { analysisCommands, flipCommands, liveFeatures, type LiveSettings } from './live-features.js';
import { LiveUpdates, type RefreshAbilities } from './live-updates.js';
import { type Measurements, withoutMeasurements } from './measurements.js';
import type { OpenPlan } from './open-plan.js';
import type { Readiness } from './readiness.js';
import { chooseTargetCommand, targetsFeature } from './targets.js';

/** `{ uris: string[] }` from the client: the plans that the user sees, all of them, whenever that changes. */
const VISIBLE_NOTIFICATION = 'onnxPrecision/visible';

export interface LiveConnection {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly readiness: Readiness;
  readonly refreshes: RefreshAbilities;
  /** The client has commands of its own for what is done with a plan. */
  readonly hasCommands: boolean;
  /** Called when diagnostics of open plans are no longer what the client was given. */
  readonly diagnosticsChanged: () => void;
  /** What the client sent along: `{ runsInference, cacheFolder, computeNode, codeLens, inlayHints }`. */
  readonly initializationOptions: unknown;
  /** Where results are kept, whatever the client sent along; null: in memory alone; undefined: as it says. */
  readonly cacheFolder: string | null | undefined;
  /** Told of what went wrong, and of what went on. */
  readonly log: (message: string) => void;
  readonly remark: (message: string) => void;
}

export interface ConnectedLive {
  readonly features: readonly Feature[];
  readonly measurements: Measurements;
  /** What a target of this machine was found to be; nothing where no inference runs. */
  readonly findTarget: FindTarget;
  /** Models, samples or fragments on disk may have changed. */
  readonly filesChanged: () => void;
}

/** The live features; with no numbers where the client does not allow inference (a workspace that is not trusted). */
export function connectLive(parts: LiveConnection): ConnectedLive {
  const fields = fieldsOf(parts.initializationOptions);
  const options: LiveOptions = {
    cacheFolder: parts.cacheFolder === undefined ? pathIn(fields['cacheFolder']) : parts.cacheFolder,
    nodePath: pathIn(fields['computeNode']),
  };
  const settings = settingsOf(fields, { codeLens: 'all', inlayHints: true });
  return fields['runsInference'] === false
    ? withoutInference(parts, options, settings)
    : new LiveServer(parts, options, settings).connected();
}

/** What the client says once and for all. */
interface LiveOptions {
  readonly cacheFolder: string | null | undefined;
  readonly nodePath: string | undefined;
}

/** Lenses with what a plan decides, and their flips; nothing runs a model. */
function withoutInference(
  { connection, refreshes, hasCommands, log, remark }: LiveConnection,
  options: LiveOptions,
  initial: LiveSettings,
): ConnectedLive {
  const pauseAnalysis = () => () => undefined;
  const work = workCommands({ runsInference: false, pauseAnalysis, ...options, log, remark });
  connection.onShutdown(() => work.dispose());
  let settings = initial;
  connection.onDidChangeConfiguration(({ settings: changed }: { settings: unknown }) => {
    settings = changedSettings(changed, settings);
    if (!refreshes.codeLens) return;
    connection.sendRequest(CodeLensRefreshRequest.type).catch((error: unknown) => {
      logError('settings', log, error);
    });
  });
  const commands = [...flipCommands(), chooseTargetCommand(), ...work.commands];
  const measurements = withoutMeasurements({
    ofClient: hasCommands,
    ofServer: new Set(commands.map(({ name }) => name)),
    withoutInference: true,
  });
  return {
    features: [
      ...liveFeatures({ measurements, settings: () => settings }),
      targetsFeature(() => Promise.resolve()),
      commandExecution(commands),
    ],
    measurements,
    findTarget: () => undefined,
    filesChanged: () => undefined,
  };
}

/** The live analysis of a connection's documents. */
class LiveServer {
  private readonly live: LiveAnalysis;
  private readonly work: ReturnType<typeof workCommands>;
  private readonly updates: LiveUpdates;

  constructor(
    private readonly parts: LiveConnection,
    options: LiveOptions,
    private settings: LiveSettings,
  ) {
    const { connection, readiness, refreshes, diagnosticsChanged, log, remark } = parts;
    this.live = startLiveAnalysis({
      ...{ log, remark, ...options },
      onModelChanged: (path) => {
        const uri = this.documentAt(path)?.uri;
        if (uri !== undefined) this.look(uri);
        diagnosticsChanged();
      },
      onTargetsFound: () => {
        for (const { uri } of this.parts.documents.all()) this.look(uri);
        diagnosticsChanged();
      },
    });
    const pauseAnalysis = () => this.live.pause();
    this.work = workCommands({ runsInference: true, pauseAnalysis, ...options, log, remark });
    this.updates = new LiveUpdates({
      ...{ connection, live: this.live, abilities: refreshes, diagnosticsChanged },
      withPlan: async (name, path, work) => {
        const uri = this.documentAt(path)?.uri;
        if (uri !== undefined)
          await this.inBackground(name, () => readiness.takeSteps(name, uri, work, 'background'));
      },
    });
    this.listen();
  }

  connected(): ConnectedLive {
    const { live, work, updates } = this;
    const commands = [...analysisCommands(live), ...flipCommands(), chooseTargetCommand(), ...work.commands];
    const measurements: Measurements = {
      numbers: ({ path }) => (path === undefined ? NOTHING_KNOWN : live.numbers(path)),
      diagnosed: (open, numbers) => {
        updates.diagnosed(open, numbers);
      },
      targetsWanted: () => {
        void this.learnAllTargets();
      },
      actions: { ofClient: this.parts.hasCommands, ofServer: new Set(commands.map(({ name }) => name)) },
    };
    const settings = (): LiveSettings => this.settings;
    return {
      features: [
        ...liveFeatures({ measurements, settings }),
        targetsFeature(() => this.learnAllTargets()),
        commandExecution(commands),
      ],
      measurements,
      findTarget: (target) => live.findTarget(target),
      filesChanged: () => {
        live.filesChanged();
        for (const { uri } of this.parts.documents.all()) this.look(uri);
      },
    };
  }

  /** Of targets that no plan names, for somebody who is asked to choose one. */
  private learnAllTargets(): Promise<void> {
    return this.inBackground('looking at targets', () =>
      this.live.learnTargets(TARGETS.map(({ name }) => ({ name, threads: undefined }))),
    );
  }

  /** Follows what the client tells by itself. */
  private listen(): void {
    const { connection, documents } = this.parts;
    documents.onDidChangeContent(({ document: { uri } }) => {
      this.look(uri);
    });
    documents.onDidClose(({ document: { uri } }) => {
      const path = pathOfUri(uri);
      if (path !== undefined) this.updates.planClosed(path);
    });
    connection.onDidChangeConfiguration(({ settings: changed }: { settings: unknown }) => {
      this.settings = changedSettings(changed, this.settings);
      this.updates.refreshAll();
    });
    connection.onNotification(VISIBLE_NOTIFICATION, ({ uris }: { readonly uris?: unknown }) => {
      const shown = Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
      this.live.setVisible(new Set(shown.flatMap((uri) => pathOfUri(uri) ?? [])));
    });
    connection.onShutdown(async () => {
      await Promise.all([this.live.dispose(), this.work.dispose()]);
    });
  }

  private documentAt(path: string): TextDocument | undefined {
    const { documents } = this.parts;
    return documents.get(uriOfPath(path)) ?? documents.all().find(({ uri }) => pathOfUri(uri) === path);
  }

  /** Tells the analysis of what a plan says now, before findings are asked for: those of before say then that they are. */
  private look(uri: string): void {
    const { readiness, log } = this.parts;
    const name = `live analysis of ${uri}`;
    const look = (open: OpenPlan): void => {
      this.updates.planChanged(open);
    };
    void this.inBackground(name, () => readiness.take(name, uri, isolated(name, log, undefined, look)));
  }

  /** Work that nobody waits for is logged where it fails. */
  private async inBackground(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      logError(name, this.parts.log, error);
    }
  }
}

/** @param changed as the client tells of it: all settings, or a part of them */
function changedSettings(changed: unknown, before: LiveSettings): LiveSettings {
  return settingsOf(fieldsOf(fieldsOf(changed)['onnxPrecision']), before);
}

function settingsOf(fields: Readonly<Record<string, unknown>>, otherwise: LiveSettings): LiveSettings {
  const { codeLens, inlayHints } = fields;
  const known = codeLens === 'all' || codeLens === 'header' || codeLens === 'off';
  return {
    codeLens: known ? codeLens : otherwise.codeLens,
    inlayHints: typeof inlayHints === 'boolean' ? inlayHints : otherwise.inlayHints,
  };
}

/** A path that the client sent along, if it did. */
function pathIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
