/**
 * A command that the server carries out for any editor (`workspace/executeCommand`), and the one table that all of them
 * are looked up in: the protocol has a single request for every command. Knows no command.
 */
import {
  type CancellationToken,
  type Connection,
  type ExecuteCommandParams,
  ExecuteCommandRequest,
} from 'vscode-languageserver';
import type { Answers } from '../answers.js';
import type { Feature } from '../feature.js';

export interface CommandCall {
  /** The first argument of every command of ours. */
  readonly uri: string;
  /** The arguments behind it, unchecked: they come from whatever editor. */
  readonly words: readonly unknown[];
  /** For the request itself; progress that the server shows has a token of its own. */
  readonly token: CancellationToken;
  readonly connection: Connection;
  readonly answers: Answers;
}

export interface ServerCommand {
  /** `onnxPrecision.server.…`, as editors name it. */
  readonly name: string;
  /** What it gives is sent to the editor as the answer. */
  run(call: CommandCall): Promise<unknown>;
}

/** The feature that carries out these commands; what is none of them is answered with null. */
export function commandExecution(commands: readonly ServerCommand[]): Feature {
  const table = new Map(commands.map((command) => [command.name, command]));
  return {
    capabilities: () => ({ executeCommandProvider: { commands: [...table.keys()] } }),
    register: (connection, answers) => {
      connection.onRequest(
        ExecuteCommandRequest.method,
        async (
          { command, arguments: [uri, ...words] = [] }: ExecuteCommandParams,
          token: CancellationToken,
        ): Promise<unknown> => {
          const found = table.get(command);
          if (found === undefined || typeof uri !== 'string') return null;
          return found.run({ uri, words, token, connection, answers });
        },
      );
    },
  };
}
