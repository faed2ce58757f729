/**
 * The features whose answers change while a plan is analysed: code lenses, inlay hints, and the commands behind them.
 * Tells the client to ask again when numbers have changed, at most every tenth of a second.
 */
import {
  type CancellationToken,
  type CodeLens,
  CodeLensRequest,
  CodeLensResolveRequest,
  type Connection,
  ExecuteCommandRequest,
  InlayHintRequest,
} from 'vscode-languageserver';
import { type LiveAnalysis, NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { flipStatement } from '../plan/index.js';
import { codeLensesOf, COMMANDS, readLensData, resolvedLens } from './code-lens.js';
import { protocolRange } from './diagnostics.js';
import { type Feature, planFeature } from './feature.js';
import { inlayHintsOf } from './inlay-hints.js';
import type { OpenPlan } from './open-plan.js';

/** What the user's settings say of these features; read anew for every answer. */
export interface LiveSettings {
  readonly codeLens: 'all' | 'header' | 'off';
  readonly inlayHints: boolean;
}

export interface LiveParts {
  readonly live: LiveAnalysis;
  readonly settings: () => LiveSettings;
}

export function liveFeatures({ live, settings }: LiveParts): readonly Feature[] {
  const numbersOf = ({ path }: OpenPlan): PlanNumbers =>
    path === undefined ? NOTHING_KNOWN : live.numbers(path);
  return [
    planFeature({
      name: 'code lenses',
      type: CodeLensRequest.type,
      nothing: null,
      capabilities: () => ({ codeLensProvider: { resolveProvider: true } }),
      answer: (open): CodeLens[] | null => codeLensesOf(open, settings().codeLens),
    }),
    lensResolving(numbersOf),
    planFeature({
      name: 'inlay hints',
      type: InlayHintRequest.type,
      nothing: null,
      capabilities: () => ({ inlayHintProvider: true }),
      answer: (open, { range }) =>
        settings().inlayHints ? inlayHintsOf(open, range, numbersOf(open)) : null,
    }),
    commandExecution(live),
  ];
}

function lensResolving(numbersOf: (open: OpenPlan) => PlanNumbers): Feature {
  return {
    capabilities: () => ({}),
    register: (connection, answers) => {
      connection.onRequest(CodeLensResolveRequest.method, (lens: CodeLens, token: CancellationToken) => {
        const data = readLensData(lens.data);
        if (data === undefined) return lens;
        const question = { name: 'code lens', nothing: lens };
        return answers.aboutPlan(question, data.uri, token, (open) =>
          resolvedLens(lens, data, open, numbersOf(open)),
        );
      });
    },
  };
}

function commandExecution(live: LiveAnalysis): Feature {
  return {
    capabilities: () => ({ executeCommandProvider: { commands: Object.values(COMMANDS) } }),
    register: (connection, answers) => {
      connection.onRequest(
        ExecuteCommandRequest.method,
        (
          { command, arguments: words = [] }: { command: string; arguments?: unknown[] },
          token: CancellationToken,
        ) => {
          const [uri, offset, format] = words;
          if (typeof uri !== 'string') return null;
          return answers.aboutPlan({ name: command, nothing: null }, uri, token, (open) => {
            if (open.path === undefined) return null;
            if (command === COMMANDS.analyze) live.restart(open.path);
            if (command === COMMANDS.stop) live.cancel(open.path);
            if (
              command === COMMANDS.flip &&
              typeof offset === 'number' &&
              (format === 'fp16' || format === 'fp32')
            ) {
              flip(connection, open, offset, format);
            }
            return null;
          });
        },
      );
    },
  };
}

function flip(
  connection: Connection,
  { plan, path, document }: OpenPlan,
  offset: number,
  format: 'fp16' | 'fp32',
): void {
  const bound = plan?.statements.find((one) => one.path === path && one.statement.range.start === offset);
  if (bound === undefined) return;
  const edits = flipStatement(bound.statement, format).map(({ range, newText }) => ({
    range: protocolRange(document, range),
    newText,
  }));
  const { uri, version } = document;
  const tell = (reason: string): void => {
    connection.window.showWarningMessage(`ONNX Precision: the statement was not flipped: ${reason}`);
  };
  connection.workspace.applyEdit({ documentChanges: [{ textDocument: { uri, version }, edits }] }).then(
    ({ applied, failureReason }) => {
      if (!applied) tell(failureReason ?? 'the editor refused the change');
    },
    (error: unknown) => {
      tell(String(error));
    },
  );
}
