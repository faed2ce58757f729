/** From the path of a plan to a bound plan: what every subcommand that takes a plan does first. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, type Diagnostic, type SyntaxTree } from '../language/index.js';
import { bindPlan, type FindTarget, type TracedPlan, type UnboundPlan } from '../plan/index.js';
import { diagnosticLine, placeDiagnostics, type PlacedDiagnostic } from './diagnostics.js';
import { CommandFailure, EXIT, failureOf } from './exit-status.js';
import type { Output } from './output.js';
import { diskFiles } from './plan-files.js';

export interface LoadedPlan {
  readonly path: string;
  readonly text: string;
  readonly tree: SyntaxTree;
  readonly plan: TracedPlan | UnboundPlan;
}

/**
 * Reads, parses and binds a plan; throws a `CommandFailure` only where the file itself cannot be read.
 *
 * @param findTarget knows the targets of this machine, where they were looked at
 */
export function loadPlan(path: string, findTarget?: FindTarget): LoadedPlan {
  const absolute = resolve(path);
  const text = readPlanText(absolute);
  const tree = parse(text);
  const files = { ...diskFiles(), ...(findTarget === undefined ? {} : { findTarget }) };
  return { path: absolute, text, tree, plan: bindPlan({ path: absolute, tree, files }) };
}

/** The text of a plan, or a `CommandFailure` that says why there is none. */
export function readPlanText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'this is a folder, not a plan' : String(error);
    throw new CommandFailure(EXIT.usage, 'plan-unreadable', why, path);
  }
  // Text that is decoded with replacements would be written back with them.
  const wrong = firstWrongByte(bytes);
  if (wrong === undefined) return bytes.toString('utf8');
  const message = `this is no UTF-8 text: what begins at byte ${wrong} is no character`;
  throw new CommandFailure(EXIT.usage, 'plan-unreadable', message, path);
}

/** Where the first malformed UTF-8 sequence begins; undefined where there is none. */
function firstWrongByte(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  // The longest whole prefix, by halving: a prefix is whole but for the at most three bytes that a cut can split.
  let whole = 0;
  let broken = bytes.length;
  while (broken - whole > 1) {
    const middle = (whole + broken) >> 1;
    const decodes = [0, 1, 2, 3].some((cut) => middle > cut && isUtf8(bytes.subarray(0, middle - cut)));
    if (decodes) whole = middle;
    else broken = middle;
  }
  return (
    [...Array(4).keys()]
      .map((cut) => whole - cut)
      .find((end) => end >= 0 && isUtf8(bytes.subarray(0, end))) ?? 0
  );
}

/**
 * The bound plan for subcommands that need a model. Its errors and warnings are printed; a plan without a readable
 * model ends the command with them.
 */
export function needModel(loaded: LoadedPlan, output: Output): TracedPlan {
  const { plan } = loaded;
  if (plan.model !== undefined) {
    reportDiagnostics(loaded, plan.diagnostics, output);
    return plan;
  }
  const failure = failureOf(EXIT.usage, placeSerious(loaded, plan.diagnostics));
  throw failure ?? new CommandFailure(EXIT.usage, 'model-unreadable', 'the plan has no model', loaded.path);
}

/** Prints errors and warnings; remarks of lower severity belong to `check`. */
export function reportDiagnostics(
  loaded: LoadedPlan,
  diagnostics: readonly Diagnostic[],
  output: Output,
): void {
  for (const placed of placeSerious(loaded, diagnostics)) {
    output.problem(diagnosticLine(placed, process.cwd()));
  }
}

/** Errors and warnings with their lines. */
function placeSerious(loaded: LoadedPlan, diagnostics: readonly Diagnostic[]): PlacedDiagnostic[] {
  const serious = diagnostics.filter((one) => one.severity === 'error' || one.severity === 'warning');
  return placeDiagnostics(loaded.path, loaded.text, serious);
}
