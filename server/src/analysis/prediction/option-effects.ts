/**
 * What options of a layer do beside its format, as questions that a run answers: sums that are not added up in FP32, and roundings that
 * no sketch has. Pure; knows decisions, neither what was sketched of them nor how they are measured.
 */
import type { Accumulation, FormatName } from '../../formats/index.js';
import {
  accumulationText,
  addsUp,
  layerInFormat,
  numericsText,
  type Layer,
  type LayerDecision,
  type LayerNumerics,
} from '../../plan/index.js';

/** A part of what a layer does that is measured by lowering nothing else. */
export interface OptionEffect {
  /** Equal for the same question about the same layer. */
  readonly key: string;
  readonly layer: Layer;
  /** Brings about this part and nothing more. */
  readonly decision: LayerDecision;
}

/**
 * Whether the layer adds up in anything but FP32. Such an effect is added to that of its format, of which it is independent:
 * it is measured of sums of FP32 numbers.
 */
export function sumsKey({ layer, numerics }: LayerDecision): string | undefined {
  const accumulate = numerics?.accumulate;
  if (accumulate === undefined || accumulate.kind === 'fp32' || !addsUp(layer.node)) return undefined;
  return keyOfSums(accumulate, numerics?.stochastic);
}

/** The key of layers that add up so. */
export function keyOfSums(accumulate: Accumulation, isStochastic = false): string {
  return `sums ${accumulationText(accumulate)}${isStochastic ? ' stochastic' : ''}`;
}

/** Whether options say nothing but how sums are added up. */
export function isOnlyOfSums({ weights, stochastic, quantize, perChannel, scale }: LayerNumerics): boolean {
  return (
    weights === undefined &&
    stochastic === undefined &&
    quantize === undefined &&
    perChannel === undefined &&
    scale === undefined
  );
}

/** What sketches have of the formats of a plan. */
export interface Sketched {
  /** Whether the ranges of the format are chosen as they are in its sketch; formats without ranges always are. */
  has(format: FormatName, numerics: LayerNumerics | undefined): boolean;
  /** Whether what the format does to the layer can be added up: there is a gradient, and nothing infinite. */
  isKnown(format: FormatName, layer: Layer): boolean;
  /** Whether something that the layer rounds is beyond the range of the format, of which a sketch makes an infinity. */
  overflows(format: FormatName, layer: Layer): boolean;
}

/**
 * What tells apart roundings that a sketch does not have; undefined where it has them. Such an effect stands in place of all
 * that the layer's format does.
 */
export function roundingKey(
  { layer, format, overflow, numerics }: LayerDecision,
  sketched: Sketched,
): string | undefined {
  if (format === 'original') return undefined;
  const { stochastic, scale, weights = format } = numerics ?? {};
  const formats = [format, weights];
  const isHeld = overflow === 'saturate' && formats.some((one) => sketched.overflows(one, layer));
  // What is measured in place of a sketch is of a layer that has one format.
  const isSplit = weights !== format && !formats.every((one) => sketched.isKnown(one, layer));
  const isPlain = stochastic !== true && scale === undefined && !isHeld && !isSplit;
  if (isPlain && sketched.has(format, numerics) && sketched.has(weights, numerics)) return undefined;
  return `rounding ${format} ${overflow} ${numericsText(roundingOptions(numerics))}`;
}

export function sumsEffect(decision: LayerDecision): OptionEffect | undefined {
  const key = sumsKey(decision);
  const { accumulate, stochastic } = decision.numerics ?? {};
  if (key === undefined || accumulate === undefined) return undefined;
  const { layer } = decision;
  // In FP32 nothing but its sums is drawn.
  const numerics = stochastic === true ? { accumulate, stochastic } : { accumulate };
  return { key, layer, decision: { ...layerInFormat(layer, 'fp32'), numerics } };
}

export function roundingEffect(decision: LayerDecision, sketched: Sketched): OptionEffect | undefined {
  const key = roundingKey(decision, sketched);
  if (key === undefined) return undefined;
  const { layer, format, overflow } = decision;
  const numerics = roundingOptions(decision.numerics);
  return { key, layer, decision: { ...layerInFormat(layer, format), overflow, numerics } };
}

/** All but how sums are added up. */
function roundingOptions({ accumulate: _, ...others }: LayerNumerics = {}): LayerNumerics | undefined {
  return Object.keys(others).length === 0 ? undefined : others;
}
