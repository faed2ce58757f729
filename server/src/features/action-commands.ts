/**
 * The commands that work on a whole plan, as lenses and fixes offer them: the client's own where it has them, since those ask the user
 * what they need to know; otherwise the server's. Neither is offered where nobody carries it out.
 */
import type { Command } from 'vscode-languageserver';

/** Who carries out what. */
export interface ActionCommands {
  /** The client has a command `onnxPrecision.NAME` for each action: `experimental: { onnxPrecisionCommands: true }`. */
  readonly ofClient: boolean;
  /** Names of the commands that the server carries out. */
  readonly ofServer: ReadonlySet<string>;
  /** Nothing that runs a model is carried out: the workspace is not trusted. */
  readonly withoutInference?: boolean;
}

export const NO_ACTIONS: ActionCommands = { ofClient: false, ofServer: new Set() };

const ACTIONS = { tune: 'Tune', convert: 'Convert', verify: 'Verify', benchmark: 'Benchmark' } as const;

export type Action = keyof typeof ACTIONS;

/** What is done without running a model. */
const QUIET: ReadonlySet<Action> = new Set(['convert']);

/** All actions on a plan that somebody carries out. */
export function actionCommands(uri: string, actions: ActionCommands): readonly Command[] {
  const names: readonly Action[] = ['tune', 'convert', 'verify', 'benchmark'];
  return names.flatMap((name) => actionCommand(name, uri, actions) ?? []);
}

/** One action on a plan; undefined where nobody carries it out. */
export function actionCommand(
  action: Action,
  uri: string,
  { ofClient, ofServer, withoutInference }: ActionCommands,
): Command | undefined {
  if (withoutInference === true && !QUIET.has(action)) return undefined;
  const command = ofClient ? `onnxPrecision.${action}` : `onnxPrecision.server.${action}`;
  return ofClient || ofServer.has(command)
    ? { title: ACTIONS[action], command, arguments: [uri] }
    : undefined;
}
