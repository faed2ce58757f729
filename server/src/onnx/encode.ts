/**
 * Writes a model as an edit of the one that was read: what is the same object as before is written as the bytes that
 * it was read from, and an unchanged model as exactly its file. No weight is read.
 */
import type { Graph, LocalFunction, Model } from './model.js';
import { encodeFunction, graphPieces } from './encode-graph.js';
import { encodeMessage, replaceElements, replaceText, type Replacements } from './encode-message.js';
import { replaceOpsets } from './encode-opsets.js';
import { originalModel } from './origins.js';
import { bytesField, integerField, joinPieces, type Piece } from './pieces.js';
import { finish, type Steps } from './steps.js';

/** Parts left out stay as they are in the model. */
export interface ModelChanges {
  /** Elements may be the very objects of the model, edited copies of them, or new. */
  readonly graph?: Graph;
  readonly functions?: readonly LocalFunction[];
  readonly opsets?: ReadonlyMap<string, number>;
  readonly irVersion?: number;
}

/**
 * The model with changes, as pieces that refer to its source. Metadata, doc strings, training information and unknown
 * fields keep their bytes and their order.
 * @throws TypeError for parts that cannot be made: sparse initializers and attributes of kind `other` that are in no file.
 */
export function encodeModel(model: Model, changes: ModelChanges = {}): Piece[] {
  return finish(encodeModelSteps(model, changes));
}

/** The same, a few nodes at a time. */
export function* encodeModelSteps(model: Model, changes: ModelChanges = {}): Steps<Piece[]> {
  const edited: Model = { ...model, ...changes };
  const { message } = model;
  const origin = originalModel(message);
  const to: Replacements = new Map();
  if (edited.irVersion !== origin?.irVersion) to.set(1, integerField(1, edited.irVersion));
  if (origin === undefined) replaceText(to, 2, edited.producer, undefined);
  if (edited.graph !== origin?.graph) to.set(7, bytesField(7, yield* graphPieces(edited.graph)));
  const before = <T>(elements: T | undefined) =>
    elements === undefined || message === undefined ? undefined : { elements, message };
  yield;
  replaceOpsets(to, 8, edited.opsets, before(origin?.opsets));
  replaceElements(to, 25, edited.functions, before(origin?.functions), encodeFunction);
  return joinPieces(encodeMessage(message, to));
}

export interface ModelParts {
  readonly irVersion: number;
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions?: readonly LocalFunction[];
  readonly producer?: string;
}

/** A model of our own, of new parts and parts of models that were read. @throws TypeError as `encodeModel` does. */
export function encodeFresh(parts: ModelParts): Piece[] {
  return finish(encodeFreshSteps(parts));
}

/** The same, a few nodes at a time. */
export function* encodeFreshSteps(parts: ModelParts): Steps<Piece[]> {
  const to: Replacements = new Map();
  to.set(1, integerField(1, parts.irVersion));
  replaceText(to, 2, parts.producer ?? '', undefined);
  to.set(7, bytesField(7, yield* graphPieces(parts.graph)));
  yield;
  replaceOpsets(to, 8, parts.opsets, undefined);
  replaceElements(to, 25, parts.functions ?? [], undefined, encodeFunction);
  return joinPieces(encodeMessage(undefined, to));
}
