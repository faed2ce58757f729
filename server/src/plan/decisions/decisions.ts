/**
 * A decision for every layer: the statements matched, the later one winning, formats clamped to what operators
 * allow. Knows neither inputs nor tolerances.
 */
import type { Accumulation, FormatName } from '../../formats/index.js';
import { isDecision, type Diagnostic, type DecisionStatement } from '../../language/index.js';
import { isStep, type Model, type Steps } from '../../onnx/index.js';
import { diagnosticIn, type Placed } from '../text/documents.js';
import { scaledInputs } from '../model/homogeneous.js';
import { runnableFormats, type ModelKnowledge } from '../knowledge.js';
import type { NameHelp } from './layer-names.js';
import { matchStatement } from './matching.js';
import type { MovedNames } from '../lock/moved-layers.js';
import { accumulationText } from '../roundings/numerics.js';
import { writeOperatorType } from '../model/operators.js';
import { removeStatement } from '../text/removal.js';
import { resolveRulesSteps, type Rule } from './resolution.js';
import { addsUp, opsetOf, sumProblem } from '../roundings/roundings.js';
import type { RunnableFormat } from './run-format.js';
import type { BoundStatement, DecisionSource, Layer, LayerDecision, LayerNumerics } from '../types.js';
import { readWish, UNDECIDED, type Wish } from './wishes.js';
import { counted, layerName, someOf } from '../text/wording.js';

export interface BoundDecisions {
  /** In the order of the layers. */
  readonly decisions: readonly LayerDecision[];
  /** The decision statements that count, in the order in which they do. */
  readonly statements: readonly BoundStatement[];
  /** Positions of the layers of which a statement says how they add up. */
  readonly statedSums: readonly number[];
  readonly diagnostics: readonly Diagnostic[];
}

/** After a new export of the model every name may be unknown: so many of them are given suggestions. */
const MOST_SUGGESTIONS = 50;

interface Candidate {
  readonly placed: Placed<DecisionStatement>;
  readonly wish: Wish;
  readonly layers: readonly number[];
}

/**
 * Decides every layer of a model. Of statements that decide nothing understandable only the complaints remain.
 *
 * @param accumulate in what layers of a low format add up that do not say so themselves.
 */
export function* decisionSteps(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
  moved: MovedNames,
  accumulate?: Accumulation,
): Steps<BoundDecisions> {
  const { layers } = knowledge;
  const diagnostics: Diagnostic[] = [];
  const help: NameHelp = { suggestionsLeft: MOST_SUGGESTIONS, moved };
  const candidates = yield* candidateSteps(knowledge, placed, help, diagnostics);
  const resolution = yield* resolveRulesSteps(layers.length, candidates.map(ruleOf), UNDECIDED);
  yield;
  const decided: number[][] = candidates.map(() => []);
  resolution.winners.forEach((winner, layer) => decided[winner]?.push(layer));
  const sources = candidates.map((candidate, index) =>
    decided[index]?.length === 0 ? undefined : sourceOf(candidate.placed),
  );
  yield;
  const { model } = knowledge;
  const decisions = layers.map((layer, index): LayerDecision => {
    const winner = resolution.winners[index] ?? -1;
    const wish = candidates[winner]?.wish;
    const { format, clamped } = runWish(knowledge, index, wish);
    const numerics = numericsOf(model, layer, format, wish?.numerics, accumulate);
    return {
      layer,
      wanted: wish?.wanted ?? 'original',
      format,
      ...(numerics === undefined ? {} : { numerics }),
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
      bf16Diagnostic(candidate, decided[index] ?? [], opsetOf(model)),
      scaleDiagnostic(candidate, decided[index] ?? [], decisions),
      sumDiagnostic(candidate, decided[index] ?? [], decisions, model, accumulate),
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
    options: wish.options,
    numerics: wish.numerics,
    overflow: wish.overflow,
    pinned: wish.pinned,
    matches: statement.kind === 'default' ? knowledge.everyLayer : matches,
    decides: decided[index] ?? [],
  }));
  const statedSums = candidates.flatMap(({ wish }, index) =>
    wish.numerics?.accumulate === undefined ? [] : (decided[index] ?? []),
  );
  return { decisions, statements, statedSums, diagnostics };
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
    // Names are compared with all those of the model to find out what was meant.
    if (matches.diagnostics.length > 0) yield;
    const wish = readWish(item);
    if (wish) candidates.push({ placed: item, wish, layers: matches.layers });
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
  if (wish === undefined || wish.wanted === 'original') return AS_IN_MODEL;
  return runnableFormats(knowledge, wish.wanted)[layer] ?? AS_IN_MODEL;
}

const AS_IN_MODEL: RunnableFormat = { format: 'original', clamped: undefined };

/**
 * What counts of options for a layer: a scale only where it can be undone, accumulation only where sums are long.
 *
 * @param ofPlan in what layers of a low format add up that do not say so themselves.
 */
export function numericsOf(
  model: Model,
  layer: Layer,
  format: FormatName | 'original',
  wanted: LayerNumerics | undefined,
  ofPlan: Accumulation | undefined,
): LayerNumerics | undefined {
  if (format === 'original') return undefined;
  const { node } = layer;
  const { scale, accumulate = format === 'fp32' ? undefined : ofPlan, ...rest } = wanted ?? {};
  const others = withoutBf16Weights(rest, opsetOf(model));
  const numerics: LayerNumerics = {
    ...others,
    ...(scale === undefined || scaledInputs(node) === undefined ? {} : { scale }),
    ...(accumulate === undefined ||
    accumulate.kind === 'fp32' ||
    !addsUp(node) ||
    sumProblem(model, layer) !== undefined
      ? {}
      : { accumulate }),
  };
  return Object.keys(numerics).length === 0 ? undefined : numerics;
}

/** BF16 is rounded by Cast alone, which has it from here on. */
const FIRST_OPSET_WITH_BF16 = 13;

/** What is left of options where weights cannot be in BF16. */
function withoutBf16Weights({ weights, ...others }: LayerNumerics, opset: number): LayerNumerics {
  const isLeftOut = weights === undefined || (weights === 'bf16' && opset < FIRST_OPSET_WITH_BF16);
  return isLeftOut ? others : { ...others, weights };
}

/** One diagnostic for a statement whose layers cannot have their weights in BF16. */
function bf16Diagnostic(
  { placed: { statement, file }, wish }: Candidate,
  decided: readonly number[],
  opset: number,
): Diagnostic | undefined {
  const { wanted, numerics } = wish;
  if (numerics === undefined || wanted === 'original' || decided.length === 0 || !statement.format) {
    return undefined;
  }
  if (withoutBf16Weights(numerics, opset).weights === numerics.weights) return undefined;
  const message = `Weights in \`bf16\` need opset ${FIRST_OPSET_WITH_BF16}, and the model has opset ${opset}: they are in the format of the layer.`;
  return diagnosticIn(file, 'not-yet-analysed', 'information', statement.format.range, message);
}

/** One diagnostic for all layers of a statement whose output does not grow with their input. */
function scaleDiagnostic(
  { placed: { file }, wish }: Candidate,
  decided: readonly number[],
  decisions: readonly LayerDecision[],
): Diagnostic | undefined {
  if (wish.scaleRange === undefined || wish.numerics?.scale === undefined) return undefined;
  const refused = decided.flatMap((at) => {
    const layer = decisions[at]?.layer;
    return layer === undefined || scaledInputs(layer.node) !== undefined ? [] : [layer];
  });
  if (refused.length === 0) return undefined;
  const operators = [...new Set(refused.map(({ node }) => writeOperatorType(node)))];
  const message = `\`scale\` cannot be undone after ${counted(refused.length, 'layer')} (${someOf(refused.map(layerName))}): what ${someOf(operators)} gives does not grow with the input. They run without it; leave it out here.`;
  return diagnosticIn(file, 'option-unknown', 'error', wish.scaleRange, message);
}

/** One diagnostic for all layers of a statement whose sums cannot be added up as is asked for. */
function sumDiagnostic(
  { placed: { statement, file }, wish }: Candidate,
  decided: readonly number[],
  decisions: readonly LayerDecision[],
  model: Model,
  ofPlan: Accumulation | undefined,
): Diagnostic | undefined {
  const own = wish.numerics?.accumulate;
  const isLow = wish.wanted !== 'fp32' && wish.wanted !== 'original';
  const wanted = own ?? (isLow ? ofPlan : undefined);
  if (wanted === undefined || wanted.kind === 'fp32') return undefined;
  const refused = decided.flatMap((at) => {
    const layer = decisions[at]?.layer;
    if (layer === undefined || decisions[at]?.format === 'original' || !addsUp(layer.node)) return [];
    const problem = sumProblem(model, layer);
    return problem === undefined ? [] : [{ layer, problem }];
  });
  const [first] = refused;
  if (first === undefined || !statement.format) return undefined;
  const names = someOf(refused.map(({ layer }) => layerName(layer)));
  const message = `${counted(refused.length, 'layer')} (${names}) add up in fp32 instead of ${accumulationText(wanted)}: ${first.problem}.`;
  return diagnosticIn(file, 'not-yet-analysed', 'information', statement.format.range, message);
}

/** One diagnostic for all layers of a statement whose operators do not allow its format. */
function clampDiagnostic(
  { placed: { statement, file }, wish }: Candidate,
  decided: readonly number[],
  decisions: readonly LayerDecision[],
): Diagnostic | undefined {
  const clamped = decided.filter((layer) => decisions[layer]?.clamped !== undefined);
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
