/** Numbers and formats in words for people. Knows the formats only. */
import {
  FORMAT_NAMES,
  formatInformation,
  type FormatInformation,
  integerRange,
  type IntegerRange,
  isFloatFormat,
} from '../formats/index.js';

/** Range and precision in a few words; undefined for what has no significand, integers and powers of four. */
export function formatFigures(format: string): string | undefined {
  const information = floatFormat(format);
  if (information?.radix !== 2) return undefined;
  const { significandBits, largest, epsilon } = information;
  return `${significandBits + 1} bits of significand (${shortNumber(epsilon)} at 1), up to ${shortNumber(largest)}`;
}

export function floatFormat(format: string): FormatInformation | undefined {
  const name = FORMAT_NAMES.find((candidate) => candidate === format);
  return name !== undefined && isFloatFormat(name) ? formatInformation(name) : undefined;
}

/** The codes of an integer format; undefined for what is none. */
export function integerFormat(format: string): IntegerRange | undefined {
  return format === 'int8' || format === 'int4' ? integerRange(format) : undefined;
}

/** A few digits, enough to tell formats apart: `65504`, `3.403e38`, `5.96e-8`. */
export function shortNumber(value: number): string {
  return digits(value, 4);
}

/** As many digits as an FP32 number has: neighbours of a format differ in them. */
export function exactNumber(value: number): string {
  return digits(value, 9);
}

function digits(value: number, count: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? 'inf' : '-inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const rounded = Number(value.toPrecision(count));
  const magnitude = Math.abs(rounded);
  return magnitude >= 1e-3 && magnitude < 1e6 ? String(rounded) : rounded.toExponential().replace('e+', 'e');
}

/** A count with commas between thousands: `1,234,567`. The language's own way loads tables of all languages first. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/gu, ',');
}
