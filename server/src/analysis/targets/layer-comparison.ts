/**
 * Layer by layer, what a target makes of a mixed model beside what emulation says: intermediate tensors of the exported
 * model, executed and emulated, each against those of the original. Shows which kernel of a target computes worse than its
 * format explains. Knows three models of the same tensors.
 */
import { emulatedTensorsSteps, explicitSteps, exposedSteps } from '../../emulate/index.js';
import { weightsFolder, type Model } from '../../onnx/index.js';
import { isFloating, isInMainGraph, modelFacts, type Layer, type PrecisionGraph } from '../../plan/index.js';
import type {
  OptimizationLevel,
  Provider,
  Runtime,
  SessionRequest,
  TensorHandle,
} from '../../runtime/index.js';
import {
  EMULATION_SETTINGS,
  type Evaluation,
  type Outputs,
  type WorkOptions,
} from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { withOptimized } from '../sessions/open-session.js';
import type { SquaredSums } from '../errors/relative-errors.js';

export interface LayerComparison {
  readonly layer: Layer;
  /** Relative L2 error of the layer's outputs against the original's, over all samples: `executed` on the target. */
  readonly executed: number;
  readonly emulated: number;
  /** How many elements the errors are of, over all samples. */
  readonly elements: number;
}

export interface LayerComparisonOptions extends WorkOptions {
  readonly provider: Provider;
  readonly threads: number;
  /** The highest optimisation level at which the exported model runs; `all` if left out. */
  readonly highest?: OptimizationLevel | undefined;
  /**
   * What the exported model was made of: the emulation then adds up as the plan says. Left out, the exported model is emulated as
   * it stands, with sums in FP32.
   */
  readonly graph?: PrecisionGraph | undefined;
  /** The compute process was lost: `evaluation` gives a new one from now on. */
  readonly renew: () => void;
}

export interface ComparedLayers {
  readonly layers: readonly LayerComparison[];
  /** Levels that fail with the model once its intermediate tensors are outputs, and whose fault that is. */
  readonly notes: readonly string[];
}

/** From this factor between executed and emulated error on, a layer is worth a look. */
const SUSPICIOUS_FACTOR = 4;
/**
 * The same for 1, 2 and 3 elements: the errors of so few are as large as chance has it, and of two draws one is as many times larger in
 * one of a hundred cases. Roots of the 99 % quantiles of the F distribution with as many degrees of freedom twice.
 */
const FACTORS_OF_FEW: readonly number[] = [63.7, 9.95, 5.43];
/** Errors below this share of the output are those of FP32 kernels that add up in another order. */
const UNREMARKABLE = 1e-4;

/** Three models keep the tensors of so many layers at a time; more layers take further sessions. */
const LAYERS_AT_A_TIME = 64;

/**
 * Compares `layers` of the original of what `evaluation` gives by the tensors that they write, in `exported`, which has them under the
 * same names. Layers inside sub-graphs and functions, and tensors that the exported model no longer has, are left out.
 */
export async function compareLayers(
  evaluation: () => Promise<Evaluation>,
  exported: Model,
  layers: readonly Layer[],
  options: LayerComparisonOptions,
): Promise<ComparedLayers> {
  const { model } = await evaluation();
  const [facts, kept] = [modelFacts(model), modelFacts(exported)];
  const written = layers.flatMap((layer) => {
    const outputs = layer.node.outputs.filter(
      (name) => isFloating(facts.elementType(name)) && isFloating(kept.elementType(name)),
    );
    return isInMainGraph(model, layer.nodeIndex) && outputs.length > 0 ? [{ layer, outputs }] : [];
  });
  const compared: LayerComparison[] = [];
  const notes: string[] = [];
  for (let start = 0; start < written.length; start += LAYERS_AT_A_TIME) {
    options.progress?.(start, written.length, `layers on ${options.provider}`);
    const part = written.slice(start, start + LAYERS_AT_A_TIME);
    const some = await compareSome(evaluation, exported, part, options);
    compared.push(...some.layers);
    notes.push(...some.notes);
  }
  options.progress?.(written.length, written.length, `layers on ${options.provider}`);
  return { layers: compared, notes };
}

/** A layer whose executed error is far above the emulated one. */
export interface SuspiciousLayer extends LayerComparison {
  /** It reads what another such layer gives, whose error it may merely pass on. */
  readonly follows: boolean;
}

/** Layers of `model` that err far more than emulation foresees: first those that read from no other such layer, each worst first. */
export function suspiciousLayers(
  model: Model,
  compared: readonly LayerComparison[],
): readonly SuspiciousLayer[] {
  const excess = ({ executed, emulated }: LayerComparison): number => {
    // Where emulation has no numbers left it foresees the worst; an execution without numbers is worse than any.
    if (!Number.isFinite(emulated)) return 0;
    return Number.isFinite(executed) ? executed / Math.max(emulated, UNREMARKABLE) : Infinity;
  };
  const found = compared.filter(
    (one) => excess(one) >= (FACTORS_OF_FEW[Math.max(1, one.elements) - 1] ?? SUSPICIOUS_FACTOR),
  );
  const places = new Set(found.map(({ layer }) => layer.nodeIndex));
  const known = new Set(compared.map(({ layer }) => layer.nodeIndex));
  return found
    .map((one) => ({
      ...one,
      follows: layersRead(model, one.layer.nodeIndex, known).some((at) => places.has(at)),
    }))
    .sort((a, b) => Number(a.follows) - Number(b.follows) || excess(b) - excess(a) || 0);
}

/** The nearest of the nodes `known` that a node reads from, through any others. */
function layersRead(model: Model, at: number, known: ReadonlySet<number>): readonly number[] {
  const { producers } = modelFacts(model).index;
  const found: number[] = [];
  const seen = new Set<number>();
  const queue = [at];
  for (const place of queue) {
    for (const name of model.graph.nodes[place]?.inputs ?? []) {
      const before = producers.get(name);
      if (before === undefined || seen.has(before)) continue;
      seen.add(before);
      if (known.has(before)) found.push(before);
      else queue.push(before);
    }
  }
  return found;
}

interface WrittenLayer {
  readonly layer: Layer;
  readonly outputs: readonly string[];
}

async function compareSome(
  evaluation: () => Promise<Evaluation>,
  exported: Model,
  written: readonly WrittenLayer[],
  { provider, threads, highest = 'all', graph, renew, signal }: LayerComparisonOptions,
): Promise<ComparedLayers> {
  const { runtime, model } = await evaluation();
  const names = written.flatMap(({ outputs }) => outputs);
  const exposed = await inSlices(exposedSteps(exported, names));
  const original = inFolderOf(model, (await inSlices(exposedSteps(model, names))).bytes);
  const emulated =
    graph === undefined
      ? inFolderOf(exported, (await inSlices(explicitSteps(exposed.model))).bytes)
      : inFolderOf(model, (await inSlices(emulatedTensorsSteps(graph, names))).bytes);
  const onTarget = inFolderOf(exported, exposed.bytes);
  const settings = { provider, threads, highest, renew };
  return await withOptimized(runtime, onTarget, settings, signal, async ({ session, notes }) => {
    const errors = new Map(
      names.map((name) => [name, { emulated: NO_ERROR, executed: NO_ERROR, elements: 0 }]),
    );
    const sessions = [session];
    try {
      for (const variant of [original, emulated]) {
        sessions.push(await runtime.open({ model: variant, ...EMULATION_SETTINGS }, signal));
      }
      for (const feed of (await evaluation()).feeds) {
        const results: Outputs[] = [];
        try {
          for (const one of sessions) results.push(await runtime.run(one, feed, names, signal));
          const [executed = {}, exact = {}, foreseen = {}] = results;
          const sums = (name: string, outputs: Outputs): Promise<SquaredSums | undefined> =>
            squaredSums(runtime, exact[name], outputs[name], signal);
          for (const [name, before] of errors) {
            errors.set(name, {
              emulated: added(before.emulated, await sums(name, foreseen)),
              executed: added(before.executed, await sums(name, executed)),
              elements: before.elements + elementsOf(exact[name]),
            });
          }
        } finally {
          await runtime.release(results.flatMap((outputs) => Object.values(outputs)));
        }
      }
    } finally {
      for (const one of sessions.slice(1)) await runtime.close(one);
    }
    return { layers: comparisonsOf(written, errors), notes };
  });
}

/** Of each layer, all of its outputs together. */
function comparisonsOf(
  written: readonly WrittenLayer[],
  errors: ReadonlyMap<
    string,
    { readonly emulated: SquaredSums; readonly executed: SquaredSums; readonly elements: number }
  >,
): readonly LayerComparison[] {
  return written.map(({ layer, outputs }) => {
    const relative = (key: 'emulated' | 'executed'): number => {
      const { error, norm } = outputs
        .map((name) => errors.get(name)?.[key])
        .reduce<SquaredSums>(added, NO_ERROR);
      return error === 0 ? 0 : Math.sqrt(error / norm);
    };
    const elements = outputs.reduce((total, name) => total + (errors.get(name)?.elements ?? 0), 0);
    return { layer, executed: relative('executed'), emulated: relative('emulated'), elements };
  });
}

function elementsOf(tensor: TensorHandle | undefined): number {
  return tensor?.dims.reduce((product, length) => product * length, 1) ?? 0;
}

const NO_ERROR: SquaredSums = { error: 0, norm: 0 };

function added(one: SquaredSums, other: SquaredSums | undefined): SquaredSums {
  return other === undefined ? one : { error: one.error + other.error, norm: one.norm + other.norm };
}

/** Undefined where one of the models does not give the tensor. */
async function squaredSums(
  runtime: Runtime,
  exact: TensorHandle | undefined,
  actual: TensorHandle | undefined,
  signal: AbortSignal | undefined,
): Promise<SquaredSums | undefined> {
  if (exact === undefined || actual === undefined) return undefined;
  const [figure] = await runtime.compare(exact, actual, [{ name: 'relative_l2' }], signal);
  const [error = Number.NaN, norm = Number.NaN] = figure?.sums ?? [];
  return { error, norm };
}

function inFolderOf(model: Model, bytes: Uint8Array): SessionRequest['model'] {
  return { bytes, weightsFolder: weightsFolder(model) ?? '.' };
}
