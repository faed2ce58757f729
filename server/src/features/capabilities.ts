/** What a client can take. What it is offered stands with each feature. */
import { type ClientCapabilities, MarkupKind } from 'vscode-languageserver';

/** What is done differently for different clients. */
export interface ClientAbilities {
  /** Asks for diagnostics; such a client is never sent any unasked, since many show both. */
  readonly pullsDiagnostics: boolean;
  /** Asks again when it is told that answers may have changed. */
  readonly refreshesDiagnostics: boolean;
  /** Shows with a diagnostic the other places that it is about. */
  readonly showsRelatedPlaces: boolean;
  /** Asks again for lenses and hints when it is told that they may have changed. */
  readonly refreshes: { readonly codeLens: boolean; readonly inlayHints: boolean };
  /** Tells of files that change on disk once it is asked to. */
  readonly watchesFiles: boolean;
  /** Completions may have places to fill in. */
  readonly takesSnippets: boolean;
  /** Shows Markdown in hovers; others are given plain text. */
  readonly showsMarkdown: boolean;
  /** Takes definitions with the text that leads to them. */
  readonly takesLocationLinks: boolean;
  /** Shows symbols as a tree; others are given a list. */
  readonly showsSymbolTree: boolean;
  /** Asks for the edit of a code action once it is chosen, so that a large edit is not made for nothing. */
  readonly resolvesEdits: boolean;
  /** How many places to fold it takes; undefined where it does not say. */
  readonly mostFoldingRanges: number | undefined;
  /** Opens the listing of a model (see listing.ts): `experimental: { onnxPrecisionListing: true }`. */
  readonly showsListings: boolean;
  /** Has commands for what is done with a plan (see action-commands.ts): `experimental: { onnxPrecisionCommands: true }`. */
  readonly hasCommands: boolean;
}

export function abilitiesOf({ textDocument, workspace, experimental }: ClientCapabilities): ClientAbilities {
  return {
    pullsDiagnostics: textDocument?.diagnostic !== undefined,
    refreshesDiagnostics: workspace?.diagnostics?.refreshSupport === true,
    showsRelatedPlaces:
      takesRelated(textDocument?.publishDiagnostics) || takesRelated(textDocument?.diagnostic),
    refreshes: {
      codeLens: workspace?.codeLens?.refreshSupport === true,
      inlayHints: workspace?.inlayHint?.refreshSupport === true,
    },
    watchesFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration === true,
    takesSnippets: textDocument?.completion?.completionItem?.snippetSupport === true,
    showsMarkdown: textDocument?.hover?.contentFormat?.includes(MarkupKind.Markdown) === true,
    takesLocationLinks: textDocument?.definition?.linkSupport === true,
    showsSymbolTree: textDocument?.documentSymbol?.hierarchicalDocumentSymbolSupport === true,
    resolvesEdits: textDocument?.codeAction?.resolveSupport?.properties.includes('edit') === true,
    mostFoldingRanges: textDocument?.foldingRange?.rangeLimit,
    showsListings: hasFlag(experimental, 'onnxPrecisionListing'),
    hasCommands: hasFlag(experimental, 'onnxPrecisionCommands'),
  };
}

/** The newer protocol has it for diagnostics that are asked for, too. */
function takesRelated(capabilities: { readonly relatedInformation?: boolean } | undefined): boolean {
  return capabilities?.relatedInformation === true;
}

function hasFlag(value: unknown, name: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some((entry) => {
      return entry[0] === name && entry[1] === true;
    })
  );
}
