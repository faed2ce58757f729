/**
 * The Hessian of a loss against labels with respect to a layer's constants, not its Gauss-Newton part alone: trace, eigenvalue of
 * largest magnitude, and what the first and second order say that rounding the constants changes in the loss. A product H v is
 * the difference of the gradients at w + e v and w - e v, each two runs of one session: what the outputs are there, and back.
 * Costs some dozens of runs for each layer and sample, so it is for layers that are named.
 */
import { isFloatFormat, roundArray, type FloatFormatName, type LowFormatName } from '../../formats/index.js';
import { backwardSteps, backwardVariantSteps } from '../../gradients/index.js';
import { DataType, makeTensorType, makeValueInfo, modelFolder, tensorValues } from '../../onnx/index.js';
import { isInMainGraph, type Layer } from '../../plan/index.js';
import type { Session, TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import { effortOf, NO_EFFORT, type Effort, type Results } from '../remembered.js';
import { concreteShapes, samplesByShape } from '../sessions/sample-shapes.js';
import type { Label } from '../samples/index.js';
import { elementsOf, floatsOf, takenBy } from '../sessions/session-tensors.js';
import { checkLabel, labelRole, lossOf, saturatingOperator } from '../sketch/index.js';
import { displacedConstants, type DisplacedConstants } from './displaced-constants.js';
import { signedEigenvaluesOf } from './lanczos.js';

/** Means over samples, in the units of the loss: nats, or squares of what the output is measured in. */
export interface LossCurvature {
  /** Of the Hessian, estimated from the same vectors as the eigenvalue. */
  readonly trace: number;
  /** The eigenvalue of largest magnitude, with its sign: where the loss is not convex the trace may have the other. */
  readonly largest: number;
  /** g . dw, where dw is what rounding changes in the constants. */
  readonly firstOrder: number;
  /** dw' H dw / 2 */
  readonly secondOrder: number;
}

export interface LossCurvatureOptions extends WorkOptions {
  readonly format: LowFormatName;
  /** By sample. */
  readonly labels: readonly Label[];
  readonly seed?: number | undefined;
  /** Lanczos steps. */
  readonly steps?: number | undefined;
}

const USUAL_STEPS = 12;
const VERSION = 1;
const CURVATURE = 'loss-curvature';

/**
 * Looks at `layers` one after the other; what is known of a layer is kept as soon as it is.
 *
 * @param outputs those that a label may be of; the loss is the sum over those that it fits.
 * @returns by layer; none for layers without constants of FP32, of sub-graphs, or behind a node without a gradient, and none
 *   in a format that is no float format, whose scales the loss knows nothing of.
 * @throws {LabelMismatch} where the label of a sample fits none of the outputs
 */
export async function knownLossCurvatures(
  results: Results,
  layers: readonly Layer[],
  outputs: readonly string[],
  options: LossCurvatureOptions,
): Promise<Effort & { readonly curvatures: ReadonlyMap<Layer, LossCurvature> }> {
  const { format, labels, seed = 0, steps = USUAL_STEPS, signal, progress } = options;
  const curvatures = new Map<Layer, LossCurvature>();
  let effort: Effort = NO_EFFORT;
  if (!isFloatFormat(format)) return { curvatures, ...effort };
  const against = labels.map(({ key }) => key);
  for (const [at, layer] of layers.entries()) {
    progress?.(at, layers.length, 'curvature of the loss');
    const recipe = { layer: layer.nodeIndex, outputs, format, against, seed, steps, version: VERSION };
    let found = (await results.find(CURVATURE, recipe)) as { readonly own: LossCurvature | null } | undefined;
    if (found === undefined) {
      const looked = await lookAt(await results.evaluation(), layer, outputs, {
        ...{ format, labels, seed, steps, signal },
      });
      effort = effortOf(effort, looked);
      found = { own: looked.own ?? null };
      await results.keep(CURVATURE, recipe, found);
    }
    if (found.own !== null) curvatures.set(layer, found.own);
  }
  progress?.(layers.length, layers.length, 'curvature of the loss');
  return { curvatures, ...effort };
}

interface Settings {
  readonly format: FloatFormatName;
  readonly labels: readonly Label[];
  readonly seed: number;
  readonly steps: number;
  readonly signal: AbortSignal | undefined;
}

async function lookAt(
  evaluation: Evaluation,
  layer: Layer,
  outputs: readonly string[],
  settings: Settings,
): Promise<Effort & { readonly own: LossCurvature | undefined }> {
  const { model, runtime } = evaluation;
  const { signal, seed, steps } = settings;
  for (const sample of evaluation.samples.keys()) checkLabel(evaluation, sample, outputs, settings.labels);
  const counts = { sessions: 0, inferences: 0 };
  const none = { own: undefined, ...counts };
  const constants = layer.weights.filter(({ dataType }) => dataType === DataType.FLOAT);
  if (constants.length === 0 || !isInMainGraph(model, layer.nodeIndex)) return none;
  const change = roundingChange(evaluation, constants, settings.format);
  const displaced = displacedConstants(model, constants);
  if (displaced === undefined || change === undefined) return none;
  const all: LossCurvature[] = [];
  for (const [first, samples] of samplesByShape(evaluation)) {
    const sample = evaluation.samples[first];
    if (sample === undefined) continue;
    const shapes = concreteShapes(await observedShapes(runtime, model, sample, { signal }));
    counts.sessions += 1;
    counts.inferences += 1;
    const gradients = await openGradients(evaluation, displaced, shapes, outputs, settings);
    if (gradients === undefined) return { own: undefined, ...counts };
    counts.sessions += 1;
    try {
      for (const one of samples) {
        const times = async (vector: Float64Array): Promise<Float64Array> => {
          const size = Math.sqrt(dot(vector, vector));
          if (size === 0) return new Float64Array(vector.length);
          const step = (MOVED * change.norm) / size;
          const ahead = await gradients.at(one, vector, step);
          const behind = await gradients.at(one, vector, -step);
          return ahead.map((value, at) => (value - (behind[at] ?? 0)) / (2 * step));
        };
        const own = await gradients.at(one, change.values, 0);
        all.push({
          ...(await signedEigenvaluesOf(change.values.length, times, { steps, seed: seed * 1009 + one })),
          firstOrder: dot(own, change.values),
          secondOrder: dot(await times(change.values), change.values) / 2,
        });
      }
    } finally {
      counts.inferences += gradients.runs();
      await gradients.close();
    }
  }
  const mean = (of: (one: LossCurvature) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length;
  const own = {
    trace: mean(({ trace }) => trace),
    largest: mean(({ largest }) => largest),
    firstOrder: mean(({ firstOrder }) => firstOrder),
    secondOrder: mean(({ secondOrder }) => secondOrder),
  };
  return { own, ...counts };
}

/** So far the constants are moved, relative to their norm: well above the rounding of FP32, and a change of few percent. */
const MOVED = 3e-3;

/** What rounding changes in the constants, one behind the other, and their norm; undefined where they cannot be read. */
function roundingChange(
  { model }: Evaluation,
  constants: Layer['weights'],
  format: FloatFormatName,
): { readonly values: Float64Array; readonly norm: number } | undefined {
  const parts: number[] = [];
  let square = 0;
  for (const constant of constants) {
    const read = tensorValues(constant, modelFolder(model));
    if (!('values' in read) || !(read.values instanceof Float32Array)) return undefined;
    const exact = read.values;
    const rounded = roundArray(format, exact);
    for (const [at, value] of exact.entries()) {
      const change = (rounded[at] ?? 0) - value;
      if (!Number.isFinite(change)) return undefined;
      parts.push(change);
      square += value * value;
    }
  }
  return square > 0 ? { values: Float64Array.from(parts), norm: Math.sqrt(square) } : undefined;
}

/** Gradients of the loss with respect to the constants, one behind the other. */
interface Gradients {
  /** Where the constants are moved by step x direction. */
  at(sample: number, direction: Float64Array, step: number): Promise<Float64Array>;
  runs(): number;
  close(): Promise<void>;
}

async function openGradients(
  { runtime, folder, feeds, references, model }: Evaluation,
  displaced: DisplacedConstants,
  shapes: ReadonlyMap<string, readonly number[]>,
  outputs: readonly string[],
  { labels, signal }: Settings,
): Promise<Gradients | undefined> {
  const { places, step } = displaced;
  const backward = await inSlices(
    backwardSteps({
      ...{ model: displaced.model, probes: 1, outputs },
      shapes: new Map([...shapes, ...displaced.shapes]),
      wanted: places.map(({ moved }) => moved),
    }),
  );
  const gradients = places.flatMap(({ moved }) =>
    backward.reach(moved) === 'complete' ? (backward.gradientOf(moved) ?? []) : [],
  );
  // What is known of a part only would be a figure of something else.
  if (gradients.length < places.length || backward.withoutRule.length > 0) return undefined;
  const judged = outputs.filter((output) => backward.probeOf.has(output));
  const float = makeTensorType(DataType.FLOAT, undefined);
  const { bytes } = await inSlices(
    backwardVariantSteps(
      backward,
      [...judged, ...gradients].map((name) => makeValueInfo(name, float)),
    ),
  );
  const session: Session = await runtime.open(
    { model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
    signal,
  );
  const scoresOf = (output: string): 'probabilities' | 'logits' =>
    saturatingOperator(model, output) === 'Softmax' ? 'probabilities' : 'logits';
  let runs = 0;
  const put = (values: Float32Array, dims: readonly number[]): Promise<TensorHandle> =>
    runtime.put(
      DataType.FLOAT,
      dims,
      { kind: 'bytes', bytes: new Uint8Array(values.slice().buffer) },
      signal,
    );

  return {
    runs: () => runs,
    async at(sample, direction, length) {
      const held: TensorHandle[] = [];
      const hold = async (begun: Promise<TensorHandle>): Promise<TensorHandle> => {
        const handle = await begun;
        held.push(handle);
        return handle;
      };
      try {
        const given: Record<string, TensorHandle> = { ...feeds[sample] };
        given[step] = await hold(put(Float32Array.of(length), []));
        let start = 0;
        for (const place of places) {
          const end = start + elementsOf(place.dims);
          given[place.direction] = await hold(
            put(Float32Array.from(direction.subarray(start, end)), place.dims),
          );
          start = end;
        }
        // What the probes are depends on the outputs; so long they are zeros.
        for (const output of judged) {
          const dims = references[sample]?.[output]?.dims ?? [];
          given[backward.probeOf.get(output) ?? ''] = await hold(
            put(new Float32Array(elementsOf(dims)), [1, ...dims]),
          );
        }
        const found = await runtime.run(session, takenBy(session, given), judged, signal);
        runs += 1;
        held.push(...Object.values(found));
        for (const output of judged) {
          const handle = found[output];
          if (handle === undefined) continue;
          const values = floatsOf(await runtime.read(handle, signal));
          const label = labels[sample]?.values ?? new Float64Array(0);
          const fits = labelRole(handle.dims, label) !== undefined;
          const loss = fits ? lossOf(values, handle.dims, label, scoresOf(output)) : undefined;
          const row = loss === undefined ? new Float32Array(values.length) : Float32Array.from(loss.gradient);
          given[backward.probeOf.get(output) ?? ''] = await hold(put(row, [1, ...handle.dims]));
        }
        const answers = await runtime.run(session, takenBy(session, given), gradients, signal);
        runs += 1;
        held.push(...Object.values(answers));
        const parts: Float32Array[] = [];
        for (const name of gradients) {
          const handle = answers[name];
          if (handle !== undefined) parts.push(floatsOf(await runtime.read(handle, signal)));
        }
        const all = new Float64Array(direction.length);
        let at = 0;
        for (const part of parts) {
          all.set(part, at);
          at += part.length;
        }
        return all;
      } finally {
        await runtime.release(held);
      }
    },
    close: () => runtime.close(session),
  };
}

function dot(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
}
