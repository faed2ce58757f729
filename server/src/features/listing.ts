/**
 * The listing of a model: a text with one line for each node of its main graph, for people to read and for definitions
 * to lead to. Also where it is: a document that no file holds, at `onnx-precision-listing:` with the path of the model. An
 * editor that opens such documents says so in its capabilities (`experimental: { onnxPrecisionListing: true }`) and
 * gets their text by the request `onnxPrecision/listing` with `{ uri }`, which answers the text, or null where no model is.
 * Weights are never read.
 */
import { basename } from 'node:path';
import { RequestType } from 'vscode-languageserver';
import { quote } from '../language/index.js';
import { dataTypeName, inferShapes, type Model, type Node, type Shape } from '../onnx/index.js';
import { modelFacts, writeOperatorType } from '../plan/index.js';
import { formatSize } from '../report/index.js';
import { pathOfUri, uriOfPath } from './document-path.js';
import { elementTypeText, namesOf, shapeText, valueText } from './model-names.js';
import type { WorkspaceFiles } from './workspace-files.js';

export const ListingRequest = new RequestType<{ readonly uri: string }, string | null, void>(
  'onnxPrecision/listing',
);

const SCHEME = 'onnx-precision-listing:';

export function listingUri(modelPath: string): string {
  return uriOfPath(modelPath).replace(/^file:/u, SCHEME);
}

/** The text at the address of a listing; null where the address leads to no model that opens. */
export function listingAt(uri: string, files: WorkspaceFiles): string | null {
  const path = uri.startsWith(SCHEME) ? pathOfUri(`file:${uri.slice(SCHEME.length)}`) : undefined;
  if (path === undefined) return null;
  const opened = files.openModel(path);
  return 'model' in opened ? listingOf(opened.model, path) : null;
}

/** The line, from 0, on which a node of the main graph stands. */
export function listingLine(model: Model, nodeIndex: number): number {
  return headerOf(model, '').length + nodeIndex;
}

const listings = new WeakMap<Model, string>();

/** `"NAME": Op("INPUT" float [1, 3], ...) -> "OUTPUT" float [1, 8]` for each node; constants by type and shape. */
export function listingOf(model: Model, path: string): string {
  let listing = listings.get(model);
  if (listing === undefined) {
    const shapes = inferShapes(model);
    const { nodeNames } = namesOf(model);
    const nodes = model.graph.nodes.map((node, index) => {
      return `${quote(nodeNames[index] ?? '')}: ${nodeText(node, model, shapes)}`;
    });
    listing = [...headerOf(model, path), ...nodes, ''].join('\n');
    listings.set(model, listing);
  }
  return listing;
}

function headerOf(model: Model, path: string): readonly string[] {
  const { graph, source, irVersion, producer, opsets } = model;
  const versions = [...opsets].map(([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${version}`);
  return [
    `# ${basename(path)}: ${formatSize(source.length)}, IR ${irVersion}, by ${oneLine(producer) || 'an unnamed producer'}`,
    `# operator sets: ${versions.map(oneLine).join(', ')}`,
    `# ${graph.nodes.length} nodes, one a line; the values of constants are left out`,
    ...graph.inputs.map((value) => `input ${quote(value.name)} ${valueText(value)}`),
    ...graph.outputs.map((value) => `output ${quote(value.name)} ${valueText(value)}`),
    '',
  ];
}

function nodeText(node: Node, model: Model, shapes: ReadonlyMap<string, Shape>): string {
  const { index } = modelFacts(model);
  const inputs = node.inputs.map((name) => {
    const constant = index.constantOf(name) ?? index.initializers.get(name);
    if (name === '') return '(left out)';
    if (constant === undefined) return tensorText(name, model, shapes);
    return `constant ${quote(name)} ${dataTypeName(constant.dataType)} ${shapeText(constant.dims)}`;
  });
  const outputs = node.outputs.filter((name) => name !== '').map((name) => tensorText(name, model, shapes));
  return `${oneLine(writeOperatorType(node))}(${inputs.join(', ')}) -> ${outputs.join(', ')}`;
}

function tensorText(name: string, model: Model, shapes: ReadonlyMap<string, Shape>): string {
  return `${quote(name)} ${elementTypeText(model, name)} ${shapeText(shapes.get(name))}`;
}

/** Names that a file holds may hold line breaks, and each node has one line. */
function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ');
}
