/** What a subcommand is: its command line and what it does. One file per subcommand, the table is in `run.ts`. */
import type { Runtime } from '../analysis/index.js';
import type { ParsedArguments, SubcommandSpecification } from './arguments.js';
import type { ExitStatus } from './exit-status.js';
import type { Output } from './output.js';

export interface SubcommandContext {
  readonly parsed: ParsedArguments;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Gives a compute process, which the subcommand ends when its work is done. */
  readonly startRuntime: () => Runtime;
}

export interface Subcommand {
  readonly specification: SubcommandSpecification;
  run(context: SubcommandContext): Promise<ExitStatus>;
}
