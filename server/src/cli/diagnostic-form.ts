/** `--format text|sarif|github` of the subcommands whose result is diagnostics: the option, and the writing. */
import type { ParsedArguments } from './arguments.js';
import { diagnosticLine, githubLines, sarifLog, type PlacedDiagnostic } from './diagnostics.js';
import { CommandFailure, EXIT } from './exit-status.js';
import type { Output } from './output.js';
import { VERSION } from '../work/index.js';

export type DiagnosticForm = 'text' | 'sarif' | 'github';

/** The form that was asked for; another one than text and `--json` exclude each other, since both are the output. */
export function diagnosticForm(parsed: ParsedArguments): DiagnosticForm {
  const form = parsed.choice('format', ['text', 'sarif', 'github']);
  if (parsed.json && form !== 'text') {
    throw new CommandFailure(EXIT.usage, 'usage', `--json and --format ${form} exclude each other`);
  }
  return form;
}

/** Text goes to standard error, and with `--json` nowhere: the document has it. The others are the result. */
export function writeDiagnostics(
  form: DiagnosticForm,
  diagnostics: readonly PlacedDiagnostic[],
  output: Output,
): void {
  const folder = process.cwd();
  switch (form) {
    case 'sarif':
      output.raw(`${JSON.stringify(sarifLog(diagnostics, folder, VERSION), null, 2)}\n`);
      break;
    case 'github':
      for (const line of githubLines(diagnostics, folder)) output.raw(`${line}\n`);
      break;
    case 'text':
      if (output.options.json) break;
      for (const one of diagnostics) output.problem(diagnosticLine(one, folder));
  }
}
