/**
 * Scales of the integer formats of a plan: of weights from their values, of what layers read and write from the values that
 * the original gives over the samples. Knows which values are looked at; how a range is chosen from them is `formats/`.
 */
import { emulatedTensorsSteps, exposedSteps } from '../../emulate/index.js';
import {
  chooseQuantization,
  decodeFp16,
  leastOutputErrorRange,
  minmaxRange,
  scaleOf,
  type IntegerFormatName,
  type Quantization,
  type RangeChoice,
} from '../../formats/index.js';
import { DataType } from '../../onnx/index.js';
import {
  constantOf,
  floatsOf,
  modelScopes,
  wantedQuantizations,
  withQuantizations,
  type PrecisionGraph,
  type WantedQuantization,
} from '../../plan/index.js';
import type { TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';

/** Whether the graph has integer formats whose scales only a run over the samples can tell. */
export function needsSamples(graph: PrecisionGraph): boolean {
  return wantedOf(graph).some((one) => !one.rounding.isWeight || one.rounding.quantize.name === 'output_mse');
}

/** What was found for a model on its samples: a plan that changes asks for little that is new. */
const remembered = new WeakMap<Evaluation, Map<string, Quantization>>();

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
    (evaluation === undefined ? undefined : remembered.get(evaluation)) ?? new Map<string, Quantization>();
  if (evaluation !== undefined) remembered.set(evaluation, known);
  const missing = wanted.filter(({ key }) => !known.has(key));
  for (const one of missing) {
    const { isWeight, quantize } = one.rounding;
    if (isWeight && quantize.name !== 'output_mse')
      known.set(one.key, weightQuantization(graph, one, quantize));
  }
  if (evaluation !== undefined) {
    const run = missing.filter((one) => !one.rounding.isWeight);
    const all = run.filter((one) => one.rounding.quantize.name === 'minmax');
    await observe(evaluation, all, known, options);
    const kept = run.filter((one) => one.rounding.quantize.name !== 'minmax');
    for (let start = 0; start < kept.length; start += TENSORS_PER_PASS) {
      await observe(evaluation, kept.slice(start, start + TENSORS_PER_PASS), known, options);
    }
    for (const one of missing.filter(({ rounding }) => rounding.quantize.name === 'output_mse')) {
      known.set(one.key, await leastOutputError(evaluation, graph, one, known, options));
    }
  }
  const found = wanted.flatMap(({ key }): [string, Quantization][] => {
    const quantization = known.get(key);
    return quantization === undefined ? [] : [[key, quantization]];
  });
  return withQuantizations(graph, new Map(found));
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
  found: Map<string, Quantization>,
  { signal, progress }: WorkOptions,
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
  const onlyRanges = wanted.every(({ rounding }) => rounding.quantize.name === 'minmax');
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
  for (const { key, tensor, rounding } of wanted) {
    const choice: RangeChoice =
      rounding.quantize.name === 'output_mse' ? { name: 'minmax' } : rounding.quantize;
    const samples = seen.get(tensor) ?? [];
    const format = integerFormat(rounding.format);
    found.set(key, chooseQuantization({ format, choice, symmetric: false }, samples, []));
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

async function readFloats(
  { runtime }: Evaluation,
  handle: TensorHandle,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const bytes = await runtime.read(handle, signal);
  const { buffer, byteOffset, byteLength } = bytes;
  switch (handle.dataType) {
    case DataType.FLOAT:
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case DataType.FLOAT16:
      return decodeFp16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    default:
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
  }
}

/** The range of one tensor with which the output of its layer errs least, everything else being exact. */
async function leastOutputError(
  evaluation: Evaluation,
  graph: PrecisionGraph,
  one: WantedQuantization,
  known: ReadonlyMap<string, Quantization>,
  { signal }: WorkOptions,
): Promise<Quantization> {
  const { runtime, folder, feeds } = evaluation;
  const { key, node, rounding, tensor } = one;
  const scoped = modelScopes(graph.model).nodes[node];
  const output = scoped?.outputs.find((id) => id !== '') ?? tensor;
  const full = rounding.isWeight ? minmaxRange(weightValues(graph, tensor).values) : rangeOf(known.get(key));
  const format = integerFormat(rounding.format);
  const symmetric = rounding.isWeight;
  const runs = async (of: PrecisionGraph): Promise<readonly Float32Array[]> => {
    const { bytes } = await inSlices(emulatedTensorsSteps(of, [output]));
    const session = await runtime.open(
      { model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
      signal,
    );
    try {
      const all: Float32Array[] = [];
      for (const feed of feeds) {
        const outputs = await runtime.run(session, feed, [output], signal);
        const handle = outputs[output];
        if (handle !== undefined) all.push(await readFloats(evaluation, handle, signal));
        await runtime.release(Object.values(outputs));
      }
      return all;
    } finally {
      await runtime.close(session);
    }
  };
  const alone = onlyRounding(graph, one);
  const exact = await runs({ ...graph, roundings: new Map() });
  const range = await leastOutputErrorRange(full, symmetric, async (candidate) => {
    const quantization: Quantization = { format, scales: [scaleOf({ format, symmetric }, candidate)] };
    const actual = await runs({ ...alone, quantizations: new Map([[key, quantization]]) });
    return squaredDistance(exact, actual);
  });
  return { format, scales: [scaleOf({ format, symmetric }, range)] };
}

/** The graph in which nothing is rounded but this tensor, where this node has it. */
function onlyRounding(graph: PrecisionGraph, { key, tensor, node }: WantedQuantization): PrecisionGraph {
  const scoped = modelScopes(graph.model).nodes[node];
  const own = graph.roundings.get(node);
  const inputs = own?.inputs.map((one, at) => (scoped?.inputs[at] === tensor ? one : undefined)) ?? [];
  const outputs = own?.outputs.map((one, at) => (scoped?.outputs[at] === tensor ? one : undefined)) ?? [];
  const quantizations = new Map([...graph.quantizations].filter(([one]) => one === key));
  return { ...graph, roundings: new Map([[node, { inputs, outputs }]]), quantizations };
}

function rangeOf(quantization: Quantization | undefined): { lowest: number; highest: number } {
  const [{ scale, zeroPoint } = { scale: 0, zeroPoint: 0 }] = quantization?.scales ?? [];
  const [least, most] = quantization?.format === 'int4' ? [-8, 7] : [-128, 127];
  return { lowest: (least - zeroPoint) * scale, highest: (most - zeroPoint) * scale };
}

function squaredDistance(exact: readonly Float32Array[], actual: readonly Float32Array[]): number {
  let sum = 0;
  for (const [sample, values] of exact.entries()) {
    const others = actual[sample];
    for (const [at, value] of values.entries()) sum += ((others?.[at] ?? 0) - value) ** 2;
  }
  return sum;
}
