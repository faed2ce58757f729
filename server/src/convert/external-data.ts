/**
 * The weights of a model in one file beside it, for models beyond 2 GB: the initializers then refer to it by offset and
 * length. Moves bytes; knows nothing of precision.
 */
import {
  modelFolder,
  SourceFault,
  tensorByteLength,
  tensorBytes,
  type Graph,
  type Model,
  type Piece,
  type Tensor,
} from '../onnx/index.js';

/** What is smaller stays in the model: shapes and scalars are wanted when a session is made. */
const LEAST_EXTERNAL_BYTES = 1024;
/** Memory pages, so that a runtime can map the weights instead of reading them. */
const ALIGNMENT = 4096;

export interface PlacedGraph {
  readonly graph: Graph;
  readonly external?: { readonly location: string; readonly pieces: readonly Piece[] };
}

/** The graph with its larger initializers in a file called `location`, and what that file holds. */
export function withExternalData(model: Model, graph: Graph, location: string): PlacedGraph {
  const pieces: Piece[] = [];
  let offset = 0;
  const initializers = graph.initializers.map((tensor) => {
    const length = tensorByteLength(tensor);
    if (length === undefined || length < LEAST_EXTERNAL_BYTES) return tensor;
    const padding = (ALIGNMENT - (offset % ALIGNMENT)) % ALIGNMENT;
    if (padding > 0) pieces.push({ kind: 'bytes', bytes: new Uint8Array(padding) });
    pieces.push(pieceOf(tensor, length, model));
    const placed: Tensor = {
      ...tensor,
      data: { kind: 'external', location, offset: offset + padding, length },
    };
    offset += padding + length;
    return placed;
  });
  return pieces.length === 0
    ? { graph }
    : { graph: { ...graph, initializers }, external: { location, pieces } };
}

function pieceOf(tensor: Tensor, length: number, model: Model): Piece {
  const { data } = tensor;
  if (data.kind === 'bytes') return { kind: 'range', source: data.source, range: data.range };
  if (data.kind === 'computed') return data;
  const compute = (): Uint8Array => {
    const read = tensorBytes(tensor, modelFolder(model));
    if ('problem' in read) throw new SourceFault(read.problem.message, undefined);
    return read.bytes;
  };
  return { kind: 'computed', length, compute };
}
