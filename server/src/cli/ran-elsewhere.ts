/** How the command says that a target left work to another provider. Knows what was found; not how. */
import type { Output } from './output.js';

/** Said even when quiet: what falls back in silence is taken for what the target does. */
export function warnElsewhere(sentences: readonly string[], output: Output): void {
  for (const sentence of new Set(sentences)) output.problem(`warning ran-elsewhere: ${sentence}`);
}
