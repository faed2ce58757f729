/**
 * The ranges of gradients, for whoever trains in a low format: of half the mean square of each floating-point output, summed
 * over the outputs, with respect to what layers write and to their weights. The backward graph runs in FP32, one sample
 * at a time.
 */
import { mergeHistograms } from '../../formats/index.js';
import { backwardSteps, backwardVariantSteps, type BackwardModel } from '../../gradients/index.js';
import { DataType, makeTensorType, makeValueInfo } from '../../onnx/index.js';
import { isFloating, isInMainGraph, modelFacts, type Layer } from '../../plan/index.js';
import type { RangeFigures, Session, TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type Feeds, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import type { GradientSpread } from './loss-scale.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import { concreteShapes, samplesByShape } from '../sessions/sample-shapes.js';
import { measuredRange, mergeRanges, type MeasuredRange } from './tensor-range.js';
import { groupBySize } from './written-ranges.js';

export interface GradientRanges {
  /** By the name of the tensor that the gradient is with respect to. */
  readonly ranges: ReadonlyMap<string, MeasuredRange>;
  /** Tensors whose gradient is not known as a whole: a node on the way to an output has no derivative here. */
  readonly unknown: readonly string[];
  /** Names of these nodes, with the reason. */
  readonly withoutRule: readonly { readonly node: string; readonly reason: string }[];
  readonly sessions: number;
  readonly inferences: number;
}

/** Measures the gradients of `layers` in the main graph over all samples. */
export async function gradientRanges(
  evaluation: Evaluation,
  layers: readonly Layer[],
  options: WorkOptions = {},
): Promise<GradientRanges> {
  const { model, samples, floatOutputs } = evaluation;
  const facts = modelFacts(model);
  const own = layers.filter(({ nodeIndex }) => isInMainGraph(model, nodeIndex));
  const weights = new Set(own.flatMap((layer) => layer.weights.map(({ name }) => name)));
  const written = own.flatMap(({ node }) =>
    node.outputs.filter((name) => isFloating(facts.elementType(name))),
  );
  const wanted = [...new Set([...written, ...weights])];
  const ranges = new Map<string, MeasuredRange>();
  const unknown = new Set<string>();
  const withoutRule = new Map<number, string>();
  let sessions = 0;
  let inferences = 0;
  for (const [first, samplesOfShape] of samplesByShape(evaluation)) {
    const sample = samples[first];
    if (sample === undefined) continue;
    const shapes = concreteShapes(await observedShapes(evaluation.runtime, model, sample, options));
    sessions += 1;
    inferences += 1;
    const backward = await inSlices(
      backwardSteps({ model, shapes, probes: 1, outputs: floatOutputs, wanted }),
    );
    for (const { node, reason } of backward.withoutRule) withoutRule.set(node, reason);
    for (const name of wanted) {
      const reach = backward.reach(name);
      if (reach === 'partial' || reach === 'blocked') unknown.add(name);
    }
    const known = wanted.filter((name) => backward.gradientOf(name) !== undefined && !unknown.has(name));
    const groups = groupBySize(known, (name) =>
      shapes.get(name)?.reduce((product, size) => product * size, 1),
    );
    for (const group of groups) {
      const session = await openBackward(evaluation, backward, group, options.signal);
      sessions += 1;
      try {
        for (const index of samplesOfShape) {
          options.progress?.(inferences, samples.length * groups.length, 'gradients');
          await eachGradient(evaluation, backward, session, group, index, options.signal, (tensor, found) => {
            const kind = weights.has(tensor) ? 'weight' : 'output';
            ranges.set(tensor, mergeRanges(ranges.get(tensor), measuredRange(tensor, kind, found, index)));
          });
          inferences += 1;
        }
      } finally {
        await evaluation.runtime.close(session);
      }
    }
  }
  const names = [...withoutRule].map(([node, reason]) => {
    const { name = '', outputs = [] } = model.graph.nodes[node] ?? {};
    return { node: name === '' ? (outputs[0] ?? '') : name, reason };
  });
  return { ranges, unknown: [...unknown], withoutRule: names, sessions, inferences };
}

/** All gradients together: what one scale of the loss has to suit. Undefined where there are none. */
export function spreadOfAll({ ranges }: Pick<GradientRanges, 'ranges'>): GradientSpread | undefined {
  const all = [...ranges.values()];
  return all.length === 0
    ? undefined
    : {
        maxAbs: all.reduce((largest, { maxAbs }) => Math.max(largest, maxAbs), 0),
        histogram: all.map(({ histogram }) => histogram).reduce(mergeHistograms),
      };
}

async function openBackward(
  { runtime, model, folder }: Evaluation,
  backward: BackwardModel,
  group: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Session> {
  const facts = modelFacts(model);
  const outputs = group.flatMap((name) => {
    const gradient = backward.gradientOf(name);
    const type = facts.elementType(name) ?? DataType.FLOAT;
    return gradient === undefined ? [] : [makeValueInfo(gradient, makeTensorType(type, undefined))];
  });
  const { bytes } = await inSlices(backwardVariantSteps(backward, outputs));
  return await runtime.open({ model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS }, signal);
}

/** Runs a sample forward and backward, and looks at each gradient. */
async function eachGradient(
  { runtime, feeds, references }: Evaluation,
  backward: BackwardModel,
  session: Session,
  group: readonly string[],
  sample: number,
  signal: AbortSignal | undefined,
  found: (tensor: string, figures: RangeFigures) => void,
): Promise<void> {
  const seeds: Record<string, TensorHandle> = {};
  let results: Readonly<Record<string, TensorHandle>> = {};
  try {
    for (const [output, input] of backward.probeOf) {
      const reference = references[sample]?.[output];
      if (reference !== undefined) seeds[input] = await seedOf(runtime, reference, signal);
    }
    const given: Feeds = { ...feeds[sample], ...seeds };
    const taken = Object.fromEntries(Object.entries(given).filter(([name]) => session.inputs.includes(name)));
    results = await runtime.run(session, taken, undefined, signal);
    const asked = group.flatMap((tensor) => {
      const handle = results[backward.gradientOf(tensor) ?? ''];
      return handle === undefined ? [] : [{ tensor, handle, groups: [] }];
    });
    const figures = await runtime.rangesOf(asked, signal);
    for (const [at, { tensor }] of asked.entries()) {
      const own = figures[at];
      if (own !== undefined) found(tensor, own);
    }
  } finally {
    await runtime.release([...Object.values(seeds), ...Object.values(results)]);
  }
}

/** The gradient of half the mean square of an output with respect to it, as one row of probes. */
async function seedOf(
  runtime: Evaluation['runtime'],
  reference: TensorHandle,
  signal: AbortSignal | undefined,
): Promise<TensorHandle> {
  const bytes = await runtime.read(reference, signal);
  const isDouble = reference.dataType === DataType.DOUBLE;
  const values = isDouble
    ? new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
    : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const scaled = values.map((value) => value / values.length);
  const content = { kind: 'bytes', bytes: new Uint8Array(scaled.buffer) } as const;
  return await runtime.put(reference.dataType, [1, ...reference.dims], content, signal);
}
