/**
 * A profile that was taken elsewhere, added up by the layers of this model: what each took there, in which format it ran, what casts
 * took, and what belongs to no layer. Runs nothing. Knows one model and one profile.
 */
import type { Model, Steps } from '../../../onnx/index.js';
import { isInMainGraph, type LatencyFormat, type LatencySource, type Layer } from '../../../plan/index.js';
import type { Profile, ProfiledKernel } from '../../../profiles/index.js';
import { spreadOf } from '../../latency/benchmark.js';
import type { CastRun } from '../cast-cost.js';
import { kernelOwners, type KernelOwner } from '../../latency/kernel-owners.js';
import { medianKernels } from '../../latency/median-kernels.js';
import { modelLatency } from '../../latency/model-latency.js';
import { namesInKernels } from './names-in-kernels.js';
import { tensorRtOwners } from './tensorrt-owners.js';

export interface MappedLayer {
  /** Milliseconds; 0 where it is fused into another. */
  readonly milliseconds: number;
  readonly format: LatencyFormat;
  readonly fusedInto: Layer | undefined;
}

export interface MappedProfile {
  /** By the layer's name; layers of which the profile has nothing are not in it. */
  readonly layers: ReadonlyMap<string, MappedLayer>;
  /** Milliseconds of all casts, and each of them, for what a cast costs there. */
  readonly casts: number;
  readonly castRuns: readonly CastRun[];
  readonly others: number;
  readonly unmapped: number;
  /** Longest first. */
  readonly unmappedKernels: readonly string[];
  /** Of a whole run: the median, with its spread where the profile has the runs. */
  readonly whole: number;
  readonly p10: number;
  readonly p90: number;
}

/** Runs that warm up, where there are enough behind them. */
const WARM_UP_RUNS = 3;
const ENOUGH = 8;

/** On the layers of the main graph, a few at a time. The same object for the same source, model and layers. */
export function* mappedProfile(
  model: Model,
  layers: readonly Layer[],
  source: Pick<LatencySource, 'profile' | 'format'>,
): Steps<MappedProfile> {
  const known = knownMapping(model, layers, source);
  if (known !== undefined) return known;
  const timed = layers.filter(({ nodeIndex }) => isInMainGraph(model, nodeIndex));
  const mapped = yield* mapProfile(model, timed, source);
  remembered.set(source.profile, { model, layers, format: source.format, mapped });
  return mapped;
}

/** The same where it is found already; for whoever cannot wait. */
export function knownMapping(
  model: Model,
  layers: readonly Layer[],
  source: Pick<LatencySource, 'profile' | 'format'>,
): MappedProfile | undefined {
  const known = remembered.get(source.profile);
  const isSame = known?.model === model && known.layers === layers && known.format === source.format;
  return isSame ? known.mapped : undefined;
}

const remembered = new WeakMap<
  Profile,
  {
    readonly model: Model;
    readonly layers: readonly Layer[];
    readonly format: LatencyFormat | undefined;
    readonly mapped: MappedProfile;
  }
>();

function* mapProfile(
  model: Model,
  layers: readonly Layer[],
  { profile, format }: Pick<LatencySource, 'profile' | 'format'>,
): Steps<MappedProfile> {
  const count = profile.runs.length;
  const warmUp = count >= ENOUGH ? WARM_UP_RUNS : Math.min(1, Math.max(0, count - 1));
  const kernels = count === 0 ? profile.kernels : medianKernels(profile.kernels, count, warmUp);
  yield;
  const owners =
    profile.kind === 'tensorrt'
      ? tensorRtOwners(model, layers, kernels)
      : kernelOwners(model, namesInKernels(model), kernels);
  yield;
  const latency = yield* modelLatency(model, { model, layers, kernels, owners });
  const lowNodes = format === undefined ? lowByTypes(kernels, owners) : new Map<number, LatencyFormat>();
  const formatOf = (layer: Layer, at: number): LatencyFormat =>
    format ??
    lowNodes.get((latency.fusedInto[at] ?? layer).nodeIndex) ??
    ((latency.casts[at] ?? 0) > 0 ? (narrowOfCasts(kernels) ?? 'fp32') : 'fp32');
  const mapped = layers.flatMap((layer, at): [string, MappedLayer][] => {
    const milliseconds = latency.layers[at] ?? 0;
    const fusedInto = latency.fusedInto[at];
    if (latency.hasKernel[at] !== true && fusedInto === undefined) return [];
    return [[layer.name, { milliseconds, format: formatOf(layer, at), fusedInto }]];
  });
  const times = spreadOf(profile.runs.slice(warmUp));
  const { others, unmapped, unmappedKernels, total } = latency;
  const isTimed = count > 0 && Number.isFinite(times.median);
  return {
    layers: new Map(mapped),
    casts: latency.casts.reduce((sum, one) => sum + one, 0),
    castRuns: castRuns(kernels),
    ...{ others, unmapped, unmappedKernels },
    whole: isTimed ? times.median : total,
    p10: isTimed ? times.p10 : total,
    p90: isTimed ? times.p90 : total,
  };
}

const NARROW: Readonly<Record<string, LatencyFormat | undefined>> = { float16: 'fp16', bfloat16: 'bf16' };

/** By node: the narrow type that its kernel reads or writes. Nodes whose kernels have none are not in it. */
function lowByTypes(
  kernels: readonly ProfiledKernel[],
  owners: readonly KernelOwner[],
): ReadonlyMap<number, LatencyFormat> {
  const found = new Map<number, LatencyFormat>();
  for (const [index, { inputShapes, outputShapes }] of kernels.entries()) {
    const owner = owners[index];
    if (owner?.kind !== 'node') continue;
    const type = [...inputShapes, ...outputShapes].map((one) => NARROW[one.type]).find(Boolean);
    if (type !== undefined) found.set(owner.node, type);
  }
  return found;
}

/** The narrow type that casts lead into or out of: that of the layers round which a runtime without kernels puts them. */
function narrowOfCasts(kernels: readonly ProfiledKernel[]): LatencyFormat | undefined {
  for (const { opType, inputShapes, outputShapes } of kernels) {
    if (opType !== 'Cast') continue;
    const type = [...inputShapes, ...outputShapes].map((one) => NARROW[one.type]).find(Boolean);
    if (type !== undefined) return type;
  }
  return undefined;
}

const BYTES: Readonly<Record<string, number | undefined>> = { float: 4, float16: 2, bfloat16: 2 };

function castRuns(kernels: readonly ProfiledKernel[]): readonly CastRun[] {
  return kernels.flatMap(({ opType, milliseconds, inputShapes, outputShapes }): CastRun[] => {
    if (opType !== 'Cast') return [];
    const bytes = [...inputShapes.slice(0, 1), ...outputShapes.slice(0, 1)].map(
      ({ type, dims }) => (BYTES[type] ?? Number.NaN) * dims.reduce((product, size) => product * size, 1),
    );
    const sum = bytes.reduce((total, one) => total + one, 0);
    return Number.isNaN(sum) ? [] : [{ casts: 1, bytes: sum, milliseconds }];
  });
}
