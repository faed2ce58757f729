/** The diagnostics of a plan file as a whole: what `parse` found, and what a plan, unlike a fragment, must have. */
import type { Diagnostic } from './diagnostic.js';
import type { SyntaxTree } from './tree.js';

/**
 * `tree.diagnostics`, and `model-statement-missing` if no `model` statement stands in the file. For a file that is
 * opened as a plan; an included fragment has no model and uses `tree.diagnostics` alone.
 */
export function fileDiagnostics(tree: SyntaxTree): readonly Diagnostic[] {
  if (tree.statements.some((statement) => statement.kind === 'model')) return tree.diagnostics;
  const range = tree.statements[0]?.keyword.range ?? { start: 0, end: 0 };
  const missing: Diagnostic = {
    code: 'model-statement-missing',
    severity: 'error',
    range,
    message:
      'No `model "PATH"` statement says which model this plan is for. Only a fragment that plans include can do without.',
  };
  return [missing, ...tree.diagnostics];
}
