/** A plan's diagnostics in the protocol's form. */
import {
  type Diagnostic,
  type DiagnosticRelatedInformation,
  DiagnosticSeverity,
  DiagnosticTag,
  type Location,
} from 'vscode-languageserver';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { quote, type Severity } from '../language/index.js';
import { finish, isStep, type Steps } from '../onnx/index.js';
import type { ClientAbilities } from './capabilities.js';
import { checkPlanSteps, type PlacedDiagnostic } from './check.js';
import { nodeInListing } from './definition.js';
import type { OpenPlan } from './open-plan.js';
import { protocolRange } from './positions.js';

/** What of a client decides how a diagnostic is written. */
export type DiagnosticAbilities = Pick<ClientAbilities, 'showsRelatedPlaces' | 'showsListings'>;

/** A client that shows a diagnostic and nothing beside it. */
export const PLAIN: DiagnosticAbilities = { showsRelatedPlaces: false, showsListings: false };

/** Places of layers with a diagnostic: as many as one can look at. */
const MOST_PLACES = 5;

/** An editor slows down under more, and nobody reads them. */
const mostShown = 1000;

const severities: Record<Severity, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

/** The gravest first. */
const byGravity: readonly Severity[] = ['error', 'warning', 'information', 'hint'];

/**
 * All diagnostics of an open plan, what analysis found included; of very many the gravest, and a last one that says how
 * many are left out.
 */
export function diagnosticsOf(
  open: OpenPlan,
  numbers: PlanNumbers = NOTHING_KNOWN,
  abilities: DiagnosticAbilities = PLAIN,
): Diagnostic[] {
  return finish(diagnosticSteps(open, numbers, abilities));
}

/** The same a little at a time. */
export function* diagnosticSteps(
  open: OpenPlan,
  numbers: PlanNumbers,
  abilities: DiagnosticAbilities,
): Steps<Diagnostic[]> {
  const { document } = open;
  const placed = yield* checkPlanSteps(open, numbers);
  yield;
  const left = Math.max(0, placed.length - mostShown);
  const chosen = left === 0 ? placed : gravest(placed);
  const shown: Diagnostic[] = [];
  for (const [index, one] of chosen.entries()) {
    if (isStep(index)) yield;
    shown.push(protocolDiagnostic(open, one, abilities));
  }
  if (left > 0) {
    shown.push({
      range: protocolRange(document, { start: 0, end: 0 }),
      severity: DiagnosticSeverity.Information,
      source: 'onnx-precision',
      code: 'more-diagnostics',
      message: `${left} more diagnostics are not shown here; \`onnx-precision check\` prints all of them.`,
    });
  }
  return shown;
}

/** As many as are shown, those of one severity in their order. */
function gravest(placed: readonly PlacedDiagnostic[]): readonly PlacedDiagnostic[] {
  const found: PlacedDiagnostic[] = [];
  for (const severity of byGravity) {
    for (const one of placed) {
      if (one.diagnostic.severity !== severity) continue;
      if (found.push(one) === mostShown) return found;
    }
  }
  return found;
}

/** One diagnostic as the plan shows it. */
export function protocolDiagnostic(
  open: OpenPlan,
  placed: PlacedDiagnostic,
  abilities: DiagnosticAbilities,
): Diagnostic {
  const { document } = open;
  const { diagnostic, shownAt } = placed;
  const shown: Diagnostic = {
    range: protocolRange(document, shownAt),
    severity: severities[diagnostic.severity],
    source: 'onnx-precision',
    code: diagnostic.code,
    message: diagnostic.message,
  };
  if (diagnostic.unnecessary === true) shown.tags = [DiagnosticTag.Unnecessary];
  const statement = { uri: placed.document.uri, range: protocolRange(placed.document, diagnostic.range) };
  const related = abilities.showsRelatedPlaces ? layerPlaces(open, placed, statement, abilities) : [];
  if (placed.document !== document) {
    related.unshift({ location: statement, message: 'in this included file' });
  }
  if (related.length > 0) shown.relatedInformation = related;
  return shown;
}

/** The layers that matter most, each at its node in the model's listing, or on the statement that decides it where nobody shows that. */
function layerPlaces(
  { plan }: OpenPlan,
  { layers }: PlacedDiagnostic,
  statement: Location,
  { showsListings }: DiagnosticAbilities,
): DiagnosticRelatedInformation[] {
  if (plan === undefined) return [];
  return layers.slice(0, MOST_PLACES).map((name) => {
    const target = showsListings ? nodeInListing(plan, name) : undefined;
    const start = { line: target?.line ?? 0, character: 0 };
    const location = target === undefined ? statement : { uri: target.uri, range: { start, end: start } };
    return { location, message: quote(name) };
  });
}
