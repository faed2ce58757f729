/**
 * Model and precision graph to the mixed-precision model. Everything is checked before anything can be written: weights
 * against the range of their format, and the whole result by type inference. Decides no precision.
 */
import {
  finish,
  inferTypesSteps,
  type Graph,
  type Model,
  type Steps,
  type Tensor,
  type TypeProblem,
} from '../onnx/index.js';
import { accumulationText, type ConstantCopy, type PrecisionGraph } from '../plan/index.js';
import { LARGEST_MESSAGE, placeWeights } from './external-data.js';
import { mixedGraph, type MixedParts } from './mixed-graph.js';
import type {
  ConversionProblem,
  ConversionResult,
  ConversionSummary,
  ConversionWarning,
  ConvertOptions,
} from './problem.js';
import { isRounding, roundingProblems } from './refused-roundings.js';
import { runtimeWarnings } from './runtime-limits.js';
import { storedCopy } from './stored-copy.js';

/**
 * The converted model, to be written with `writePieces`, or why there is none. The same graph gives the same
 * bytes; a graph that changes nothing gives the bytes of the model's file. Weights are read once to be checked and
 * once more when they are written, never all at a time. The model's source must stay open until then.
 */
export function convert(graph: PrecisionGraph, options: ConvertOptions = {}): ConversionResult {
  return finish(convertSteps(graph, options));
}

/** The same, a few nodes or a chunk of a weight at a time. */
export function* convertSteps(graph: PrecisionGraph, options: ConvertOptions = {}): Steps<ConversionResult> {
  const { model } = graph;
  const refused = yield* roundingProblems(graph);
  if (refused.length > 0) return { problems: refused };
  const stored = yield* storeCopies(graph);
  if ('problems' in stored) return stored;
  const { tensors, warnings } = stored;
  warnings.push(...accumulationWarnings(graph), ...runtimeWarnings(graph));
  const rounds = [...graph.roundings.values()].some((one) => isRounding(one) || one.held !== undefined);
  const isChanged =
    rounds || graph.casts.length > 0 || graph.constants.length > 0 || graph.writtenTypes.size > 0;
  const tensorOf = (copy: ConstantCopy): Tensor => tensors.get(copy) ?? copy.value;
  const mixed = isChanged ? yield* mixedGraph(graph, tensorOf) : model;
  const problems = isChanged ? yield* newTypeProblems(model, mixed) : [];
  if (problems.length > 0) return { problems };

  const { pieces, bytes, external, graph: placed } = yield* placeWeights(model, mixed, options);
  const { largestFile = LARGEST_MESSAGE } = options;
  if (bytes > largestFile) return { problems: [tooLarge(bytes, largestFile)] };
  warnings.push(...keptExternalData(placed, external?.location));
  const summary: ConversionSummary = {
    casts: graph.casts.length,
    layers: layersByFormat(graph),
    bytes,
    warnings,
  };
  return external === undefined ? { pieces, summary } : { pieces, external, summary };
}

interface StoredCopies {
  readonly tensors: ReadonlyMap<ConstantCopy, Tensor>;
  readonly warnings: ConversionWarning[];
}

function* storeCopies(
  graph: PrecisionGraph,
): Steps<StoredCopies | { readonly problems: readonly ConversionProblem[] }> {
  const names = new Map(graph.decisions.map(({ layer }) => [layer.nodeIndex, layer.name]));
  const tensors = new Map<ConstantCopy, Tensor>();
  const warnings: ConversionWarning[] = [];
  const problems: ConversionProblem[] = [];
  for (const copy of graph.constants) {
    const reader = copy.readers.find(({ node }) => names.has(node));
    const layer = reader === undefined ? undefined : names.get(reader.node);
    const stored = yield* storedCopy(copy, graph.model, layer);
    if ('problem' in stored) problems.push(stored.problem);
    else {
      tensors.set(copy, stored.tensor);
      warnings.push(...stored.warnings);
    }
  }
  return problems.length > 0 ? { problems } : { tensors, warnings };
}

/** ONNX says nothing of how sums are added up. */
function accumulationWarnings({ decisions, roundings }: PrecisionGraph): readonly ConversionWarning[] {
  const first = decisions.find(({ layer }) => roundings.get(layer.nodeIndex)?.accumulate !== undefined);
  const accumulate = roundings.get(first?.layer.nodeIndex ?? -1)?.accumulate;
  if (first === undefined || accumulate === undefined) return [];
  const count = [...roundings.values()].filter((one) => one.accumulate !== undefined).length;
  const layers =
    count === 1 ? `layer "${first.layer.name}"` : `${count} layers (first: "${first.layer.name}")`;
  const message = `${layers} add up in ${accumulationText(accumulate)} in the plan, which ONNX cannot express: the written model adds up as its runtime does`;
  return [{ code: 'accumulation-not-expressed', message, tensor: '', layer: first.layer.name }];
}

/** What type inference finds wrong with the result and not with the original. */
function* newTypeProblems(
  model: Model,
  { graph, functions }: MixedParts,
): Steps<readonly ConversionProblem[]> {
  const { opsets } = model;
  const keyOf = ({ code, node, tensor }: TypeProblem): string => [code, node, tensor].join('\n');
  const before = new Set((yield* inferTypesSteps(model)).problems.map(keyOf));
  const after = yield* inferTypesSteps({ graph, opsets, functions });
  return after.problems
    .filter((problem) => !before.has(keyOf(problem)))
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

function tooLarge(bytes: number, largestFile: number): ConversionProblem {
  return {
    code: 'too-large',
    message: `the converted model has ${bytes} bytes, and a file of this format at most ${largestFile}: have its weights written to a file of external data`,
  };
}

/** @param own the file that is written with the model. */
function keptExternalData(graph: Graph, own: string | undefined): readonly ConversionWarning[] {
  const kept = graph.initializers.find(({ data }) => data.kind === 'external' && data.location !== own);
  if (kept?.data.kind !== 'external') return [];
  const message = `weights that keep their type stay in "${kept.data.location}", which must lie beside the converted model`;
  return [{ code: 'external-data-kept', message, tensor: kept.name }];
}
