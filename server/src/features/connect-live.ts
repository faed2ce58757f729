/**
 * Connects the live analysis to a server: what the client allows and wants shown, documents in, notifications out.
 * Knows no numbers.
 */
import type { Connection, TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { NOTHING_KNOWN, startLiveAnalysis } from '../analysis/index.js';
import { commandExecution, workCommands } from './commands/index.js';
import { pathOfUri, uriOfPath } from './document-path.js';
import type { Feature } from './feature.js';
import { isolated } from './isolate.js';
import { liveCommands, liveFeatures, type LiveSettings } from './live-features.js';
import { LiveUpdates, type RefreshAbilities } from './live-updates.js';
import { type Measurements, NO_MEASUREMENTS } from './measurements.js';
import type { OpenPlan } from './open-plan.js';
import type { Readiness } from './readiness.js';

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
  /** Told of what went wrong, and of what went on. */
  readonly log: (message: string) => void;
  readonly remark: (message: string) => void;
}

export interface ConnectedLive {
  readonly features: readonly Feature[];
  readonly measurements: Measurements;
  /** Models, samples or fragments on disk may have changed. */
  readonly filesChanged: () => void;
}

/** The live features, or none where the client does not allow inference (a workspace that is not trusted). */
export function connectLive(parts: LiveConnection): ConnectedLive {
  const { connection, documents, readiness, refreshes, log, remark } = parts;
  const options = fieldsOf(parts.initializationOptions);
  const cacheFolder = pathIn(options['cacheFolder']);
  const nodePath = pathIn(options['computeNode']);
  if (options['runsInference'] === false) {
    const work = workCommands({
      runsInference: false,
      pauseAnalysis: () => () => undefined,
      cacheFolder,
      nodePath,
      log,
      remark,
    });
    connection.onShutdown(() => work.dispose());
    return {
      features: [commandExecution(work.commands)],
      measurements: NO_MEASUREMENTS,
      filesChanged: () => undefined,
    };
  }
  const documentAt = (path: string): TextDocument | undefined =>
    documents.get(uriOfPath(path)) ?? documents.all().find(({ uri }) => pathOfUri(uri) === path);
  const live = startLiveAnalysis({
    ...{ log, remark, cacheFolder, nodePath },
    onModelChanged: (path) => {
      const uri = documentAt(path)?.uri;
      if (uri !== undefined) look(uri);
      parts.diagnosticsChanged();
    },
  });
  const work = workCommands({
    runsInference: true,
    pauseAnalysis: () => live.pause(),
    cacheFolder,
    nodePath,
    log,
    remark,
  });
  let settings = settingsOf(options, { codeLens: 'all', inlayHints: true });
  const withPlan = async (name: string, uri: string, work: (open: OpenPlan) => void): Promise<void> => {
    try {
      await readiness.take(name, uri, isolated(name, log, undefined, work));
    } catch (error) {
      log(`${name}: ${String(error)}`);
    }
  };
  const updates = new LiveUpdates({
    connection,
    live,
    abilities: refreshes,
    withPlan: async (name, path, work) => {
      const uri = documentAt(path)?.uri;
      if (uri !== undefined) await withPlan(name, uri, work);
    },
    diagnosticsChanged: parts.diagnosticsChanged,
  });
  const look = (uri: string): void => {
    void withPlan(`live analysis of ${uri}`, uri, (open) => {
      updates.planChanged(open);
    });
  };
  documents.onDidChangeContent(({ document: { uri } }) => {
    look(uri);
  });
  documents.onDidClose(({ document: { uri } }) => {
    const path = pathOfUri(uri);
    if (path !== undefined) updates.planClosed(path);
  });
  connection.onDidChangeConfiguration(({ settings: changed }: { settings: unknown }) => {
    settings = settingsOf(fieldsOf(fieldsOf(changed)['onnxPrecision']), settings);
    updates.refreshAll();
  });
  connection.onNotification(VISIBLE_NOTIFICATION, ({ uris }: { readonly uris?: unknown }) => {
    const shown = Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
    live.setVisible(new Set(shown.flatMap((uri) => pathOfUri(uri) ?? [])));
  });
  connection.onShutdown(async () => {
    await Promise.all([live.dispose(), work.dispose()]);
  });
  const commands = [...liveCommands(live), ...work.commands];
  const measurements: Measurements = {
    numbers: ({ path }) => (path === undefined ? NOTHING_KNOWN : live.numbers(path)),
    diagnosed: (open) => {
      updates.diagnosed(open);
    },
    actions: { ofClient: parts.hasCommands, ofServer: new Set(commands.map(({ name }) => name)) },
  };
  return {
    features: [...liveFeatures({ measurements, settings: () => settings }), commandExecution(commands)],
    measurements,
    filesChanged: () => {
      live.filesChanged();
      for (const { uri } of documents.all()) look(uri);
    },
  };
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
