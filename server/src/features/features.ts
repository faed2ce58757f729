/** The table of features: each request that the server answers, with what it offers the client. */
import {
  type CodeAction,
  CodeActionRequest,
  CodeActionResolveRequest,
  CompletionRequest,
  DefinitionRequest,
  type DocumentDiagnosticReport,
  DocumentDiagnosticReportKind,
  DocumentDiagnosticRequest,
  DocumentFormattingRequest,
  DocumentLinkRequest,
  DocumentSymbolRequest,
  FoldingRangeRequest,
  HoverRequest,
  SelectionRangeRequest,
  SemanticTokensRangeRequest,
  SemanticTokensRequest,
  type ServerCapabilities,
  TextDocumentSyncKind,
} from 'vscode-languageserver';
import type { ClientAbilities } from './capabilities.js';
import { CODE_ACTION_KINDS, codeActionsOf } from './code-actions.js';
import { COMPLETION_TRIGGERS, completionOf } from './completion.js';
import { definitionOf } from './definition.js';
import { diagnosticsOf } from './diagnostics.js';
import { documentLinksOf } from './document-links.js';
import { documentSymbolsOf } from './document-symbols.js';
import { type Feature, planFeature } from './feature.js';
import { readPostponedEdit, resolveRewrite } from './flips.js';
import { foldingRangesOf } from './folding.js';
import { formattingOf } from './formatting.js';
import { hoverOf } from './hover.js';
import { listingAt, ListingRequest } from './listing.js';
import { selectionRangesOf } from './selection-ranges.js';
import { SEMANTIC_TOKENS_LEGEND, semanticTokensOf } from './semantic-tokens.js';

const noDiagnostics: DocumentDiagnosticReport = { kind: DocumentDiagnosticReportKind.Full, items: [] };

const diagnostics = planFeature({
  name: 'diagnostics',
  type: DocumentDiagnosticRequest.type,
  nothing: noDiagnostics,
  whenStale: 'ask again',
  capabilities: ({ pullsDiagnostics }): ServerCapabilities => {
    if (!pullsDiagnostics) return {};
    // A plan's diagnostics change with the fragments that it includes.
    const diagnosticProvider = {
      identifier: 'onnx-precision',
      interFileDependencies: true,
      workspaceDiagnostics: false,
    };
    return { diagnosticProvider };
  },
  answer: (open): DocumentDiagnosticReport => ({ ...noDiagnostics, items: diagnosticsOf(open) }),
});

const completion = planFeature({
  name: 'completion',
  type: CompletionRequest.type,
  nothing: null,
  isUrgent: true,
  capabilities: () => ({ completionProvider: { triggerCharacters: COMPLETION_TRIGGERS } }),
  answer: (open, { position, context }, abilities) =>
    completionOf(open, position, abilities, context?.triggerCharacter),
});

const hover = planFeature({
  name: 'hover',
  type: HoverRequest.type,
  nothing: null,
  isUrgent: true,
  capabilities: () => ({ hoverProvider: true }),
  answer: (open, { position }, abilities) => hoverOf(open, position, abilities),
});

const definition = planFeature({
  name: 'definition',
  type: DefinitionRequest.type,
  nothing: null,
  isUrgent: true,
  capabilities: () => ({ definitionProvider: true }),
  answer: (open, { position }, abilities) => definitionOf(open, position, abilities),
});

const documentLinks = planFeature({
  name: 'document links',
  type: DocumentLinkRequest.type,
  nothing: null,
  capabilities: () => ({ documentLinkProvider: {} }),
  answer: (open) => documentLinksOf(open),
});

const documentSymbols = planFeature({
  name: 'document symbols',
  type: DocumentSymbolRequest.type,
  nothing: null,
  capabilities: () => ({ documentSymbolProvider: true }),
  answer: (open, _, abilities) => documentSymbolsOf(open, abilities),
});

const foldingRanges = planFeature({
  name: 'folding',
  type: FoldingRangeRequest.type,
  nothing: null,
  capabilities: () => ({ foldingRangeProvider: true }),
  answer: (open, _, { mostFoldingRanges }) => foldingRangesOf(open, mostFoldingRanges),
});

const selectionRanges = planFeature({
  name: 'selection ranges',
  type: SelectionRangeRequest.type,
  nothing: null,
  isUrgent: true,
  capabilities: () => ({ selectionRangeProvider: true }),
  answer: (open, { positions }) => selectionRangesOf(open, positions),
});

const semanticTokens = planFeature({
  name: 'semantic tokens',
  type: SemanticTokensRequest.type,
  nothing: null,
  capabilities: () => ({
    semanticTokensProvider: { legend: SEMANTIC_TOKENS_LEGEND, full: true, range: true },
  }),
  answer: (open) => semanticTokensOf(open),
});

const semanticTokensInRange = planFeature({
  name: 'semantic tokens',
  type: SemanticTokensRangeRequest.type,
  nothing: null,
  capabilities: () => ({}),
  answer: (open, { range }) => semanticTokensOf(open, range),
});

const formatting = planFeature({
  name: 'formatting',
  type: DocumentFormattingRequest.type,
  nothing: null,
  capabilities: () => ({ documentFormattingProvider: true }),
  answer: (open) => formattingOf(open),
});

const codeActions = planFeature({
  name: 'code actions',
  type: CodeActionRequest.type,
  nothing: null,
  capabilities: ({ resolvesEdits }) => ({
    codeActionProvider: { codeActionKinds: CODE_ACTION_KINDS, resolveProvider: resolvesEdits },
  }),
  answer: (open, { range, context }, abilities) => codeActionsOf(open, range, context, abilities),
});

const codeActionEdit: Feature = {
  capabilities: () => ({}),
  register: (connection, answers) => {
    connection.onRequest(CodeActionResolveRequest.type, async (action, token): Promise<CodeAction> => {
      const postponed = readPostponedEdit(action.data);
      if (postponed === undefined) return action;
      const question = { name: 'code action', nothing: action };
      return answers.aboutPlan(question, postponed.uri, token, (open) =>
        resolveRewrite(open, action, postponed),
      );
    });
  },
};

const listing: Feature = {
  capabilities: () => ({}),
  register: (connection, answers) => {
    connection.onRequest(ListingRequest, ({ uri }, token) => {
      const question = { name: 'listing', nothing: null };
      return answers.answer(
        question,
        uri,
        token,
        () => false,
        () => listingAt(uri, answers.files),
      );
    });
  },
};

export const FEATURES: readonly Feature[] = [
  diagnostics,
  completion,
  hover,
  definition,
  documentLinks,
  documentSymbols,
  foldingRanges,
  selectionRanges,
  semanticTokens,
  semanticTokensInRange,
  formatting,
  codeActions,
  codeActionEdit,
  listing,
];

/** What the server tells a client that it offers. */
export function serverCapabilities(
  abilities: ClientAbilities,
  features: readonly Feature[] = FEATURES,
): ServerCapabilities {
  return features.reduce<ServerCapabilities>(
    (offered, feature) => ({ ...offered, ...feature.capabilities(abilities) }),
    { textDocumentSync: TextDocumentSyncKind.Incremental },
  );
}
