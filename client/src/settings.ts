/**
 * The user's settings: the one place that reads them, so that what is read and what the manifest declares can be held
 * against each other.
 */
import { workspace } from 'vscode';

/** What the server may do and shall show; sent when it starts and when something changes. */
export interface InitializationOptions {
  /** False in a workspace that is not trusted: a model is code that somebody else wrote. */
  readonly runsInference: boolean;
  readonly codeLens: string;
  readonly inlayHints: boolean;
  /** Path of the Node executable that runs inference; the one that runs the server if left out. */
  readonly computeNode?: string;
}

export const SECTION = 'onnxPrecision';

/** Settings that a server which is running cannot take in. */
export const NEEDS_RESTART = [`${SECTION}.computeNode`];

export function initializationOptions(): InitializationOptions {
  const settings = workspace.getConfiguration(SECTION);
  const computeNode = settings.get('computeNode', '').trim();
  return {
    runsInference: workspace.isTrusted,
    codeLens: settings.get('codeLens', 'all'),
    inlayHints: settings.get('inlayHints', true),
    ...(computeNode === '' ? {} : { computeNode }),
  };
}
