/**
 * Which weights of a converted model lie in a file of external data beside it, and what that file holds: the tensors then
 * refer to it by offset and length. Moves bytes; knows nothing of precision.
 */
import {
  encodeModelSteps,
  piecesLength,
  tensorByteLength,
  type Attribute,
  type Graph,
  type LocalFunction,
  type Model,
  type Piece,
  type Steps,
  type Tensor,
} from '../onnx/index.js';
import { byteChunks } from '../plan/index.js';
import type { ConvertOptions, ExternalFile } from './problem.js';

/** A protobuf message can be no longer. */
export const LARGEST_MESSAGE = 2 ** 31 - 1;
/** What is smaller stays in the model: shapes and scalars are wanted when a session is made. */
const LEAST_EXTERNAL_BYTES = 1024;
/** Large weights begin at memory pages, so that a runtime can map them instead of reading them. */
const PAGE = 4096;
const LEAST_PAGED_BYTES = 65_536;
/** Others where a processor's vectors do. */
const ALIGNMENT = 64;

export interface PlacedModel {
  readonly graph: Graph;
  /** Of the model's file. */
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly external?: ExternalFile;
}

interface ModelParts {
  readonly graph: Graph;
  readonly functions: readonly LocalFunction[];
}

/**
 * The files of the converted model. What would be longer than a file can be has all of its weights in external data, where
 * there is a name for it; if it is too long even so, the result says so by its `bytes`. A few nodes at a time.
 */
export function* placeWeights(model: Model, parts: ModelParts, options: ConvertOptions): Steps<PlacedModel> {
  const {
    externalLocation: location,
    externalWeights: wanted = 'all',
    largestFile = LARGEST_MESSAGE,
  } = options;
  const inside = (): Steps<PlacedModel> => placed(model, parts, { graph: parts.graph });
  if (location === undefined) return yield* inside();
  const outside = (goes: (tensor: Tensor) => boolean): Steps<PlacedModel> =>
    placed(model, parts, withExternalData(model, parts.graph, location, goes));
  const isConverted = ({ data }: Tensor): boolean => data.kind === 'computed';
  const isInside = ({ data }: Tensor): boolean => data.kind !== 'external';
  if (wanted === 'all') return yield* outside(() => true);
  const small = yield* wanted === 'converted' ? outside(isConverted) : inside();
  return small.bytes <= largestFile ? small : yield* outside(isInside);
}

function* placed(
  model: Model,
  { functions }: ModelParts,
  { graph, external }: PlacedGraph,
): Steps<PlacedModel> {
  yield;
  const pieces = yield* encodeModelSteps(model, { graph, functions });
  const bytes = piecesLength(pieces);
  return external === undefined ? { graph, pieces, bytes } : { graph, pieces, bytes, external };
}

interface PlacedGraph {
  readonly graph: Graph;
  readonly external?: ExternalFile;
}

/** The graph with those of its larger initializers that `goes` takes in a file called `location`, and that file. */
function withExternalData(
  model: Model,
  graph: Graph,
  location: string,
  goes: (tensor: Tensor) => boolean,
): PlacedGraph {
  const pieces: Piece[] = [];
  let end = 0;
  const place = (tensor: Tensor): Tensor => {
    const length = tensorByteLength(tensor);
    if (length === undefined || length < LEAST_EXTERNAL_BYTES || !goes(tensor)) return tensor;
    const alignment = length < LEAST_PAGED_BYTES ? ALIGNMENT : PAGE;
    const offset = Math.ceil(end / alignment) * alignment;
    if (offset > end) pieces.push({ kind: 'bytes', bytes: new Uint8Array(offset - end) });
    pieces.push(pieceOf(tensor, length, model));
    end = offset + length;
    return { ...tensor, data: { kind: 'external', location, offset, length } };
  };
  const moved = withInitializers(graph, place);
  return pieces.length === 0 ? { graph } : { graph: moved, external: { location, pieces } };
}

/** Those of sub-graphs too; what has none keeps being the same object. */
function withInitializers(graph: Graph, place: (tensor: Tensor) => Tensor): Graph {
  const initializers = mapped(graph.initializers, place);
  const inAttribute = (attribute: Attribute): Attribute => {
    if (attribute.kind === 'graph') {
      const value = withInitializers(attribute.value, place);
      return value === attribute.value ? attribute : { ...attribute, value };
    }
    if (attribute.kind !== 'graphs') return attribute;
    const value = mapped(attribute.value, (one) => withInitializers(one, place));
    return value === attribute.value ? attribute : { ...attribute, value };
  };
  const nodes = mapped(graph.nodes, (node) => {
    const attributes = mapped(node.attributes, inAttribute);
    return attributes === node.attributes ? node : { ...node, attributes };
  });
  const isSame = initializers === graph.initializers && nodes === graph.nodes;
  return isSame ? graph : { ...graph, initializers, nodes };
}

/** The very list where nothing in it becomes another object. */
function mapped<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change);
  return changed.every((item, index) => item === list[index]) ? list : changed;
}

function pieceOf(tensor: Tensor, length: number, model: Model): Piece {
  const { data } = tensor;
  if (data.kind === 'bytes') return { kind: 'range', source: data.source, range: data.range };
  if (data.kind === 'computed') return data;
  return { kind: 'computed', length, parts: () => byteChunks(tensor, model) };
}
