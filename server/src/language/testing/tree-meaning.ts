/** For tests: what a tree says, without where it says it. */
import type { SyntaxTree } from '../tree.js';

/** The statements without any range: equal for two texts that say the same. */
export function meaningOf(tree: SyntaxTree): unknown {
  return JSON.parse(
    JSON.stringify(tree.statements, (key, value: unknown) => {
      if (key === 'range') return undefined;
      // JSON has no infinity and no NaN: both must stay apart from a missing number.
      return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    }),
  ) as unknown;
}
