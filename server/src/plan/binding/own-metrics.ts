/**
 * `metric NAME from "FILE.mjs"`: finds the files and tells one text from another. Runs nothing. A module is one file: a loaded module
 * keeps the files that it imports, so that a change of one would go unnoticed, and the verdict of before would count.
 */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { quote, type Diagnostic } from '../../language/index.js';
import type { OwnMetric } from '../../metrics/index.js';
import { diagnosticIn, type Placed } from '../text/documents.js';
import type { OwnMetricStatement, PlanFiles } from '../types.js';

export interface BoundOwnMetrics {
  /** By name; of several the last counts. */
  readonly metrics: ReadonlyMap<string, OwnMetricStatement>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Metrics whose file is not there or not alone are left out, and so are the tolerances that use them. */
export function bindOwnMetrics(placed: readonly Placed[], readText: PlanFiles['readText']): BoundOwnMetrics {
  const metrics = new Map<string, OwnMetricStatement>();
  const diagnostics: Diagnostic[] = [];
  for (const { statement, file } of placed) {
    if (statement.kind !== 'metric' || statement.name === undefined || statement.file === undefined) continue;
    const { value: written, range } = statement.file;
    const path = resolve(dirname(file.path), written);
    const text = readText(path);
    if (text === undefined) {
      const message = `There is no file ${quote(written)} to read (looked for ${path}): a module that exports a function \`measure\`.`;
      diagnostics.push(diagnosticIn(file, 'metric-missing', 'error', range, message));
      continue;
    }
    const imported = importedFile(text);
    if (imported !== undefined) {
      const message = `The module imports ${quote(imported)}, whose changes would go unnoticed: put all that it needs into the one file.`;
      diagnostics.push(diagnosticIn(file, 'metric-imports', 'error', range, message));
      continue;
    }
    const name = statement.name.text;
    const own: OwnMetric = { name, path, hash: createHash('sha256').update(text).digest('hex') };
    metrics.set(name, { own, source: { path: file.path, range } });
  }
  return { metrics, diagnostics };
}

/** `import`, `export ... from` and `import(...)` of a file rather than a package; nothing else of a module is understood. */
const IMPORT =
  /(?:(?:^|;)\s*(?:import|(?:import|export)\b[\w$\s{},*]*?\bfrom)|\bimport\s*\()\s*(["'`])((?:\.|\/|file:)[^"'`\n]*)\1/mu;

function importedFile(module: string): string | undefined {
  return IMPORT.exec(module)?.[2];
}
