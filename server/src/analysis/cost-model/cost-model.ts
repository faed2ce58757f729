/**
 * How long a plan takes that was never run: each layer's time in FP32 and in the low format, and what casts cost, learnt from profiles
 * of a few plans. Knows one target, the CPU of this machine, and one low format.
 */
import { cpus, release, type } from 'node:os';
import type { DataType } from '../../onnx/index.js';
import { elementBits, type Shape } from '../../onnx/index.js';
import {
  allowedFormats,
  inferredShapes,
  precisionGraphSteps,
  type BoundPlan,
  type LayerDecision,
  type PrecisionGraph,
} from '../../plan/index.js';
import type { WorkOptions } from '../evaluation.js';
import { inSlices } from '../in-slices.js';
import type { LayerLatency } from '../layer-latency.js';
import { observedShapes } from '../observed-shapes.js';
import { planLatency, type NoLatency } from '../plan-latency.js';
import { shapeElements } from '../ranges.js';
import type { Results } from '../remembered.js';
import { fitCastCost, type CastCost, type CastRun } from './cast-cost.js';

/** Milliseconds of a layer by itself, casts apart. */
export interface LayerCost {
  readonly fp32: number;
  readonly low: number;
}

export interface CostModel {
  readonly format: 'fp16' | 'bf16';
  /** By the layer's name; layers without an entry take no time of their own (fused, or inside a sub-graph). */
  readonly layers: ReadonlyMap<string, LayerCost>;
  readonly cast: CastCost;
  /** Of a run in FP32: the whole, and what of it is in no layer. */
  readonly whole: number;
  readonly rest: number;
  /** By tensor: its elements, for the bytes of casts. */
  readonly elements: ReadonlyMap<string, number>;
  /** Root mean square of the relative error on the plans that it was learnt from. */
  readonly misfit: number;
}

export interface CostModelOptions extends WorkOptions {
  readonly threads: number;
}

/** Raised when a change of the code changes what a cost model is. */
const VERSION = 1;

/** The cost model of the plan's model in `format` on this machine, as far as the store does not know it. */
export async function knownCostModel(
  results: Results,
  plan: BoundPlan,
  format: 'fp16' | 'bf16',
  options: CostModelOptions,
): Promise<CostModel | NoLatency> {
  const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, system: type(), release: release() };
  const recipe = { format, threads: options.threads, machine, version: VERSION };
  const known = await results.find('cost-model', recipe);
  if (known !== undefined) return known as CostModel;
  const learnt = await learnCostModel(results, plan, format, options);
  if (!('problem' in learnt)) await results.keep('cost-model', recipe, learnt);
  return learnt;
}

/** Profiles four plans: everything low, every other layer, and both halves of the graph. */
async function learnCostModel(
  results: Results,
  plan: BoundPlan,
  format: 'fp16' | 'bf16',
  options: CostModelOptions,
): Promise<CostModel | NoLatency> {
  const [sample] = results.samples;
  if (sample === undefined) return { problem: 'there is no sample to time it with' };
  const elements = await elementsOf(results, plan, options);
  const half = plan.layers.length / 2;
  const choices: readonly ((place: number) => boolean)[] = [
    () => true,
    (place) => place % 2 === 0,
    (place) => place < half,
    (place) => place >= half,
  ];
  const profiles: { readonly latency: LayerLatency; readonly graph: PrecisionGraph }[] = [];
  for (const isLow of choices) {
    const decisions = plan.decisions.map((one, place) => inFormat(plan, one, format, isLow(place)));
    const latency = await planLatency(results.runtime, { ...plan, decisions }, sample, options);
    if ('problem' in latency) return latency;
    profiles.push({ latency, graph: await graphOf(plan, decisions) });
  }
  return fitted(profiles, elements, format);
}

async function elementsOf(
  { runtime, samples: [sample] }: Results,
  plan: BoundPlan,
  options: WorkOptions,
): Promise<ReadonlyMap<string, number>> {
  const shapes = new Map<string, Shape>(inferredShapes(plan));
  if (sample !== undefined) {
    for (const [name, shape] of await observedShapes(runtime, plan.model, sample, options))
      shapes.set(name, shape);
  }
  return new Map([...shapes].map(([name, shape]) => [name, shapeElements(shape) ?? 0]));
}

function inFormat(
  { model }: BoundPlan,
  decision: LayerDecision,
  format: 'fp16' | 'bf16',
  isLow: boolean,
): LayerDecision {
  const lowered = isLow && allowedFormats(model, decision.layer).includes(format);
  // Nothing is judged here: what lies beyond the range takes as long as what does not.
  return { ...decision, wanted: format, format: lowered ? format : 'original', overflow: 'inf' };
}

async function graphOf(plan: BoundPlan, decisions: readonly LayerDecision[]): Promise<PrecisionGraph> {
  return await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions));
}

function fitted(
  profiles: readonly { readonly latency: LayerLatency; readonly graph: PrecisionGraph }[],
  elements: ReadonlyMap<string, number>,
  format: 'fp16' | 'bf16',
): CostModel {
  const [all] = profiles;
  const whole = median(profiles.map(({ latency }) => latency.whole.fp32));
  const layers = new Map<string, LayerCost>();
  for (const { layer } of all?.latency.layers ?? []) {
    layers.set(layer.name, { fp32: 0, low: 0 });
  }
  // The original is in every profile; each is scaled to the same speed of the machine.
  for (const { layer } of all?.latency.layers ?? []) {
    const times = profiles.map(({ latency }) => {
      const own = latency.layers.find((one) => one.layer.name === layer.name);
      return ((own?.fp32 ?? 0) * whole) / latency.whole.fp32;
    });
    const lowest = all?.latency.layers.find((one) => one.layer.name === layer.name);
    const low = ((lowest?.plan ?? 0) * whole) / (all?.latency.whole.fp32 ?? whole);
    layers.set(layer.name, { fp32: median(times), low });
  }
  const inLayers = [...layers.values()].reduce((sum, { fp32 }) => sum + fp32, 0);
  const free: CostModel = {
    ...{ format, layers, elements, whole, misfit: 0 },
    cast: { perCast: 0, perByte: 0 },
    rest: Math.max(0, whole - inLayers),
  };
  const measured = profiles.map(({ latency }) => (latency.whole.plan * whole) / latency.whole.fp32);
  const runs = profiles.map(({ graph }, index): CastRun => {
    const milliseconds = (measured[index] ?? 0) - latencyOfGraph(free, graph);
    return { ...castsOf(free, graph), milliseconds };
  });
  const model = { ...free, cast: fitCastCost(runs) };
  const errors = profiles.map(
    ({ graph }, index) => latencyOfGraph(model, graph) / (measured[index] ?? 1) - 1,
  );
  const misfit = Math.sqrt(errors.reduce((sum, one) => sum + one * one, 0) / Math.max(1, errors.length));
  return { ...model, misfit };
}

/** Milliseconds of one run of a plan's model, by its precision graph. Arithmetic only. */
export function latencyOfGraph(model: CostModel, graph: PrecisionGraph): number {
  const { layers, cast, rest } = model;
  let sum = rest;
  for (const { layer, format } of graph.decisions) {
    const cost = layers.get(layer.name);
    sum += (format === model.format ? cost?.low : cost?.fp32) ?? 0;
  }
  const { casts, bytes } = castsOf(model, graph);
  return sum + cast.perCast * casts + cast.perByte * bytes;
}

/** Casts that run at inference, and the bytes that they read and write. */
function castsOf({ elements }: CostModel, { casts }: PrecisionGraph): Omit<CastRun, 'milliseconds'> {
  let bytes = 0;
  for (const { tensor, from, to } of casts)
    bytes += (elements.get(tensor) ?? 0) * (bytesOf(from) + bytesOf(to));
  return { casts: casts.length, bytes };
}

function bytesOf(dataType: DataType): number {
  return (elementBits(dataType) ?? 0) / 8;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? upper;
  return (lower + upper) / 2;
}
