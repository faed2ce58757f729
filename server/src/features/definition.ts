/** Definition: from a layer's name to its line in the model's listing, from a path to the file. */
import type { Location, LocationLink, Position } from 'vscode-languageserver';
import type { TracedPlan } from '../plan/index.js';
import type { ClientAbilities } from './capabilities.js';
import { fileOf } from './document-links.js';
import { uriOfPath } from './document-path.js';
import { listingLine, listingUri } from './listing.js';
import { namesOf } from './model-names.js';
import type { OpenPlan } from './open-plan.js';
import { type Part, partAt } from './parts.js';
import { protocolRange } from './positions.js';

type Abilities = Pick<ClientAbilities, 'takesLocationLinks' | 'showsListings'>;

export function definitionOf(
  open: OpenPlan,
  position: Position,
  { takesLocationLinks, showsListings }: Abilities,
): LocationLink[] | Location | null {
  const part = partAt(open.tree, open.document.offsetAt(position));
  if (part === undefined) return null;
  const target = (showsListings ? inListing(part, open) : undefined) ?? inFile(part, open);
  if (target === undefined) return null;
  const { uri, line } = target;
  const range = { start: { line, character: 0 }, end: { line, character: 0 } };
  if (!takesLocationLinks) return { uri, range };
  // The names of layers hold what ends a word in most editors: without this only a piece of one is underlined.
  const originSelectionRange = protocolRange(open.document, part.range);
  return [{ targetUri: uri, targetRange: range, targetSelectionRange: range, originSelectionRange }];
}

/** The start of a line of a document. */
export interface Target {
  readonly uri: string;
  readonly line: number;
}

function inListing({ role, text }: Part, { plan }: OpenPlan): Target | undefined {
  if (plan === undefined) return undefined;
  const uri = listingUri(plan.modelPath);
  if (role === 'model path') return { uri, line: 0 };
  return role === 'layer' ? nodeInListing(plan, text) : undefined;
}

/** The line at which the node of a name begins, a layer's or another's. */
export function nodeInListing({ model, modelPath }: TracedPlan, name: string): Target | undefined {
  const { layers, layerIndex, nodeIndex } = namesOf(model);
  const node = layers[layerIndex.get(name) ?? -1]?.node ?? model.graph.nodes[nodeIndex.get(name) ?? -1];
  return node === undefined ? undefined : { uri: listingUri(modelPath), line: listingLine(model, node) };
}

function inFile(part: Part, open: OpenPlan): Target | undefined {
  const path = fileOf(part, open);
  return path === undefined ? undefined : { uri: uriOfPath(path), line: 0 };
}
