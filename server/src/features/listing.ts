/**
 * The listing of a model, its ONNX text, for people to read and for definitions to lead to. Also where it is: a document
 * that no file holds, at `onnx-precision-listing:` with the path of the model. An editor that opens such documents says so
 * in its capabilities (`experimental: { onnxPrecisionListing: true }`) and gets their text by the request
 * `onnxPrecision/listing` with `{ uri }`, which answers the text, or null where no model is. Weights are never read.
 */
import { basename } from 'node:path';
import { RequestType } from 'vscode-languageserver';
import { modelText, nodeLines, type Model, type Node } from '../onnx/index.js';
import { formatSize } from '../report/index.js';
import { pathOfUri, uriOfPath } from './document-path.js';
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

/** The line, from 0, on which a node begins; the first line for one that is not in the file. */
export function listingLine(model: Model, node: Node): number {
  let lines = known.get(model);
  if (lines === undefined) {
    lines = nodeLines(model);
    known.set(model, lines);
  }
  const line = lines.get(node);
  return line === undefined ? 0 : 1 + line;
}

const known = new WeakMap<Model, ReturnType<typeof nodeLines>>();

/** The model as ONNX text, below a line that says which file it is. */
function listingOf(model: Model, path: string): string {
  const head = `# ${oneLine(basename(path))}: ${formatSize(model.source.length)}, ${model.graph.nodes.length} nodes; the values of constants are left out`;
  return [head, ...modelText(model).lines, ''].join('\n');
}

/** The name of a file may hold line breaks. */
function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ');
}
