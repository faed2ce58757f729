/**
 * What a command that works on a model answers, the same for every editor: what came of it as a sentence, as data, and as a
 * page. Knows no command.
 */
import { type Connection, MessageType } from 'vscode-languageserver';
import { errorsAmong, type Diagnostic } from '../../language/index.js';
import type { WorkProblem } from '../../work/index.js';

/**
 * The answer to `workspace/executeCommand`. An editor that announces `experimental: { onnxPrecisionCommands: true }` shows it
 * itself; any other is sent the message by `window/showMessage`.
 */
export interface CommandOutcome<Result = unknown> {
  /** `refused`: nothing was done, or not all of it, and the message says why and what to do. */
  readonly status: 'done' | 'refused' | 'cancelled';
  readonly severity: 'information' | 'warning' | 'error';
  /** For people: one or two sentences without the name of the product. */
  readonly message: string;
  /** Of what stood in the way, such as `plan-has-errors`. */
  readonly code?: string;
  /** A whole page without scripts and requests. */
  readonly report?: { readonly title: string; readonly page: string };
  /** URI of the file that was written. */
  readonly written?: string;
  /** For what was timed: the path of the plan, and a sentence where the low format gains no speed on this machine. */
  readonly speed?: { readonly path: string; readonly noGain?: string };
  /** What was found; what it holds stands with each command. */
  readonly result?: Result;
}

export function refusal(code: string, message: string): CommandOutcome<never> {
  return { status: 'refused', severity: 'warning', code, message };
}

export const CANCELLED: CommandOutcome<never> = {
  status: 'cancelled',
  severity: 'information',
  code: 'cancelled',
  message: 'cancelled',
};

/** A problem of the work, with each of its diagnostics as far as a message can hold them. */
export function outcomeOf({ kind, code, message, path, diagnostics }: WorkProblem): CommandOutcome<never> {
  if (kind === 'cancelled')
    return { status: 'cancelled', severity: 'information', code, message: 'cancelled' };
  const about = path === undefined ? '' : ` (${path})`;
  const said = diagnostics.length > 1 ? listOf(diagnostics) : message;
  return {
    status: 'refused',
    severity: kind === 'runtime' ? 'error' : 'warning',
    code,
    message: `${said} [${code}]${about}`,
  };
}

const MOST_LISTED = 3;

/** The messages of errors, as many as can be read in a message box. */
export function listOf(diagnostics: readonly Diagnostic[]): string {
  const errors = errorsAmong(diagnostics).map(({ message }) => message);
  const more = errors.length - MOST_LISTED;
  return errors.slice(0, MOST_LISTED).join('; ') + (more > 0 ? `; and ${more} more` : '');
}

const TYPES = {
  information: MessageType.Info,
  warning: MessageType.Warning,
  error: MessageType.Error,
} as const;

/** Shows the message of an outcome in an editor that does not do so itself. */
export function showOutcome(connection: Connection, { severity, message }: CommandOutcome): Promise<void> {
  return connection.sendNotification('window/showMessage', {
    type: TYPES[severity],
    message: `ONNX Precision: ${message}`,
  });
}
