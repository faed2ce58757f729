/** Which diagnostics make a plan mean something else than its author wrote. Pure. */
import type { Severity } from './diagnostic.js';

/**
 * The errors among diagnostics, in their order. A statement with an error counts for nothing, so a plan that has one is measured as
 * far as it is understood, but never holds, and nothing is made of it.
 */
export function errorsAmong<T extends { readonly severity: Severity }>(diagnostics: readonly T[]): T[] {
  return diagnostics.filter(({ severity }) => severity === 'error');
}
