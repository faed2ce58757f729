/**
 * The features whose answers change while a plan is analysed: code lenses, inlay hints, and the commands behind them.
 * When the client is told to ask again, live-updates.ts knows.
 */
import {
  type CancellationToken,
  type CodeLens,
  CodeLensRequest,
  CodeLensResolveRequest,
  type Connection,
  InlayHintRequest,
} from 'vscode-languageserver';
import type { LiveAnalysis, PlanNumbers } from '../analysis/index.js';
import type { RunFormat } from '../formats/index.js';
import type { TextEdit } from '../language/index.js';
import { flipLayer, flipStatement } from '../plan/index.js';
import { codeLensSteps, COMMANDS, readLensData, resolvedLens } from './code-lens.js';
import { applyTextEdits } from './commands/apply-edits.js';
import type { CommandCall, ServerCommand } from './commands/index.js';
import { type Feature, planFeature } from './feature.js';
import { inlayHintsOf } from './inlay-hints.js';
import type { Measurements } from './measurements.js';
import type { OpenPlan } from './open-plan.js';
import { statementStartingAt } from './statement-effect.js';

/** What the user's settings say of these features; read anew for every answer. */
export interface LiveSettings {
  readonly codeLens: 'all' | 'header' | 'off';
  readonly inlayHints: boolean;
}

export interface LiveParts {
  readonly measurements: Measurements;
  readonly settings: () => LiveSettings;
}

export function liveFeatures({ measurements, settings }: LiveParts): readonly Feature[] {
  const { numbers, actions } = measurements;
  return [
    planFeature({
      name: 'code lenses',
      type: CodeLensRequest.type,
      nothing: null,
      capabilities: () => ({ codeLensProvider: { resolveProvider: true } }),
      steps: (open) => codeLensSteps(open, settings().codeLens, actions),
    }),
    lensResolving(numbers),
    planFeature({
      name: 'inlay hints',
      type: InlayHintRequest.type,
      nothing: null,
      capabilities: () => ({ inlayHintProvider: true }),
      answer: (open, { range }) => (settings().inlayHints ? inlayHintsOf(open, range, numbers(open)) : null),
    }),
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

/** The commands behind lenses that say what the analysis is to do. */
export function analysisCommands(live: LiveAnalysis): readonly ServerCommand[] {
  return [
    about(COMMANDS.analyze, ({ path }) => {
      if (path !== undefined) live.restart(path);
    }),
    about(COMMANDS.stop, ({ path }) => {
      if (path !== undefined) live.cancel(path);
    }),
  ];
}

/** The commands behind lenses that change the plan. */
export function flipCommands(): readonly ServerCommand[] {
  return [
    about(COMMANDS.flip, (open, { connection, words: [offset, format] }) => {
      if (typeof offset !== 'number' || !isFlipFormat(format) || open.plan === undefined) return;
      const bound = statementStartingAt(open.plan, offset);
      if (bound !== undefined) applyFlip(connection, open, flipStatement(bound.statement, format));
    }),
    about(COMMANDS.flipLayer, (open, { connection, words: [name, format] }) => {
      if (typeof name !== 'string' || !isFlipFormat(format) || open.plan === undefined) return;
      applyFlip(connection, open, flipLayer(open.plan, open.tree, name, format));
    }),
  ];
}

function about(name: string, act: (open: OpenPlan, call: CommandCall) => void): ServerCommand {
  return {
    name,
    run: (call) =>
      call.answers.aboutPlan({ name, nothing: null }, call.uri, call.token, (open) => {
        act(open, call);
        return null;
      }),
  };
}

function isFlipFormat(word: unknown): word is RunFormat {
  return word === 'fp32' || word === 'fp16' || word === 'bf16';
}

/** Has the editor make the change; a lens that was clicked when its flip had been made already changes nothing. */
function applyFlip(
  connection: Connection,
  { document: { uri, version }, tree }: OpenPlan,
  edits: readonly TextEdit[],
): void {
  if (edits.length === 0) return;
  void applyTextEdits(connection, { uri, version, tree }, edits, 'Flip').then((failure) => {
    if (failure !== undefined) {
      connection.window.showWarningMessage(`ONNX Precision: nothing was flipped: ${failure}`);
    }
  });
}
