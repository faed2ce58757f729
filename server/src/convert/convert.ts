/**
 * Model and precision graph to the mixed-precision model. Everything is checked before anything can be written: weights
 * against the range of their format, and the whole result by type inference. Decides no precision.
 */
import {
  encodeModel,
  inferTypes,
  piecesLength,
  type Graph,
  type Model,
  type Tensor,
  type TypeProblem,
} from '../onnx/index.js';
import type { ConstantCopy, PrecisionGraph } from '../plan/index.js';
import { withExternalData } from './external-data.js';
import { mixedGraph } from './mixed-graph.js';
import type {
  ConversionProblem,
  ConversionResult,
  ConversionSummary,
  ConversionWarning,
  ConvertOptions,
} from './problem.js';
import { storedCopy } from './stored-copy.js';

/** A protobuf message can be no longer. */
const LARGEST_FILE = 2 ** 31 - 1;

/**
 * The converted model, to be written with `writePieces`, or why there is none. The same graph gives the same
 * bytes; a graph that changes nothing gives the bytes of the model's file. Weights are read once to be checked and
 * once more when they are written, never all at a time. The model's source must stay open until then.
 */
export function convert(graph: PrecisionGraph, options: ConvertOptions = {}): ConversionResult {
  const { model } = graph;
  const stored = storeCopies(graph);
  if ('problems' in stored) return stored;
  const { tensors, warnings } = stored;
  const isChanged = graph.casts.length > 0 || graph.constants.length > 0 || graph.writtenTypes.size > 0;
  const mixed = isChanged ? mixedGraph(graph, (copy) => tensors.get(copy) ?? copy.value) : model.graph;
  const problems = isChanged ? newTypeProblems(model, mixed) : [];
  if (problems.length > 0) return { problems };

  const placed =
    options.externalLocation === undefined
      ? { graph: mixed }
      : withExternalData(model, mixed, options.externalLocation);
  const pieces = encodeModel(model, placed.graph === model.graph ? {} : { graph: placed.graph });
  const bytes = piecesLength(pieces);
  if (bytes > LARGEST_FILE) return { problems: [tooLarge(bytes)] };
  if (placed.external === undefined) warnings.push(...keptExternalData(placed.graph));
  const summary: ConversionSummary = {
    casts: graph.casts.length,
    layers: layersByFormat(graph),
    bytes,
    warnings,
  };
  return placed.external === undefined ? { pieces, summary } : { pieces, external: placed.external, summary };
}

interface StoredCopies {
  readonly tensors: ReadonlyMap<ConstantCopy, Tensor>;
  readonly warnings: ConversionWarning[];
}

function storeCopies(
  graph: PrecisionGraph,
): StoredCopies | { readonly problems: readonly ConversionProblem[] } {
  const names = new Map(graph.decisions.map(({ layer }) => [layer.nodeIndex, layer.name]));
  const tensors = new Map<ConstantCopy, Tensor>();
  const warnings: ConversionWarning[] = [];
  const problems: ConversionProblem[] = [];
  for (const copy of graph.constants) {
    const reader = copy.readers.find(({ node }) => names.has(node));
    const stored = storedCopy(copy, graph.model, reader === undefined ? undefined : names.get(reader.node));
    if ('problem' in stored) problems.push(stored.problem);
    else {
      tensors.set(copy, stored.tensor);
      warnings.push(...stored.warnings);
    }
  }
  return problems.length > 0 ? { problems } : { tensors, warnings };
}

/** What type inference finds wrong with the result and not with the original. */
function newTypeProblems(model: Model, graph: Graph): readonly ConversionProblem[] {
  const { opsets, functions } = model;
  const keyOf = ({ code, node, tensor }: TypeProblem): string => [code, node, tensor].join('\n');
  const before = new Set(inferTypes(model).problems.map(keyOf));
  return inferTypes({ graph, opsets, functions })
    .problems.filter((problem) => !before.has(keyOf(problem)))
    .map((problem) => ({
      code: 'type-problem',
      message: `${problem.message}. The converted model was not written; keep "${problem.node}" in its own format.`,
      layer: problem.node,
      tensor: problem.tensor,
    }));
}

function layersByFormat(graph: PrecisionGraph): Record<string, number> {
  const layers: Record<string, number> = {};
  for (const { format } of graph.decisions) layers[format] = (layers[format] ?? 0) + 1;
  return layers;
}

function tooLarge(bytes: number): ConversionProblem {
  return {
    code: 'too-large',
    message: `the converted model has ${bytes} bytes, and a file of this format at most ${LARGEST_FILE}: have its weights written to a file of external data`,
  };
}

function keptExternalData(graph: Graph): readonly ConversionWarning[] {
  const kept = graph.initializers.find((tensor) => tensor.data.kind === 'external');
  if (kept?.data.kind !== 'external') return [];
  const message = `weights that keep their type stay in "${kept.data.location}", which must lie beside the converted model`;
  return [{ code: 'external-data-kept', message, tensor: kept.name }];
}
