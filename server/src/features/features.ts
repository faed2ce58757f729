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
  type FullDocumentDiagnosticReport,
  HoverRequest,
  SelectionRangeRequest,
  SemanticTokensRangeRequest,
  SemanticTokensRequest,
  type ServerCapabilities,
  TextDocumentSyncKind,
} from 'vscode-languageserver';
import type { Steps } from '../onnx/index.js';
import type { ClientAbilities } from './capabilities.js';
import { CODE_ACTION_KINDS, codeActionsOf } from './code-actions.js';
import { COMPLETION_TRIGGERS, completionOf } from './completion.js';
import { definitionOf } from './definition.js';
import { diagnosticSteps } from './diagnostics.js';
import { documentLinksOf } from './document-links.js';
import { documentSymbolSteps } from './document-symbols.js';
import { type Feature, planFeature } from './feature.js';
import { readPostponedEdit, resolveRewrite } from './flips.js';
import { foldingRangeSteps } from './folding.js';
import { formattingOf } from './formatting.js';
import { hoverOf } from './hover.js';
import { listingAt, ListingRequest } from './listing.js';
import type { Measurements } from './measurements.js';
import { selectionRangesOf } from './selection-ranges.js';
import { SEMANTIC_TOKENS_LEGEND, semanticTokenSteps } from './semantic-tokens.js';

const noDiagnostics: FullDocumentDiagnosticReport = { kind: DocumentDiagnosticReportKind.Full, items: [] };

function diagnostics({ numbers, diagnosed }: Measurements): Feature {
  return planFeature({
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
    *steps(open, _, abilities): Steps<DocumentDiagnosticReport> {
      const now = numbers(open);
      const items = yield* diagnosticSteps(open, now, abilities);
      diagnosed(open, now);
      return { ...noDiagnostics, items };
    },
  });
}

function completion({ targetsWanted }: Measurements): Feature {
  return planFeature({
    name: 'completion',
    needs: 'model',
    type: CompletionRequest.type,
    nothing: null,
    isUrgent: true,
    capabilities: () => ({ completionProvider: { triggerCharacters: COMPLETION_TRIGGERS } }),
    answer: (open, { position, context }, abilities) =>
      completionOf(open, position, abilities, context?.triggerCharacter, targetsWanted),
  });
}

function hover({ numbers }: Measurements): Feature {
  return planFeature({
    name: 'hover',
    type: HoverRequest.type,
    nothing: null,
    isUrgent: true,
    capabilities: () => ({ hoverProvider: true }),
    answer: (open, { position }, abilities) => hoverOf(open, position, abilities, numbers(open)),
  });
}

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
  needs: 'text',
  type: DocumentLinkRequest.type,
  nothing: null,
  capabilities: () => ({ documentLinkProvider: {} }),
  answer: (open) => documentLinksOf(open),
});

const documentSymbols = planFeature({
  name: 'document symbols',
  needs: 'text',
  type: DocumentSymbolRequest.type,
  nothing: null,
  capabilities: () => ({ documentSymbolProvider: true }),
  steps: (open, _, abilities) => documentSymbolSteps(open, abilities),
});

const foldingRanges = planFeature({
  name: 'folding',
  needs: 'text',
  type: FoldingRangeRequest.type,
  nothing: null,
  capabilities: () => ({ foldingRangeProvider: true }),
  steps: (open, _, { mostFoldingRanges }) => foldingRangeSteps(open, mostFoldingRanges),
});

const selectionRanges = planFeature({
  name: 'selection ranges',
  needs: 'text',
  type: SelectionRangeRequest.type,
  nothing: null,
  isUrgent: true,
  capabilities: () => ({ selectionRangeProvider: true }),
  answer: (open, { positions }) => selectionRangesOf(open, positions),
});

const semanticTokens = planFeature({
  name: 'semantic tokens',
  needs: 'model',
  type: SemanticTokensRequest.type,
  nothing: null,
  capabilities: () => ({
    semanticTokensProvider: { legend: SEMANTIC_TOKENS_LEGEND, full: true, range: true },
  }),
  steps: (open) => semanticTokenSteps(open),
});

const semanticTokensInRange = planFeature({
  name: 'semantic tokens',
  needs: 'model',
  type: SemanticTokensRangeRequest.type,
  nothing: null,
  capabilities: () => ({}),
  steps: (open, { range }) => semanticTokenSteps(open, range),
});

const formatting = planFeature({
  name: 'formatting',
  needs: 'text',
  type: DocumentFormattingRequest.type,
  nothing: null,
  capabilities: () => ({ documentFormattingProvider: true }),
  answer: (open) => formattingOf(open),
});

function codeActions({ numbers, actions }: Measurements): Feature {
  return planFeature({
    name: 'code actions',
    type: CodeActionRequest.type,
    nothing: null,
    capabilities: ({ resolvesEdits }) => ({
      codeActionProvider: { codeActionKinds: CODE_ACTION_KINDS, resolveProvider: resolvesEdits },
    }),
    answer: (open, { range, context }, abilities) =>
      codeActionsOf(open, range, context, abilities, numbers(open), actions),
  });
}

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
      return answers.answer(question, uri, token, () => listingAt(uri, answers.files));
    });
  },
};

/** The features of every connection; those that show numbers ask `measurements` for them. */
export function featuresOf(measurements: Measurements): readonly Feature[] {
  return [
    diagnostics(measurements),
    completion(measurements),
    hover(measurements),
    definition,
    documentLinks,
    documentSymbols,
    foldingRanges,
    selectionRanges,
    semanticTokens,
    semanticTokensInRange,
    formatting,
    codeActions(measurements),
    codeActionEdit,
    listing,
  ];
}

/** What the server tells a client that it offers. */
export function serverCapabilities(
  abilities: ClientAbilities,
  features: readonly Feature[],
): ServerCapabilities {
  return features.reduce<ServerCapabilities>(
    (offered, feature) => ({ ...offered, ...feature.capabilities(abilities) }),
    { textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true } },
  );
}
