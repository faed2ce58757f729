/**
 * Names of a plan that meant other layers, or meant any, before the model was exported again: what each of them is called
 * now, by the plan's lock. Knows names; which layers are the same is found elsewhere.
 */
import {
  quote,
  type Diagnostic,
  type Fix,
  type Statement,
  type StringLiteral,
  type TextEdit,
} from '../../language/index.js';
import { isStep, type Steps } from '../../onnx/index.js';
import { diagnosticIn, type Placed, type PlanFile } from '../text/documents.js';
import type { ModelKnowledge } from '../knowledge.js';
import { readLockSteps, type LayerLock } from './layer-lock.js';
import { layerRecordSteps, type LayerRecord } from './layer-records.js';
import { sameLayersSteps } from './same-layers.js';

/** What became of a name: the layer that it meant is called otherwise now. */
export interface Move {
  readonly message: string;
  /** The name now, as plan text. */
  readonly newText: string;
}

/** What became of the names of one plan. */
export interface MovedNames {
  /** Undefined for a name that means what it always did, or that is not known. */
  moveOf(written: string): Move | undefined;
  /** The diagnostic of such a name. */
  complain(name: StringLiteral, move: Move, file: PlanFile): Diagnostic;
  /** What is wrong with the lock, if it could not be read. */
  readonly problem: string | undefined;
}

/** By the name of a layer of the lock: the same layer of the model, where that has another name now. */
interface Moves {
  /** Names that the model has no more. */
  readonly gone: ReadonlyMap<string, Move>;
  /** Names that the model has for other layers. */
  readonly shifted: ReadonlyMap<string, Move>;
  /** Of the layers that the plan named when it was locked: the names that have moved, and what they are now. */
  readonly named: readonly { readonly before: string; readonly now: string }[];
  readonly problem: string | undefined;
}

const NO_MOVES: ReadonlyMap<string, Move> = new Map();
const NOTHING: Moves = { gone: NO_MOVES, shifted: NO_MOVES, named: [], problem: undefined };

/** Plans of one model, each with a lock. */
const MOST_LOCKS = 8;

const known = new WeakMap<ModelKnowledge['memory'], Map<string, Moves>>();

/**
 * @param lockText the lock beside the plan; undefined where there is none.
 * @param placed the plan's statements, those of included files as well.
 */
export function* movedNamesSteps(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
  lockText: string | undefined,
): Steps<MovedNames> {
  return new PlanMoves(placed, lockText === undefined ? NOTHING : yield* movesSteps(knowledge, lockText));
}

/** Found once for a lock and a model. */
function* movesSteps(knowledge: ModelKnowledge, text: string): Steps<Moves> {
  const remembered = known.get(knowledge.memory) ?? new Map<string, Moves>();
  known.set(knowledge.memory, remembered);
  const before = remembered.get(text);
  if (before !== undefined) return before;
  yield;
  const lock = yield* readLockSteps(text);
  const found = 'problem' in lock ? { ...NOTHING, problem: lock.problem } : yield* findMoves(knowledge, lock);
  if (remembered.size >= MOST_LOCKS) remembered.clear();
  remembered.set(text, found);
  return found;
}

function* findMoves(knowledge: ModelKnowledge, { layers, named }: LayerLock): Steps<Moves> {
  // Weights are only looked at where anything else has changed.
  const forms = yield* layerRecordSteps(knowledge, 'shapes');
  if (yield* sameFormsSteps(layers, forms)) return NOTHING;
  const records = yield* layerRecordSteps(knowledge, 'contents');
  const pairs = yield* sameLayersSteps(layers, records);
  const gone = new Map<string, Move>();
  const shifted = new Map<string, Move>();
  const names = new Map<string, string>();
  for (const [at, { name: before }] of layers.entries()) {
    if (isStep(at)) yield;
    const now = records[pairs[at] ?? -1];
    if (now === undefined || now.name === before) continue;
    names.set(before, now.name);
    const isGone = knowledge.names.find(before).kind !== 'node';
    (isGone ? gone : shifted).set(before, {
      message: messageOf(before, now, isGone),
      newText: quote(now.name),
    });
  }
  return {
    gone,
    shifted,
    named: named.flatMap((before) => {
      const now = names.get(before);
      return now === undefined ? [] : [{ before, now }];
    }),
    problem: undefined,
  };
}

function messageOf(before: string, now: LayerRecord, isGone: boolean): string {
  const weights = now.weights.map(({ shape }) => shape).join(', ');
  const what = `${now.operator}${weights === '' ? '' : `, weights ${weights}`}`;
  return isGone
    ? `The model has no layer ${quote(before)} any more: it is called ${quote(now.name)} now (${what}).`
    : `${quote(before)} is another layer now: the one that the plan named is called ${quote(now.name)} (${what}). If ${quote(before)} is meant, delete the plan's lock file.`;
}

/** Whether names, operators, shapes of weights and places are all as they were. */
function* sameFormsSteps(before: readonly LayerRecord[], after: readonly LayerRecord[]): Steps<boolean> {
  if (before.length !== after.length) return false;
  for (const [at, record] of before.entries()) {
    if (isStep(at)) yield;
    if (formOf(record) !== formOf(after[at])) return false;
  }
  return true;
}

function formOf(record: LayerRecord | undefined): string {
  if (record === undefined) return '';
  const { name, operator, weights, from, to } = record;
  const sources = from.map(({ layer, path }) => `${layer ?? ''} ${path}`);
  return [name, operator, ...weights.map(({ shape }) => shape), ...sources, ...to].join('\n');
}

class PlanMoves implements MovedNames {
  readonly problem: string | undefined;
  private readonly gone: ReadonlyMap<string, Move>;
  private readonly shifted: ReadonlyMap<string, Move>;
  /** By path of a file: the fix that changes all of its names that have moved. */
  private readonly wholeFixes = new Map<string, Fix | undefined>();

  constructor(
    private readonly placed: readonly Placed[],
    moves: Moves,
  ) {
    this.problem = moves.problem;
    this.gone = moves.gone;
    this.shifted = speaksOfBefore(placed, moves) ? moves.shifted : NO_MOVES;
  }

  moveOf(written: string): Move | undefined {
    if (this.gone.size + this.shifted.size === 0) return undefined;
    return this.gone.get(written) ?? this.shifted.get(written);
  }

  complain(name: StringLiteral, move: Move, file: PlanFile): Diagnostic {
    const fixes = this.fixesOf(name, move, file);
    return diagnosticIn(file, 'layer-moved', 'error', name.range, move.message, { fixes });
  }

  private fixesOf(name: StringLiteral, { newText }: Move, { path }: PlanFile): readonly Fix[] {
    if (!this.wholeFixes.has(path)) this.wholeFixes.set(path, this.wholeFix(path));
    const whole = this.wholeFixes.get(path);
    // Of names that have changed places, one alone must not: it would mean what the plan says of another.
    if (this.shifted.size > 0 && whole !== undefined) return [whole];
    const single: Fix = { title: `Change to ${newText}`, edits: [{ range: name.range, newText }] };
    return whole === undefined ? [single] : [single, whole];
  }

  /** Undefined where only one name of the file has moved. One object for all: an editor offers it once. */
  private wholeFix(path: string): Fix | undefined {
    const edits: TextEdit[] = [];
    const seen = new Set<StringLiteral>();
    for (const { statement, file } of this.placed) {
      if (file.path !== path) continue;
      for (const name of namesIn(statement)) {
        const move = this.moveOf(name.value);
        // A fragment that is included twice has each of its names once.
        if (move === undefined || seen.has(name)) continue;
        seen.add(name);
        edits.push({ range: name.range, newText: move.newText });
      }
    }
    return edits.length < 2
      ? undefined
      : { title: `Change all ${edits.length} names that have moved`, edits };
  }
}

/**
 * Whether a plan still has the names from before, where the model has the same names for other layers: it then speaks more of
 * the layers that it named when it was locked than of what these are called now.
 */
function speaksOfBefore(placed: readonly Placed[], { shifted, named }: Moves): boolean {
  if (shifted.size === 0) return false;
  const present = new Set<string>();
  for (const { statement } of placed) for (const name of namesIn(statement)) present.add(name.value);
  let lead = 0;
  for (const { before, now } of named) lead += Number(present.has(before)) - Number(present.has(now));
  return lead > 0;
}

/** The names of single layers that a statement holds. */
function namesIn(statement: Statement): readonly StringLiteral[] {
  if (statement.kind === 'layer') return statement.names;
  if (statement.kind !== 'between') return [];
  return [statement.from, statement.to].filter((name) => name !== undefined);
}
