/**
 * Opens a model: walks its wire structure and leaves the weights where they are. Whatever is wrong with the file
 * comes back as a problem that says what, where and, if there is one, the way out.
 */
import type { ByteSource, Graph, LocalFunction, Model, ModelProblem } from './model.js';
import { otherFileKind } from './file-kinds.js';
import { modelProblem } from './problem-place.js';
import { graphSteps, readFunction } from './read-graph.js';
import { readMessage, readOpset } from './read-message.js';
import { fileSource, SourceFault } from './source.js';
import { finish, isStep, type Steps } from './steps.js';
import { WireFault, WireReader } from './wire.js';

export type ModelResult = { readonly model: Model } | { readonly problem: ModelProblem };

/** Opens the file of a model. The caller closes `model.source` when the model is no longer needed. */
export function openModel(path: string): ModelResult {
  return finish(openModelSteps(path));
}

/** The same a little at a time; the file is closed if the work is given up. */
export function* openModelSteps(path: string): Steps<ModelResult> {
  let source: ByteSource;
  try {
    source = fileSource(path);
  } catch (error) {
    if (error instanceof SourceFault) return { problem: openProblem(path, error) };
    throw error;
  }
  let model: Model | undefined;
  try {
    const result = yield* readModelSteps(source);
    if ('model' in result) ({ model } = result);
    return result;
  } finally {
    if (model === undefined) source.close();
  }
}

/** Reads a model from bytes. The source stays open and is the caller's. */
export function readModel(source: ByteSource): ModelResult {
  return finish(readModelSteps(source));
}

function* readModelSteps(source: ByteSource): Steps<ModelResult> {
  try {
    if (source.length === 0) return unreadable('the file is empty');
    return yield* wireSteps(source);
  } catch (error) {
    if (error instanceof SourceFault) return unreadable(`the file cannot be read: ${error.message}`);
    throw error;
  }
}

function* wireSteps(source: ByteSource): Steps<ModelResult> {
  try {
    return yield* topLevelSteps(source);
  } catch (error) {
    if (error instanceof WireFault) return problemOf(source, error);
    throw error;
  }
}

function* topLevelSteps(source: ByteSource): Steps<ModelResult> {
  const wire = new WireReader(source);
  const message = readMessage(wire, 'model', { offset: 0, length: source.length });
  const opsets = new Map<string, number>();
  const functions: LocalFunction[] = [];
  let irVersion: number | undefined;
  let producer = '';
  let producerVersion = '';
  let graph: Graph | undefined;
  for (const [index, field] of message.fields.entries()) {
    if (isStep(index)) yield;
    if (field.number === 1) irVersion = wire.integer(field);
    else if (field.number === 2) producer = wire.text(field);
    else if (field.number === 3) producerVersion = wire.text(field);
    else if (field.number === 7) {
      // Protobuf would merge the two; no writer makes such a file, and no index could tell them apart.
      if (graph !== undefined) throw new WireFault('there is a second graph', field.whole.offset);
      graph = yield* graphSteps(wire, field.payload, 0);
    } else if (field.number === 8) readOpset(wire, field.payload, opsets);
    else if (field.number === 25) functions.push(readFunction(wire, field.payload));
  }
  const missing = missingPart(irVersion, opsets, graph);
  if (graph === undefined || irVersion === undefined || missing !== undefined) {
    return incomplete(source, missing ?? 'graph');
  }
  // Before IR version 3 there was one operator set and no field to say so.
  if (opsets.size === 0) opsets.set('', 1);
  const producedBy = producerVersion === '' ? producer : `${producer} ${producerVersion}`;
  const model: Model = { source, irVersion, producer: producedBy, opsets, graph, functions, message };
  message.remember({ kind: 'model', part: model });
  return { model };
}

function missingPart(
  irVersion: number | undefined,
  opsets: ReadonlyMap<string, number>,
  graph: Graph | undefined,
): string | undefined {
  if (graph === undefined) return 'graph';
  if (irVersion === undefined || irVersion <= 0) return 'ir_version';
  return opsets.size === 0 && irVersion >= 3 ? 'opset_import' : undefined;
}

function incomplete(source: ByteSource, part: string): ModelResult {
  const kind = otherFileKind(source);
  if (kind !== undefined) return unreadable(`this is no ONNX model: ${kind}`);
  return unreadable(`the file has the form of a model, but its field ${part} is missing`);
}

function problemOf(source: ByteSource, fault: WireFault): ModelResult {
  const kind = otherFileKind(source);
  if (kind !== undefined) return unreadable(`this is no ONNX model: ${kind}`);
  return { problem: modelProblem(source, fault) };
}

function unreadable(message: string): ModelResult {
  return { problem: { code: 'model-unreadable', message, offset: undefined } };
}

function openProblem(path: string, fault: SourceFault): ModelProblem {
  switch (fault.systemCode) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { code: 'model-not-found', message: `there is no file ${path}`, offset: undefined };
    case 'EISDIR':
      return { code: 'model-unreadable', message: `${path} is not a file`, offset: undefined };
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'model-unreadable',
        message: `there is no permission to read ${path}`,
        offset: undefined,
      };
    default:
      return {
        code: 'model-unreadable',
        message: `${path} cannot be opened: ${fault.message}`,
        offset: undefined,
      };
  }
}
