/**
 * Connects the live analysis to a server: what the client allows and wants shown, documents in, notifications out.
 * Knows no numbers.
 */
import type { Connection, TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { startLiveAnalysis } from '../analysis/index.js';
import { pathOfUri } from './document-path.js';
import type { Feature } from './feature.js';
import { liveFeatures, type LiveSettings } from './live-features.js';
import { LiveUpdates, type RefreshAbilities } from './live-updates.js';
import type { OpenPlans } from './open-plan.js';
import type { Turns } from './turns.js';

export interface LiveConnection {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly plans: OpenPlans;
  readonly turns: Turns;
  readonly refreshes: RefreshAbilities;
  /** What the client sent along: `{ runsInference, cacheFolder, codeLens, inlayHints }`. */
  readonly initializationOptions: unknown;
  readonly log: (message: string) => void;
}

export interface ConnectedLive {
  readonly features: readonly Feature[];
  /** Models, samples or fragments on disk may have changed. */
  readonly filesChanged: () => void;
}

/** The live features, or none where the client does not allow inference (a workspace that is not trusted). */
export function connectLive(parts: LiveConnection): ConnectedLive {
  const { connection, documents, plans, turns, refreshes, log } = parts;
  const options = fieldsOf(parts.initializationOptions);
  if (options['runsInference'] === false) return { features: [], filesChanged: () => undefined };
  const { cacheFolder } = options;
  const live = startLiveAnalysis({
    log,
    cacheFolder: typeof cacheFolder === 'string' ? cacheFolder : undefined,
  });
  let settings = settingsOf(options, { codeLens: 'all', inlayHints: true });
  const updates = new LiveUpdates(connection, live, refreshes);
  const look = (uri: string): void => {
    turns
      .take(`live analysis of ${uri}`, () => {
        const document = documents.get(uri);
        if (document !== undefined) updates.planChanged(plans.open(document));
      })
      .catch((error: unknown) => {
        log(`live analysis of ${uri}: ${String(error)}`);
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
  connection.onShutdown(() => live.dispose());
  return {
    features: liveFeatures({ live, settings: () => settings }),
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

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
