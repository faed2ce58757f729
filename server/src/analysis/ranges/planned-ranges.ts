/**
 * Results of integer formats whose ranges are chosen as a plan asks for it, and not as usual: what is found under them is kept
 * apart. Knows nothing of how ranges are chosen.
 */
import { rangesText, type IntegerRanges } from '../../plan/index.js';
import type { Evaluation } from '../sessions/evaluation.js';
import type { Results } from '../remembered.js';

/** The same results where `ranges` is undefined. */
export function withRanges(results: Results, ranges: IntegerRanges | undefined): Results {
  if (ranges === undefined) return results;
  const key = { ranges: rangesText(ranges) };
  let from: Evaluation | undefined;
  let own: Evaluation | undefined;
  return {
    ...results,
    ranges,
    find: (kind, recipe) => results.find(kind, { ...recipe, ...key }),
    keep: (kind, recipe, value) => results.keep(kind, { ...recipe, ...key }, value),
    evaluation: async () => {
      const evaluation = await results.evaluation();
      // It is another one after a compute process was lost, and the same one otherwise: calibrations are remembered for it.
      if (own === undefined || from !== evaluation) {
        from = evaluation;
        own = { ...evaluation, ranges };
      }
      return own;
    },
  };
}
