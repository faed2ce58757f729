/** The `labels` statement: where the truth of each sample lies. Looks at no file. */
import type { Placed } from '../text/documents.js';
import type { PlanLabels } from '../types.js';

/** Of several statements the last counts; undefined where none says anything. */
export function bindLabels(statements: readonly Placed[]): PlanLabels | undefined {
  let labels: PlanLabels | undefined;
  for (const { statement, file } of statements) {
    if (statement.kind !== 'labels' || statement.files === undefined) continue;
    labels = { glob: statement.files.value, source: { path: file.path, range: statement.files.range } };
  }
  return labels;
}
