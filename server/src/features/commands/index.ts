/** Commands that the server carries out: one file for each, and the table that editors reach them by. */
import { benchmarkCommand } from './benchmark.js';
import type { ServerCommand } from './command.js';
import { CommandContext, type CommandParts } from './context.js';
import { convertCommand } from './convert.js';
import { newPlanCommand } from './new-plan.js';
import { tuneCommand } from './tune.js';
import { tuneSessionCommand } from './tune-session.js';
import { verifyCommand } from './verify.js';

export { commandExecution, type CommandCall, type ServerCommand } from './command.js';
export type { CommandParts } from './context.js';

/** The commands that work on a model for as long as it takes; `dispose` ends them with their processes. */
export function workCommands(parts: CommandParts): {
  readonly commands: readonly ServerCommand[];
  readonly dispose: () => Promise<void>;
} {
  const context = new CommandContext(parts);
  return {
    commands: [
      tuneCommand(context),
      convertCommand(context),
      verifyCommand(context),
      benchmarkCommand(context),
      tuneSessionCommand(context),
      newPlanCommand(context),
    ],
    dispose: () => context.dispose(),
  };
}
