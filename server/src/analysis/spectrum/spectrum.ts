/**
 * The largest eigenvalue of the Gauss-Newton Hessian of half the squared relative error, and log det(I + H / lambda), for the
 * output of a layer and for its constants. H = J'J is never made: its other eigenvalues being 0, those of J J' are looked at,
 * which is as small as the model's outputs. A product with it is a backward run, J'u, and a difference of two forward runs along that.
 *
 * Costs two sessions for each layer and three runs for each product, so it is for layers that are named. The Gram matrix of a
 * sketch's few probes is no substitute: where the spectrum is flat, all of its eigenvalues are those of chance.
 */
import { backwardSteps, backwardVariantSteps } from '../../gradients/index.js';
import { DataType, makeTensorType, makeValueInfo } from '../../onnx/index.js';
import { isInMainGraph, modelFacts, roundingEventsSteps, type Layer } from '../../plan/index.js';
import type { Session, TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import { concreteShapes, samplesByShape } from '../sessions/sample-shapes.js';
import { effortOf, NO_EFFORT, type Effort, type Results } from '../remembered.js';
import { elementsOf, floatsOf, takenBy } from '../sessions/session-tensors.js';
import { displacedSteps, type Place } from './displaced.js';
import { eigenvaluesOf, type Eigenvalues } from './lanczos.js';

/** Of one layer; means over samples. */
export interface LayerSpectrum {
  readonly layer: Layer;
  /** With respect to what the layer writes; undefined where no gradient comes to it. */
  readonly output: Eigenvalues | undefined;
  /** With respect to its constants, all together; undefined for a layer without, too. */
  readonly weights: Eigenvalues | undefined;
}

export interface LayerSpectrumOptions extends WorkOptions {
  /** 1 if left out. */
  readonly lambda?: number | undefined;
  readonly seed?: number | undefined;
  /** Lanczos steps for each random vector. */
  readonly steps?: number | undefined;
  /** Random vectors for each sample. */
  readonly vectors?: number | undefined;
}

/** Eigenvalues at the top of a spectrum are found in so many steps to some percent, unless they are many and alike. */
const USUAL_STEPS = 12;
const VERSION = 1;
const SPECTRUM = 'spectrum';

interface StoredSpectrum {
  readonly output: Eigenvalues | null;
  readonly weights: Eigenvalues | null;
}

/**
 * Looks at `layers` one after the other; what is known of a layer is kept as soon as it is.
 *
 * @param outputs those that errors are of; each counts relative to its own norm.
 */
export async function knownSpectra(
  results: Results,
  layers: readonly Layer[],
  outputs: readonly string[],
  options: LayerSpectrumOptions = {},
): Promise<Effort & { readonly spectra: readonly LayerSpectrum[] }> {
  const { lambda = 1, seed = 0, steps = USUAL_STEPS, vectors = 1, signal, progress } = options;
  const settings = { lambda, seed, steps, vectors };
  const spectra: LayerSpectrum[] = [];
  let effort: Effort = NO_EFFORT;
  for (const [at, layer] of layers.entries()) {
    progress?.(at, layers.length, 'spectrum');
    const recipe = { layer: layer.nodeIndex, outputs, ...settings, version: VERSION };
    let found = (await results.find(SPECTRUM, recipe)) as StoredSpectrum | undefined;
    if (found === undefined) {
      const looked = await layerSpectrum(await results.evaluation(), layer, outputs, settings, signal);
      effort = effortOf(effort, looked);
      found = { output: looked.output ?? null, weights: looked.weights ?? null };
      await results.keep(SPECTRUM, recipe, found);
    }
    const { output, weights } = found;
    spectra.push({ layer, output: output ?? undefined, weights: weights ?? undefined });
  }
  progress?.(layers.length, layers.length, 'spectrum');
  return { spectra, ...effort };
}

interface Settings {
  readonly lambda: number;
  readonly seed: number;
  readonly steps: number;
  readonly vectors: number;
}

async function layerSpectrum(
  evaluation: Evaluation,
  layer: Layer,
  outputs: readonly string[],
  settings: Settings,
  signal: AbortSignal | undefined,
): Promise<Effort & { readonly output: Eigenvalues | undefined; readonly weights: Eigenvalues | undefined }> {
  const { model } = evaluation;
  const counts = { sessions: 0, inferences: 0 };
  if (!isInMainGraph(model, layer.nodeIndex)) return { output: undefined, weights: undefined, ...counts };
  const found: { output: Eigenvalues[]; weights: Eigenvalues[] } = { output: [], weights: [] };
  for (const [first, samples] of samplesByShape(evaluation)) {
    const sample = evaluation.samples[first];
    if (sample === undefined) continue;
    const shapes = concreteShapes(await observedShapes(evaluation.runtime, model, sample, { signal }));
    counts.sessions += 1;
    counts.inferences += 1;
    for (const kind of ['output', 'weights'] as const) {
      const places = await placesOf(evaluation, layer, kind, shapes);
      const products = await openProducts(evaluation, places, layer, outputs, shapes, signal);
      if (products === undefined) continue;
      counts.sessions += 2;
      try {
        for (const one of samples) {
          const size = products.sizeOf(one);
          const own = await eigenvaluesOf(
            size,
            async (vector) => {
              const { product, runs } = await products.times(one, vector);
              counts.inferences += runs;
              return product;
            },
            { ...settings, seed: settings.seed * 1009 + one },
          );
          found[kind].push(own);
        }
      } finally {
        await products.close();
      }
    }
  }
  return { output: meanOf(found.output), weights: meanOf(found.weights), ...counts };
}

function meanOf(all: readonly Eigenvalues[]): Eigenvalues | undefined {
  if (all.length === 0) return undefined;
  const mean = (of: (one: Eigenvalues) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length;
  return {
    largest: mean(({ largest }) => largest),
    logDeterminant: mean(({ logDeterminant }) => logDeterminant),
    exact: all.every(({ exact }) => exact),
  };
}

/** Where the layer's output or its constants stand, those of FP32. */
async function placesOf(
  { model }: Evaluation,
  layer: Layer,
  kind: 'output' | 'weights',
  shapes: ReadonlyMap<string, readonly number[]>,
): Promise<readonly Place[]> {
  const facts = modelFacts(model);
  const { node, nodeIndex } = layer;
  const placed = (side: Place['side'], index: number): readonly Place[] => {
    const name = (side === 'output' ? node.outputs : node.inputs)[index] ?? '';
    const shape = shapes.get(name) ?? facts.index.constantOf(name)?.dims;
    if (name === '' || shape === undefined || facts.elementType(name) !== DataType.FLOAT) return [];
    return [{ node: nodeIndex, side, index, shape }];
  };
  if (kind === 'output') return node.outputs.flatMap((_, index) => placed('output', index));
  const { events } = await inSlices(roundingEventsSteps(model, [layer], 'fp16'));
  return events.flatMap((event) =>
    event.kind === 'weight' ? event.inputs.flatMap((input) => placed('input', input)) : [],
  );
}

/** Products of J J' with vectors over all outputs, one behind the other, each relative to its norm. */
interface Products {
  sizeOf(sample: number): number;
  times(
    sample: number,
    vector: Float64Array,
  ): Promise<{ readonly product: Float64Array; readonly runs: number }>;
  close(): Promise<void>;
}

/** So far an output is moved at most, relative to its norm: well above the rounding of FP32, well within the first order. */
const MOVED = 3e-3;
/** A direction that moves the outputs by more than this factor of what was meant is gone a second time, less far. */
const TOO_FAR = 3;

async function openProducts(
  evaluation: Evaluation,
  places: readonly Place[],
  { node, nodeIndex }: Layer,
  outputs: readonly string[],
  shapes: ReadonlyMap<string, readonly number[]>,
  signal: AbortSignal | undefined,
): Promise<Products | undefined> {
  const { runtime, model, folder, feeds, references } = evaluation;
  if (places.length === 0) return undefined;
  const written = places.flatMap(({ side, index }) => (side === 'output' ? (node.outputs[index] ?? []) : []));
  const readings = places.flatMap(({ side, index }) =>
    side === 'input' ? [{ node: nodeIndex, input: index }] : [],
  );
  const backward = await inSlices(
    backwardSteps({ model, shapes, probes: 1, outputs, wanted: written, wantedReadings: readings }),
  );
  const reached = places.flatMap((place) => {
    const name = place.side === 'output' ? (node.outputs[place.index] ?? '') : '';
    const isWhole = place.side === 'input' || backward.reach(name) === 'complete';
    const gradient =
      place.side === 'output' ? backward.gradientOf(name) : backward.contributionOf(nodeIndex, place.index);
    return isWhole && gradient !== undefined ? [{ place, gradient }] : [];
  });
  // What is known of a part only would be a figure of something else.
  if (reached.length < places.length || backward.withoutRule.length > 0) return undefined;
  const displaced = await inSlices(displacedSteps(model, places));
  const gradients = [...new Set(reached.map(({ gradient }) => gradient))];
  const float = makeTensorType(DataType.FLOAT, undefined);
  const { bytes } = await inSlices(
    backwardVariantSteps(
      backward,
      gradients.map((name) => makeValueInfo(name, float)),
    ),
  );
  const open = (variant: Uint8Array): Promise<Session> =>
    runtime.open({ model: { bytes: variant, weightsFolder: folder }, ...EMULATION_SETTINGS }, signal);
  const backwards = await open(bytes);
  let forwards: Session;
  try {
    forwards = await open(displaced.variant.bytes);
  } catch (error) {
    await runtime.close(backwards);
    throw error;
  }
  const judged = outputs.filter((output) => backward.probeOf.has(output));
  const norms = new Map<TensorHandle, number>();
  const squareOf = async (handle: TensorHandle): Promise<number> => {
    const [figure] = await runtime.compare(handle, handle, [{ name: 'relative_l2' }], signal);
    return figure?.sums[1] ?? 0;
  };
  const scaleOf = async (handle: TensorHandle): Promise<number> => {
    const known = norms.get(handle) ?? Math.sqrt(await squareOf(handle));
    norms.set(handle, known);
    return known > 0 ? 1 / known : 1;
  };
  /** The largest gain, |J g| / |g|, that was seen in a sample: how far a step moves the outputs at most. */
  const gains = new Map<number, number>();

  const referencesOf = (sample: number): readonly (readonly [string, TensorHandle])[] =>
    judged.flatMap((name): [string, TensorHandle][] => {
      const handle = references[sample]?.[name];
      return handle === undefined ? [] : [[name, handle]];
    });

  /** What the outputs are, each over its norm, one behind the other. */
  const moved = async (sample: number, given: Feeds, step: number): Promise<Float64Array> => {
    const own = referencesOf(sample);
    const content = { kind: 'bytes', bytes: new Uint8Array(Float32Array.of(step).buffer) } as const;
    const handle = await runtime.put(DataType.FLOAT, [], content, signal);
    let found: Readonly<Record<string, TensorHandle>> = {};
    try {
      const all = { ...feeds[sample], ...given, [displaced.step]: handle };
      const names = own.map(([name]) => name);
      found = await runtime.run(forwards, takenBy(forwards, all), names, signal);
      const parts: number[] = [];
      for (const [name, reference] of own) {
        const scale = await scaleOf(reference);
        const output = found[name];
        if (output === undefined) continue;
        for (const value of floatsOf(await runtime.read(output, signal))) parts.push(value * scale);
      }
      return Float64Array.from(parts);
    } finally {
      await runtime.release([handle, ...Object.values(found)]);
    }
  };

  return {
    sizeOf: (sample) => referencesOf(sample).reduce((sum, [, { dims }]) => sum + elementsOf(dims), 0),
    async times(sample, vector) {
      const held: TensorHandle[] = [];
      let runs = 0;
      try {
        const probes: Record<string, TensorHandle> = {};
        let start = 0;
        for (const [name, reference] of referencesOf(sample)) {
          const end = start + elementsOf(reference.dims);
          const scale = await scaleOf(reference);
          const row = Float32Array.from(vector.subarray(start, end), (value) => value * scale);
          start = end;
          const content = { kind: 'bytes', bytes: new Uint8Array(row.buffer) } as const;
          const handle = await runtime.put(DataType.FLOAT, [1, ...reference.dims], content, signal);
          held.push(handle);
          probes[backward.probeOf.get(name) ?? ''] = handle;
        }
        const all = { ...feeds[sample], ...probes };
        const found = await runtime.run(backwards, takenBy(backwards, all), gradients, signal);
        runs += 1;
        held.push(...Object.values(found));
        let square = 0;
        const directions: Record<string, TensorHandle> = {};
        for (const [at, { gradient }] of reached.entries()) {
          const handle = found[gradient];
          if (handle === undefined) continue;
          square += await squareOf(handle);
          directions[displaced.directions[at] ?? ''] = handle;
        }
        const size = Math.sqrt(square);
        if (!(size > 0)) return { product: new Float64Array(vector.length), runs };
        for (;;) {
          const gain = Math.max(gains.get(sample) ?? 0, size);
          const step = MOVED / (size * gain);
          const ahead = await moved(sample, directions, step);
          const behind = await moved(sample, directions, -step);
          runs += 2;
          const product = ahead.map((value, at) => (value - (behind[at] ?? 0)) / (2 * step));
          const seen = Math.sqrt(product.reduce((sum, value) => sum + value * value, 0)) / size;
          gains.set(sample, Math.max(gain, seen));
          if (!(seen > TOO_FAR * gain)) return { product, runs };
        }
      } finally {
        await runtime.release(held);
      }
    },
    async close() {
      await runtime.close(backwards);
      await runtime.close(forwards);
    },
  };
}
