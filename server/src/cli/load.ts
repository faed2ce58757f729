/** From the path of a plan to a bound plan: what every subcommand that takes a plan does first. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, type Diagnostic, type SyntaxTree } from '../language/index.js';
import { bindPlan, type TracedPlan, type UnboundPlan } from '../plan/index.js';
import { diagnosticLine, placeDiagnostics } from './diagnostics.js';
import { CommandFailure, EXIT } from './exit-status.js';
import type { Output } from './output.js';
import { diskFiles } from './plan-files.js';

export interface LoadedPlan {
  readonly path: string;
  readonly text: string;
  readonly tree: SyntaxTree;
  readonly plan: TracedPlan | UnboundPlan;
}

/** Reads, parses and binds a plan; throws a `CommandFailure` only where the file itself cannot be read. */
export function loadPlan(path: string): LoadedPlan {
  const absolute = resolve(path);
  const text = readPlanText(absolute);
  const tree = parse(text);
  return { path: absolute, text, tree, plan: bindPlan({ path: absolute, tree, files: diskFiles() }) };
}

/** The text of a plan, or a `CommandFailure` that says why there is none. */
export function readPlanText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'this is a folder, not a plan' : String(error);
    throw new CommandFailure(EXIT.usage, 'plan-unreadable', why, path);
  }
}

/**
 * The bound plan for subcommands that need a model. Diagnostics of `least` severity and worse are printed;
 * a plan without a readable model ends the command.
 */
export function needModel(loaded: LoadedPlan, output: Output): TracedPlan {
  const { plan } = loaded;
  reportDiagnostics(loaded, plan.diagnostics, output);
  if (plan.model !== undefined) return plan;
  throw new CommandFailure(EXIT.usage, 'model-unreadable', 'the plan has no model to work on', loaded.path);
}

/** Prints errors and warnings; remarks of lower severity belong to `check`. */
export function reportDiagnostics(
  loaded: LoadedPlan,
  diagnostics: readonly Diagnostic[],
  output: Output,
): void {
  const serious = diagnostics.filter((one) => one.severity === 'error' || one.severity === 'warning');
  for (const placed of placeDiagnostics(loaded.path, loaded.text, serious)) {
    output.problem(diagnosticLine(placed, process.cwd()));
  }
}
