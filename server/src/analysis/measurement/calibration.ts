/**
 * Scales of the integer formats of a plan: of weights from their values, of what layers read and write from the values that
 * the original gives over the samples. Knows which values are looked at; how a range is chosen from them is `formats/`.
 */
import { setImmediate } from 'node:timers/promises';
import { exposedSteps } from '../../emulate/index.js';
import {
  chooseQuantization,
  integerRange,
  minmaxRange,
  type IntegerFormatName,
  type Quantization,
  type RangeChoice,
} from '../../formats/index.js';
import {
  constantOf,
  floatsOf,
  modelScopes,
  wantedQuantizations,
  withQuantizations,
  type PrecisionGraph,
  type WantedQuantization,
} from '../../plan/index.js';
import type { Session } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { keptResults } from '../sessions/kept-results.js';
import {
  canBeSearched,
  leastOutputErrors,
  type SearchedTensor,
  type WholeRange,
} from './least-output-error.js';
import { readFloats } from './read-floats.js';

/** Whether the graph has integer formats whose scales only a run over the samples can tell. */
export function needsSamples(graph: PrecisionGraph): boolean {
  return wantedOf(graph).some((one) => !one.rounding.isWeight || one.rounding.quantize.name === 'output_mse');
}

/** What was found for a model on its samples: a plan that changes asks for little that is new. By the original's session. */
const remembered = new WeakMap<Session, Map<string, Quantization>>();

/** Elements of one tensor that are kept for choices that look at all samples at once. */
const MOST_KEPT = 4_000_000;
/** Tensors looked at in one pass, where all of their values have to be kept. */
const TENSORS_PER_PASS = 8;

/**
 * The graph with the scales that its integer formats need. Weights and tensors are looked at one after the other.
 *
 * @param open gives the samples; not called where weights are all that is wanted.
 */
export async function calibrated(
  graph: PrecisionGraph,
  open: () => Promise<Evaluation>,
  options: WorkOptions = {},
): Promise<PrecisionGraph> {
  const wanted = wantedOf(graph);
  if (wanted.length === 0) return graph;
  const evaluation = needsSamples(graph) ? await open() : undefined;
  const known =
    (evaluation === undefined ? undefined : remembered.get(evaluation.original)) ??
    new Map<string, Quantization>();
  const missing = wanted.filter(({ key }) => !known.has(key));
  for (const one of missing) {
    const { isWeight, quantize } = one.rounding;
    if (isWeight && quantize.name !== 'output_mse')
      known.set(one.key, weightQuantization(graph, one, quantize));
  }
  if (evaluation !== undefined) {
    remembered.set(evaluation.original, known);
    await findFromSamples(evaluation, graph, known, missing, options);
  }
  const found = wanted.flatMap(({ key }): [string, Quantization][] => {
    const quantization = known.get(key);
    return quantization === undefined ? [] : [[key, quantization]];
  });
  return withQuantizations(graph, new Map(found));
}

/** Scales that only a run over the samples tells: kept one by one, so that what is cancelled goes on where it stopped. */
async function findFromSamples(
  evaluation: Evaluation,
  graph: PrecisionGraph,
  known: Map<string, Quantization>,
  missing: readonly WantedQuantization[],
  options: WorkOptions,
): Promise<void> {
  const store = keptResults(evaluation);
  const recipeOf = ({ key, node }: WantedQuantization): { scales: string; node: number } => ({
    scales: key,
    node,
  });
  const left: WantedQuantization[] = [];
  for (const one of missing) {
    if (known.has(one.key)) continue;
    const kept = (await store?.find(KIND, recipeOf(one))) as Quantization | undefined;
    if (kept === undefined) left.push(one);
    else known.set(one.key, kept);
  }
  const found = async (one: WantedQuantization, quantization: Quantization): Promise<void> => {
    known.set(one.key, quantization);
    await store?.keep(KIND, recipeOf(one), quantization);
  };
  const isSearched = (one: WantedQuantization): boolean =>
    one.rounding.quantize.name === 'output_mse' && !isWritten(graph, one) && canBeSearched(evaluation, one);
  for (const one of left) {
    // A weight of a layer that cannot be run by itself.
    if (one.rounding.isWeight && !isSearched(one))
      await found(one, weightQuantization(graph, one, OWN_ERROR));
  }
  const looked = left.filter(({ rounding }) => !rounding.isWeight);
  const searched = left.filter(isSearched);
  const ranges = new Map<string, Quantization>();
  const all = looked.filter((one) => isSearched(one) || one.rounding.quantize.name === 'minmax');
  await observe(
    evaluation,
    all,
    async (one, quantization) => {
      if (isSearched(one)) ranges.set(one.key, quantization);
      else await found(one, quantization);
    },
    { ...options, onlyRanges: true },
  );
  const kept = looked.filter((one) => !all.includes(one));
  for (let start = 0; start < kept.length; start += TENSORS_PER_PASS) {
    await observe(evaluation, kept.slice(start, start + TENSORS_PER_PASS), found, {
      ...options,
      onlyRanges: false,
    });
  }
  const tensors = searched.map((one) => searchedTensor(graph, one, ranges.get(one.key)));
  await leastOutputErrors(evaluation, graph, tensors, found, options);
}

/** What stands for the error of an output: that of the tensor itself, with each end of its range by itself. */
const OWN_ERROR: RangeChoice = { name: 'learned' };

/** Under which scales are kept. */
const KIND = 'scales';

/** What a layer writes is its output: the tensor's own error is that of the layer. */
function isWritten(graph: PrecisionGraph, { node, tensor }: WantedQuantization): boolean {
  const place = modelScopes(graph.model).nodes[node]?.outputs.indexOf(tensor) ?? -1;
  return place >= 0 && graph.roundings.get(node)?.outputs[place] !== undefined;
}

function searchedTensor(
  graph: PrecisionGraph,
  one: WantedQuantization,
  whole: Quantization | undefined,
): SearchedTensor {
  if (!one.rounding.isWeight) return { wanted: one, whole: rangesOf(whole, false), constant: undefined };
  const constant = weightValues(graph, one.tensor);
  const unclipped = weightQuantization(graph, one, { name: 'minmax' });
  return { wanted: one, whole: rangesOf(unclipped, true), constant };
}

/** From the least code to the greatest, by scale; of weights as far below zero as above it. */
function rangesOf(quantization: Quantization | undefined, isSymmetric: boolean): readonly WholeRange[] {
  const { lowest, highest } = integerRange(quantization?.format ?? 'int8');
  const least = isSymmetric ? -highest : lowest;
  return (quantization?.scales ?? []).map(({ scale, zeroPoint }) => ({
    lowest: (least - zeroPoint) * scale,
    highest: (highest - zeroPoint) * scale,
  }));
}

function wantedOf(graph: PrecisionGraph): readonly WantedQuantization[] {
  return wantedQuantizations(graph, modelScopes(graph.model).nodes);
}

function weightValues(
  graph: PrecisionGraph,
  tensor: string,
): { values: Float32Array; dims: readonly number[] } {
  const scoped = modelScopes(graph.model).tensors.get(tensor);
  const constant = scoped === undefined ? undefined : constantOf(scoped);
  const values = constant === undefined ? undefined : floatsOf(constant, graph.model);
  return { values: Float32Array.from(values ?? []), dims: constant?.dims ?? [] };
}

function weightQuantization(
  graph: PrecisionGraph,
  { tensor, rounding }: WantedQuantization,
  choice: RangeChoice,
): Quantization {
  const { values, dims } = weightValues(graph, tensor);
  const { axis } = rounding;
  const format = integerFormat(rounding.format);
  const wish = { format, choice, symmetric: true, ...(axis === undefined ? {} : { axis }) };
  return chooseQuantization(wish, [values], dims);
}

function integerFormat(format: string): IntegerFormatName {
  return format === 'int4' ? 'int4' : 'int8';
}

/** One pass of the original over the samples, of which some tensors are looked at. */
async function observe(
  evaluation: Evaluation,
  wanted: readonly WantedQuantization[],
  found: (one: WantedQuantization, quantization: Quantization) => void | Promise<void>,
  { signal, progress, onlyRanges }: WorkOptions & { readonly onlyRanges: boolean },
): Promise<void> {
  if (wanted.length === 0) return;
  const { runtime, model, folder, feeds } = evaluation;
  const names = [...new Set(wanted.map(({ tensor }) => tensor))];
  const { bytes } = await inSlices(exposedSteps(model, names));
  const session = await runtime.open(
    { model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
    signal,
  );
  const seen = new Map<string, Float32Array[]>(names.map((name) => [name, []]));
  try {
    for (const [sample, feed] of feeds.entries()) {
      progress?.(sample, feeds.length, 'ranges of integer formats');
      const outputs = await runtime.run(session, feed, names, signal);
      try {
        for (const [name, handle] of Object.entries(outputs)) {
          const values = await readFloats(evaluation, handle, signal);
          seen.get(name)?.push(onlyRanges ? outermost(values) : thinned(values, feeds.length));
        }
      } finally {
        await runtime.release(Object.values(outputs));
      }
    }
  } finally {
    await runtime.close(session);
  }
  for (const one of wanted) {
    // What is chosen from millions of values takes a while, and may be cancelled in between.
    await setImmediate();
    signal?.throwIfAborted();
    const { quantize } = one.rounding;
    const choice: RangeChoice = onlyRanges
      ? { name: 'minmax' }
      : quantize.name === 'output_mse'
        ? OWN_ERROR
        : quantize;
    const format = integerFormat(one.rounding.format);
    await found(
      one,
      chooseQuantization({ format, choice, symmetric: false }, seen.get(one.tensor) ?? [], []),
    );
  }
}

function outermost(values: Float32Array): Float32Array {
  const { lowest, highest } = minmaxRange(values);
  return Float32Array.of(lowest, highest);
}

/** Every nth element, where all samples together would be too many to be kept. */
function thinned(values: Float32Array, samples: number): Float32Array {
  const step = Math.ceil((values.length * samples) / MOST_KEPT);
  return step <= 1 ? values : values.filter((_, at) => at % step === 0);
}
