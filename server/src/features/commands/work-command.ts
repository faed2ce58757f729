/**
 * A command that takes its time: with progress, a way to stop it, and an outcome that reaches the user whatever editor it is.
 * Knows no command.
 */
import type { CommandCall, ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { type CommandOutcome, showOutcome } from './outcome.js';
import { type ProgressWork, withProgress } from './with-progress.js';

export interface WorkCommand<Result> {
  /** `tune`, of `onnxPrecision.server.tune`. */
  readonly name: string;
  /** What the progress is of: `Tuning`. */
  readonly title: string;
  readonly run: (call: CommandCall, work: ProgressWork) => Promise<CommandOutcome<Result>>;
}

export const PREFIX = 'onnxPrecision.server.';

export function workCommand<Result>(
  { name, title, run }: WorkCommand<Result>,
  { parts: { log } }: CommandContext,
): ServerCommand {
  return {
    name: `${PREFIX}${name}`,
    run: async (call) => {
      const { connection, token, answers } = call;
      let outcome: CommandOutcome<Result>;
      try {
        outcome = await withProgress(connection, `ONNX Precision: ${title}`, token, (work) =>
          run(call, work),
        );
      } catch (error) {
        // A fault of ours: the user hears that there is no result, the log has the place.
        log(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        const message = `${title} failed unexpectedly; the log of the language server says where`;
        outcome = { status: 'refused', severity: 'error', code: 'internal-error', message };
      }
      // Who cancels knows it.
      const shows = !answers.abilities.hasCommands && outcome.status !== 'cancelled';
      if (shows) await showOutcome(connection, outcome);
      return outcome;
    },
  };
}
