/**
 * How long a plan takes that was never run: each layer's time by format, and what casts cost. Arithmetic only; knows neither how the
 * figures were found (`learn`, `elsewhere`) nor who asks.
 */
import type { FormatName } from '../../formats/index.js';
import { elementBits, type DataType } from '../../onnx/index.js';
import type { LayerDecision, PrecisionGraph, TensorCast } from '../../plan/index.js';
import type { CastCost, CastRun } from './cast-cost.js';
import { nodesBesideCasts } from './beside-casts.js';
import { byRoofline, roof, type LayerWork, type Roofline } from './roofline.js';

/** One layer by itself, casts apart. */
export interface LayerCost {
  /** Milliseconds by format, as far as they were measured; 0 in a format in which it is fused into another layer. */
  readonly measured: ReadonlyMap<FormatName, number>;
  readonly work: LayerWork;
  /** Milliseconds by format that its kernel takes more where it reads or writes what is cast; left out where that was not measured. */
  readonly besideCasts?: ReadonlyMap<FormatName, number>;
  /** The layer that does its work, where it has no kernel of its own. */
  readonly fusedInto: string | undefined;
}

export interface CostModel {
  /** Files of profiles that were taken elsewhere; undefined where it was learnt on this machine. */
  readonly files: readonly string[] | undefined;
  /** The low format that was measured; undefined where none was. */
  readonly format: FormatName | undefined;
  /** By the layer's name; layers without an entry take no time of their own (inside a sub-graph). */
  readonly layers: ReadonlyMap<string, LayerCost>;
  readonly roofline: Roofline;
  readonly cast: CastCost;
  /** By tensor: milliseconds that the layers beside a cast of it take more, the mean of both ways round; left out where that was not measured. */
  readonly besideCastOf?: ReadonlyMap<string, number>;
  /** No cast was measured: what moves its bytes at the roof. */
  readonly castIsEstimated: boolean;
  /** Of a run in FP32, in milliseconds. */
  readonly whole: number;
  /** Layers of `whole` whose time in FP32 nobody measured: estimates by the roofline. Left out where a run in FP32 was measured. */
  readonly estimatedInWhole?: number;
  /** What of a run is in no layer and no cast, with everything in FP32 and with everything low. */
  readonly rest: { readonly fp32: number; readonly low: number };
  /** By tensor: its elements, for the bytes of casts. */
  readonly elements: ReadonlyMap<string, number>;
  /** Root mean square of the relative error on the plans that it was learnt from; undefined where there were none. */
  readonly misfit: number | undefined;
  /** The machine was busy with other work while it was learnt: trust no small difference. */
  readonly busy: boolean;
  /** How often it was learnt while the machine was not busy: again where it fits badly, which may have been the moment's fault. */
  readonly attempts: number;
  /** Kernels of the profiles that belong to no layer of the model, longest first, and their milliseconds in FP32. */
  readonly unmapped: { readonly kernels: readonly string[]; readonly milliseconds: number };
}

/** A relative error above which a cost model fits the plans that it was learnt from badly. */
const LARGE_MISFIT = 0.1;

/** Whether a cost model that misses its own plans by so much says little of others. */
export function fitsBadly({ misfit = 0 }: { readonly misfit?: number | undefined }): boolean {
  return misfit > LARGE_MISFIT;
}

/** `measured`, or by the roofline: in a format in which the layer was not measured. */
export interface LayerTime {
  readonly milliseconds: number;
  readonly by: 'measured' | 'roofline';
}

/** How long a layer takes in a format; nothing for a layer that the model of costs does not have. */
export function layerTime(model: CostModel, name: string, format: LayerDecision['format']): LayerTime {
  const cost = model.layers.get(name);
  if (cost === undefined) return { milliseconds: 0, by: 'measured' };
  const wanted = format === 'original' ? 'fp32' : format;
  const own = cost.measured.get(wanted);
  if (own !== undefined) return { milliseconds: own, by: 'measured' };
  const [other] = cost.measured;
  if (other === undefined) return { milliseconds: roof(cost.work, wanted, model.roofline), by: 'roofline' };
  const [measured, milliseconds] = other;
  // Formats below 16 bits compute in FP32 between roundings wherever there is no kernel: never worse than that is not known.
  return {
    milliseconds: byRoofline(cost.work, { milliseconds, measured, format: wanted }, model.roofline),
    by: 'roofline',
  };
}

/** Milliseconds that a layer takes more beside a cast than `layerTime` says; 0 where nothing is known of that. */
export function moreBesideCast(model: CostModel, name: string, format: LayerDecision['format']): number {
  return model.layers.get(name)?.besideCasts?.get(format === 'original' ? 'fp32' : format) ?? 0;
}

/** A plan's time, and what it is made of. Milliseconds. */
export interface PredictedLatency {
  readonly whole: number;
  /** What layers take more beside casts included. */
  readonly inLayers: number;
  readonly inCasts: number;
  readonly rest: number;
  /** Layers whose time is an estimate by the roofline. */
  readonly estimated: number;
}

/** Of one run of a plan's model, by its precision graph. */
export function predictedLatency(model: CostModel, graph: PrecisionGraph): PredictedLatency {
  const beside = nodesBesideCasts(graph);
  let [inLayers, low, all, estimated] = [0, 0, 0, 0];
  for (const { layer, format } of graph.decisions) {
    const { milliseconds, by } = layerTime(model, layer.name, format);
    const more = beside.has(layer.nodeIndex) ? moreBesideCast(model, layer.name, format) : 0;
    inLayers += Math.max(0, milliseconds + more);
    if (by === 'roofline') estimated += 1;
    const exact = layerTime(model, layer.name, 'fp32').milliseconds;
    all += exact;
    if (format !== 'fp32' && format !== 'original') low += exact;
  }
  const { casts, bytes } = castsOf(model, graph);
  const inCasts = castTime(model, casts, bytes);
  const share = all > 0 ? low / all : 0;
  const rest = model.rest.fp32 + (model.rest.low - model.rest.fp32) * share;
  return { whole: inLayers + inCasts + rest, inLayers, inCasts, rest, estimated };
}

/** Milliseconds of one run of a plan's model. */
export function latencyOfGraph(model: CostModel, graph: PrecisionGraph): number {
  return predictedLatency(model, graph).whole;
}

export function castTime({ cast }: Pick<CostModel, 'cast'>, casts: number, bytes: number): number {
  return cast.perCast * casts + cast.perByte * bytes;
}

/** Casts that run at inference, and the bytes that they read and write. */
export function castsOf(
  model: Pick<CostModel, 'elements'>,
  { casts }: PrecisionGraph,
): Omit<CastRun, 'milliseconds'> {
  return { casts: casts.length, bytes: casts.reduce((sum, cast) => sum + bytesOfCast(model, cast), 0) };
}

/** Bytes that one cast reads and writes. */
export function bytesOfCast(
  { elements }: Pick<CostModel, 'elements'>,
  { tensor, from, to }: TensorCast,
): number {
  return (elements.get(tensor) ?? 0) * (bytesOf(from) + bytesOf(to));
}

function bytesOf(dataType: DataType): number {
  return (elementBits(dataType) ?? 0) / 8;
}
