/** Writes `GraphProto`, `NodeProto`, `AttributeProto` and `FunctionProto`, as edits of what was read. */
import type { Attribute, Graph, LocalFunction, Message, Node } from './model.js';
import {
  encodeMessage,
  replaceElements,
  replaceElementsSteps,
  replaceText,
  replaceTexts,
  sameElements,
  wholeMessage,
  type Replacements,
} from './encode-message.js';
import { writeMadeNode, writeMadeTensor } from './encode-made.js';
import { encodeTensor } from './encode-tensor.js';
import { encodeValueInfo } from './encode-type.js';
import { replaceOpsets } from './encode-opsets.js';
import { originalAttribute, originalFunction, originalGraph, originalNode } from './origins.js';
import { bytesField, floatField, integerField, rangePiece, textField, type Piece } from './pieces.js';
import { finish, type Steps } from './steps.js';

const SPARSE_INITIALIZER = 15;
/** All fields of an attribute that hold a value or say of which type it is. */
const VALUE_FIELDS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 20, 21, 22, 23] as const;

/** The content of the message. */
export function encodeGraph(graph: Graph): Piece[] {
  return finish(graphPieces(graph));
}

/** The same, a few nodes at a time. */
export function* graphPieces(graph: Graph): Steps<Piece[]> {
  const { message } = graph;
  const origin = originalGraph(message);
  if (message !== undefined && origin === graph) return wholeMessage(message);
  const to: Replacements = new Map();
  yield* replaceElementsSteps(to, 1, graph.nodes, before(origin?.nodes, message), encodeNode, writeMadeNode);
  replaceText(to, 2, graph.name, origin?.name);
  yield* replaceElementsSteps(
    to,
    5,
    graph.initializers,
    before(origin?.initializers, message),
    encodeTensor,
    writeMadeTensor,
  );
  replaceElements(to, 11, graph.inputs, before(origin?.inputs, message), encodeValueInfo);
  yield* replaceElementsSteps(to, 12, graph.outputs, before(origin?.outputs, message), encodeValueInfo);
  yield* replaceElementsSteps(to, 13, graph.valueInfo, before(origin?.valueInfo, message), encodeValueInfo);
  replaceSparse(to, graph, origin);
  yield;
  return encodeMessage(message, to);
}

/** Sparse initializers can be left out or put in another order, but not be made. */
function replaceSparse(to: Replacements, graph: Graph, origin: Graph | undefined): void {
  if (sameElements(graph.sparseInitializers, origin?.sparseInitializers ?? [])) return;
  const fields = origin?.message?.fields.filter((field) => field.number === SPARSE_INITIALIZER) ?? [];
  const pieces = graph.sparseInitializers.map((name) => {
    const field = fields[origin?.sparseInitializers.indexOf(name) ?? -1];
    if (field === undefined || origin?.message === undefined) {
      throw new TypeError(`the sparse initializer "${name}" can only be taken from a file`);
    }
    return rangePiece(origin.message.source, field.whole);
  });
  to.set(SPARSE_INITIALIZER, pieces);
}

function encodeNode(node: Node): Piece[] {
  const { message } = node;
  const origin = originalNode(message);
  if (message !== undefined && origin === node) return wholeMessage(message);
  const to: Replacements = new Map();
  replaceTexts(to, 1, node.inputs, origin?.inputs);
  replaceTexts(to, 2, node.outputs, origin?.outputs);
  replaceText(to, 3, node.name, origin?.name);
  replaceText(to, 4, node.opType, origin?.opType);
  replaceElements(to, 5, node.attributes, before(origin?.attributes, message), encodeAttribute);
  replaceText(to, 7, node.domain, origin?.domain);
  replaceText(to, 8, node.overload, origin?.overload);
  return encodeMessage(message, to);
}

function encodeAttribute(attribute: Attribute): Piece[] {
  const { message } = attribute;
  const origin = originalAttribute(message);
  if (message !== undefined && origin === attribute) return wholeMessage(message);
  const to: Replacements = new Map();
  replaceText(to, 1, attribute.name, origin?.name);
  if (attribute.kind !== origin?.kind || valueOf(attribute) !== valueOf(origin)) {
    for (const number of VALUE_FIELDS) to.set(number, []);
    for (const [number, pieces] of encodeContent(attribute)) to.set(number, pieces);
  }
  return encodeMessage(message, to);
}

function valueOf(attribute: Attribute): unknown {
  return attribute.kind === 'other' ? undefined : attribute.value;
}

/** The value with its `AttributeType`. */
function encodeContent(attribute: Attribute): [number, Piece[]][] {
  const typed = (number: number, type: number, pieces: Piece[]): [number, Piece[]][] => [
    [number, pieces],
    [20, integerField(20, type)],
  ];
  switch (attribute.kind) {
    case 'float':
      return typed(2, 1, floatField(2, attribute.value));
    case 'int':
      return typed(3, 2, integerField(3, attribute.value));
    case 'string':
      return typed(4, 3, textField(4, attribute.value));
    case 'tensor':
      return typed(5, 4, bytesField(5, encodeTensor(attribute.value)));
    case 'graph':
      return typed(6, 5, bytesField(6, encodeGraph(attribute.value)));
    case 'floats':
      return typed(
        7,
        6,
        attribute.value.flatMap((value) => floatField(7, value)),
      );
    case 'ints':
      return typed(
        8,
        7,
        attribute.value.flatMap((value) => integerField(8, value)),
      );
    case 'strings':
      return typed(
        9,
        8,
        attribute.value.flatMap((value) => textField(9, value)),
      );
    case 'graphs':
      return typed(
        11,
        10,
        attribute.value.flatMap((value) => bytesField(11, encodeGraph(value))),
      );
    case 'reference':
      // The type of the attribute that is referred to is not known here; onnx.proto lets it be left out.
      return [[21, textField(21, attribute.value)]];
    case 'other':
      throw new TypeError(`the value of the attribute "${attribute.name}" can only be taken from a file`);
  }
}

/** The content of the message. */
export function encodeFunction(local: LocalFunction): Piece[] {
  const { message } = local;
  const origin = originalFunction(message);
  if (message !== undefined && origin === local) return wholeMessage(message);
  const to: Replacements = new Map();
  replaceText(to, 1, local.name, origin?.name);
  replaceTexts(to, 4, local.inputs, origin?.inputs);
  replaceTexts(to, 5, local.outputs, origin?.outputs);
  replaceTexts(to, 6, local.attributes, origin?.attributes);
  replaceElements(to, 7, local.nodes, before(origin?.nodes, message), encodeNode, writeMadeNode);
  replaceOpsets(to, 9, local.opsets, before(origin?.opsets, message));
  replaceText(to, 10, local.domain, origin?.domain);
  const defaults = local.attributeDefaults ?? [];
  replaceElements(to, 11, defaults, before(origin?.attributeDefaults, message), encodeAttribute);
  replaceText(to, 13, local.overload, origin?.overload);
  return encodeMessage(message, to);
}

function before<T>(
  elements: T | undefined,
  message: Message | undefined,
): { elements: T; message: Message } | undefined {
  return elements === undefined || message === undefined ? undefined : { elements, message };
}
