/**
 * A decision for every layer: the statements matched, the later one winning, formats clamped to what operators
 * allow. Knows neither inputs nor tolerances.
 */
import { isDecision, type Diagnostic, type DecisionStatement } from '../language/index.js';
import { isStep, type Steps } from '../onnx/index.js';
import { diagnosticIn, type Placed } from './documents.js';
import { runnableFormats, type ModelKnowledge } from './knowledge.js';
import type { NameHelp } from './layer-names.js';
import { matchStatement } from './matching.js';
import type { MovedNames } from './moved-layers.js';
import { removeStatement } from './removal.js';
import { resolveRules, type Rule } from './resolution.js';
import type { RunnableFormat } from './run-format.js';
import type { BoundStatement, DecisionSource, LayerDecision } from './types.js';
import { readWish, UNDECIDED, type Wish } from './wishes.js';
import { counted, layerName, someOf } from './wording.js';

export interface BoundDecisions {
  /** In the order of the layers. */
  readonly decisions: readonly LayerDecision[];
  /** The decision statements that count, in the order in which they do. */
  readonly statements: readonly BoundStatement[];
  readonly diagnostics: readonly Diagnostic[];
}

/** After a new export of the model every name may be unknown: so many of them are given suggestions. */
const MOST_SUGGESTIONS = 50;

interface Candidate {
  readonly placed: Placed<DecisionStatement>;
  readonly wish: Wish;
  readonly layers: readonly number[];
}

/** Decides every layer of a model. Of statements that decide nothing understandable only the complaints remain. */
export function* decisionSteps(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
  moved: MovedNames,
): Steps<BoundDecisions> {
  const { layers } = knowledge;
  const diagnostics: Diagnostic[] = [];
  const help: NameHelp = { suggestionsLeft: MOST_SUGGESTIONS, moved };
  const candidates = yield* candidateSteps(knowledge, placed, help, diagnostics);
  const resolution = resolveRules(layers.length, candidates.map(ruleOf), UNDECIDED);
  yield;
  const decided: number[][] = candidates.map(() => []);
  resolution.winners.forEach((winner, layer) => decided[winner]?.push(layer));
  const sources = candidates.map((candidate, index) =>
    decided[index]?.length === 0 ? undefined : sourceOf(candidate.placed),
  );
  yield;
  const decisions = layers.map((layer, index): LayerDecision => {
    const winner = resolution.winners[index] ?? -1;
    const wish = candidates[winner]?.wish;
    const { format, clamped } = runWish(knowledge, index, wish);
    return {
      layer,
      wanted: wish?.wanted ?? 'original',
      format,
      clamped,
      pinned: wish?.pinned ?? false,
      overflow: wish?.overflow ?? 'error',
      source: sources[winner],
    };
  });
  for (const [index, candidate] of candidates.entries()) {
    if (isStep(index)) yield;
    const found = [
      clampDiagnostic(candidate, decided[index] ?? [], decisions),
      needlessDiagnostic(
        candidate,
        resolution.shadowed[index] === true,
        resolution.redundant[index] === true,
      ),
    ];
    diagnostics.push(...found.filter((one) => one !== undefined));
  }
  yield;
  const statements = candidates.map(({ placed: { statement, file }, wish, layers: matches }, index) => ({
    statement,
    path: file.path,
    include: file.include,
    wanted: wish.wanted,
    pinned: wish.pinned,
    matches: statement.kind === 'default' ? knowledge.everyLayer : matches,
    decides: decided[index] ?? [],
  }));
  return { decisions, statements, diagnostics };
}

/** The decision statements that can be understood, with what they match; complains of the rest. */
function* candidateSteps(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
  help: NameHelp,
  diagnostics: Diagnostic[],
): Steps<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const [index, item] of placed.entries()) {
    if (isStep(index)) yield;
    if (!decides(item)) {
      continue;
    }
    const matches = matchStatement(knowledge, item, help);
    diagnostics.push(...matches.diagnostics);
    const wish = readWish(item);
    if (wish) {
      diagnostics.push(...wish.diagnostics);
      candidates.push({ placed: item, wish, layers: matches.layers });
    }
  }
  return candidates;
}

function decides(placed: Placed): placed is Placed<DecisionStatement> {
  return isDecision(placed.statement);
}

function ruleOf({ placed: { statement, file }, wish, layers }: Candidate): Rule {
  return {
    isDefault: statement.kind === 'default',
    matches: layers,
    decision: wish.key,
    removable: file.include === undefined,
  };
}

function sourceOf({ statement, file }: Placed<DecisionStatement>): DecisionSource {
  return {
    path: file.path,
    range: statement.range,
    formatRange: statement.format?.range ?? statement.range,
    kind: statement.kind,
    names: statement.kind === 'layer' ? statement.names.length : 0,
  };
}

/** What a layer runs in, of which this is wanted. */
function runWish(knowledge: ModelKnowledge, layer: number, wish: Wish | undefined): RunnableFormat {
  if (wish && wish.postponed === undefined && isRunFormat(wish.wanted)) {
    return runnableFormats(knowledge, wish.wanted)[layer] ?? AS_IN_MODEL;
  }
  return wish?.postponed === undefined ? AS_IN_MODEL : { format: 'original', clamped: wish.postponed };
}

const AS_IN_MODEL: RunnableFormat = { format: 'original', clamped: undefined };

function isRunFormat(format: string): format is 'fp32' | 'fp16' | 'bf16' {
  return format === 'fp32' || format === 'fp16' || format === 'bf16';
}

/** One diagnostic for all layers of a statement whose operators do not allow its format. */
function clampDiagnostic(
  { placed: { statement, file }, wish }: Candidate,
  decided: readonly number[],
  decisions: readonly LayerDecision[],
): Diagnostic | undefined {
  const clamped =
    wish.postponed === undefined ? decided.filter((layer) => decisions[layer]?.clamped !== undefined) : [];
  if (clamped.length === 0 || !statement.format) {
    return undefined;
  }
  const reasons = [...new Set(clamped.map((layer) => decisions[layer]?.clamped ?? ''))];
  const names = clamped.flatMap((layer) => decisions[layer]?.layer ?? []).map(layerName);
  const message = `${counted(clamped.length, 'layer')} cannot run in ${wish.wanted} (${someOf(names)}): ${reasons.join('; ')}.`;
  return diagnosticIn(file, 'format-not-in-schema', 'warning', statement.format.range, message);
}

function needlessDiagnostic(
  { placed: { statement, file } }: Candidate,
  shadowed: boolean,
  redundant: boolean,
): Diagnostic | undefined {
  if (!shadowed && !redundant) {
    return undefined;
  }
  const fixes = [{ title: 'Remove this statement', edits: [removeStatement(file.tree, statement)] }];
  const message = !shadowed
    ? 'Without this statement every layer would be decided the same.'
    : statement.kind === 'default'
      ? 'This decides nothing: every layer is decided by another statement.'
      : 'This decides nothing: later statements decide every layer that it matches.';
  const code = shadowed ? 'shadowed' : 'redundant';
  return diagnosticIn(file, code, 'hint', statement.range, message, { fixes, unnecessary: true });
}
