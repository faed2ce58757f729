/** Inlay hints at the end of a line that names one layer: how sensitive that layer is, and its rank. */
import { type InlayHint, type Range } from 'vscode-languageserver';
import type { PlanNumbers } from '../analysis/index.js';
import { formatNumber } from '../report/index.js';
import type { OpenPlan } from './open-plan.js';

/** The hints of the lines in `range`. */
export function inlayHintsOf({ document, plan }: OpenPlan, range: Range, numbers: PlanNumbers): InlayHint[] {
  if (plan === undefined) return [];
  const { sensitivity, format } = numbers;
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  return plan.statements.flatMap(({ statement, path, decides }): InlayHint[] => {
    const [only] = decides;
    if (path !== plan.path || decides.length !== 1 || only === undefined) return [];
    if (statement.range.end < start || statement.range.start > end) return [];
    const name = plan.layers[only]?.name;
    const known = name === undefined ? undefined : sensitivity.get(name);
    if (known === undefined) return [];
    return [
      {
        position: document.positionAt(statement.range.end),
        label: `${known.method} ${formatNumber(known.value)} in ${format} · ${known.rank} of ${sensitivity.size}`,
        paddingLeft: true,
        tooltip: `Relative error of this layer alone, ${formatNumber(known.low)} to ${formatNumber(known.high)} over the samples. Turn off with the setting onnxPrecision.inlayHints.`,
      },
    ];
  });
}
