/** A plan's diagnostics in the protocol's form. */
import { type Diagnostic, DiagnosticSeverity, DiagnosticTag, type Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import type { Severity, TextRange } from '../language/index.js';
import { checkPlan, type PlacedDiagnostic } from './check.js';
import type { OpenPlan } from './open-plan.js';

/** An editor slows down under more, and nobody reads them. */
const mostShown = 1000;

const severities: Record<Severity, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

/**
 * All diagnostics of an open plan, what analysis found included; of very many the gravest, and a last one that says how
 * many are left out.
 */
export function diagnosticsOf(open: OpenPlan, numbers: PlanNumbers = NOTHING_KNOWN): Diagnostic[] {
  const { document } = open;
  const placed = checkPlan(open, numbers);
  const left = Math.max(0, placed.length - mostShown);
  const chosen = left === 0 ? placed : placed.toSorted(byGravity).slice(0, mostShown);
  const shown = chosen.map((one) => protocolDiagnostic(document, one));
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

function byGravity(one: PlacedDiagnostic, other: PlacedDiagnostic): number {
  return severities[one.diagnostic.severity] - severities[other.diagnostic.severity];
}

/** One diagnostic as `document`, the plan, shows it. */
export function protocolDiagnostic(document: TextDocument, placed: PlacedDiagnostic): Diagnostic {
  const { diagnostic, shownAt } = placed;
  const shown: Diagnostic = {
    range: protocolRange(document, shownAt),
    severity: severities[diagnostic.severity],
    source: 'onnx-precision',
    code: diagnostic.code,
    message: diagnostic.message,
  };
  if (diagnostic.unnecessary === true) shown.tags = [DiagnosticTag.Unnecessary];
  if (placed.document !== document) {
    const location = { uri: placed.document.uri, range: protocolRange(placed.document, diagnostic.range) };
    shown.relatedInformation = [{ location, message: 'in this included file' }];
  }
  return shown;
}

export function protocolRange(document: TextDocument, { start, end }: TextRange): Range {
  return { start: document.positionAt(start), end: document.positionAt(end) };
}
