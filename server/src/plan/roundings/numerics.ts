/**
 * What the options of a decision say of arithmetic, as data: a format of the weights' own, accumulation, rounding, how ranges
 * of integers are chosen, a scale. Knows one statement's options; no model and no layer.
 */
import { FORMAT_NAMES, type Accumulation } from '../../formats/index.js';
import { MOST_LANES, type Option, type Value } from '../../language/index.js';
import type { LayerDecision, LayerNumerics, RangeWish } from '../types.js';

/** Undefined where the options ask for nothing but the usual: then the format says all. */
export function readNumerics(
  options: ReadonlyMap<string, Option>,
  format: string,
): LayerNumerics | undefined {
  const word = (name: string): string | undefined => wordOf(options.get(name)?.value);
  const weights = FORMAT_NAMES.find((name) => name === word('weights') && name !== format);
  const accumulate = readAccumulation(options.get('accumulate')?.value);
  const quantize = readRangeWish(options.get('quantize')?.value);
  const scale = options.get('scale')?.value;
  const factor = scale?.kind === 'number' && Number.isFinite(scale.value) ? scale.value : 1;
  const numerics: LayerNumerics = {
    ...(weights === undefined ? {} : { weights }),
    ...(accumulate === undefined ? {} : { accumulate }),
    ...(word('rounding') === 'stochastic' ? { stochastic: true } : {}),
    ...(quantize === undefined ? {} : { quantize }),
    ...(word('per') === 'channel' ? { perChannel: true } : {}),
    ...(factor === 1 ? {} : { scale: factor }),
  };
  return Object.keys(numerics).length === 0 ? undefined : numerics;
}

/** `fp32`, `fp16`, `chunked(n)` or `lanes(n)`; undefined for anything else, which the text shows already. */
export function readAccumulation(value: Value | undefined): Accumulation | undefined {
  const word = wordOf(value);
  if (word === 'fp32' || word === 'fp16') return { kind: word };
  if (value?.kind !== 'call') return undefined;
  const [count] = value.items;
  if (count?.kind !== 'number' || !Number.isSafeInteger(count.value) || count.value < 1) return undefined;
  if (value.name.text === 'chunked') return { kind: 'chunked', length: count.value };
  if (value.name.text !== 'lanes' || count.value > MOST_LANES) return undefined;
  return { kind: 'lanes', count: count.value };
}

/** As plans write it. */
export function accumulationText(accumulation: Accumulation): string {
  switch (accumulation.kind) {
    case 'chunked':
      return `chunked(${accumulation.length})`;
    case 'lanes':
      return `lanes(${accumulation.count})`;
    default:
      return accumulation.kind;
  }
}

/** In what the layers of a plan add up, each kind once and FP32 first: `fp32`, `fp32 and chunked(64)`. */
export function accumulationWords(decisions: readonly LayerDecision[]): string {
  const others = decisions.flatMap(({ numerics }) =>
    numerics?.accumulate === undefined ? [] : [accumulationText(numerics.accumulate)],
  );
  return ['fp32', ...new Set(others)].join(' and ');
}

/** What tells two layers' arithmetic apart, in one word; empty where there is nothing but the format. */
export function numericsText(numerics: LayerNumerics | undefined): string {
  if (numerics === undefined) return '';
  return JSON.stringify(Object.entries(numerics).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readRangeWish(value: Value | undefined): RangeWish | undefined {
  const word = wordOf(value);
  switch (word) {
    case 'minmax':
    case 'mse':
    case 'sawb':
    case 'learned':
    case 'output_mse':
      return { name: word };
    default: {
      if (value?.kind !== 'call' || value.name.text !== 'percentile') return undefined;
      const [percent] = value.items;
      return percent?.kind === 'number' && percent.value >= 0 && percent.value <= 100
        ? { name: 'percentile', percent: percent.value }
        : undefined;
    }
  }
}

function wordOf(value: Value | undefined): string | undefined {
  return value?.kind === 'word' ? value.text : undefined;
}
