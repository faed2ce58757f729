/** What a plan costs in time and in energy, in lines of text. Knows figures only. */
import { fitsBadly } from '../analysis/index.js';
import { formatMilliseconds, formatNumber, formatPercent, inFp32 } from '../report/index.js';
import type { BenchedPrices, PlanLatencyPrediction } from '../work/index.js';

/** A latency that was predicted; `misfit` where the cost model knows how far it is off. */
export type PredictedTime = Omit<PlanLatencyPrediction, 'casts' | 'misfit'> &
  Partial<Pick<PlanLatencyPrediction, 'casts' | 'misfit'>>;

/** One line for each that is known. */
export function priceLines(
  latency: PredictedTime | undefined,
  { plan, fp32 }: { readonly plan: number; readonly fp32: number },
): readonly string[] {
  return [...(latency === undefined ? [] : [latencyLine(latency)]), energyLine({ plan, fp32 })];
}

/** Beside a benchmark: how far off the prediction is, and what the arithmetic takes. */
export function benchedPriceLines({ sentence, energy }: BenchedPrices): readonly string[] {
  return [sentence, energyLine(energy)];
}

function energyLine({ plan, fp32 }: { readonly plan: number; readonly fp32: number }): string {
  return `energy of arithmetic ${formatNumber(plan)} µJ, in FP32 ${formatNumber(fp32)} µJ (by operation counts, 45 nm)`;
}

function latencyLine({
  plan,
  fp32,
  casts,
  estimated,
  estimatedFp32,
  files,
  misfit,
  busy,
}: PredictedTime): string {
  const from =
    files === undefined
      ? 'for this machine'
      : `from what was measured on another device, ${files.join(', ')}`;
  return [
    `latency ${formatMilliseconds(plan)}, ${inFp32(fp32, estimatedFp32)}, predicted ${from}`,
    ...(casts === undefined ? [] : [`casts ${formatMilliseconds(casts)} of it`]),
    ...(estimated === 0
      ? []
      : [`${estimated} ${estimated === 1 ? 'layer' : 'layers'} estimated by the roofline`]),
    ...(misfit === undefined ? [] : [misfitWords(misfit)]),
    ...(busy ? ['the machine was busy: trust no small difference'] : []),
  ].join('; ');
}

function misfitWords(misfit: number): string {
  const words = `off by ${formatPercent(misfit)} on the plans it was learnt from`;
  return fitsBadly({ misfit }) ? `${words}, a poor fit: trust no smaller difference` : words;
}
