/**
 * The values of string and number literals, and what is wrong with them, at exact places. Knows nothing of where a
 * literal stands.
 */
import type { Complaints } from './complaints.js';
import { excerpt, replaceWith } from './complaints.js';
import type { TextRange } from './diagnostic.js';
import type { NumberLiteral, RangeLiteral } from './tree.js';
import { quote } from './print.js';

const SINGLE_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * The value of a string literal, quotes included in the range; the second quote may be missing. An escape that JSON
 * does not have keeps its backslash and is diagnosed.
 */
export function stringValue(text: string, range: TextRange, closed: boolean, complaints: Complaints): string {
  const end = closed ? range.end - 1 : range.end;
  const parts: string[] = [];
  let plainFrom = range.start + 1;
  for (let offset = plainFrom; offset < end;) {
    const code = text.charCodeAt(offset);
    if (code !== 92 && code >= 32) {
      offset++;
      continue;
    }
    parts.push(text.slice(plainFrom, offset));
    const part =
      code === 92 ? readEscape(text, offset, end, complaints) : readControl(text, offset, complaints);
    parts.push(part.value);
    offset = part.end;
    plainFrom = offset;
  }
  parts.push(text.slice(plainFrom, end));
  return parts.join('');
}

function readEscape(
  text: string,
  start: number,
  limit: number,
  complaints: Complaints,
): { readonly value: string; readonly end: number } {
  const letter = text.charAt(start + 1);
  const single = start + 1 < limit ? SINGLE_ESCAPES[letter] : undefined;
  if (single !== undefined) return { value: single, end: start + 2 };
  if (letter === 'u') {
    const digits = text.slice(start + 2, Math.min(start + 6, limit));
    if (/^[0-9a-fA-F]{4}$/u.test(digits)) {
      return { value: String.fromCharCode(Number.parseInt(digits, 16)), end: start + 6 };
    }
  }
  // A character beyond the basic plane is two units: its range must not cut it in half.
  const width = start + 1 >= limit ? 0 : (text.codePointAt(start + 1) ?? 0) > 0xffff ? 2 : 1;
  const range = { start, end: start + 1 + width };
  complaints.error('syntax', range, () => ({
    message: `\`${excerpt(text.slice(range.start, range.end))}\` is no escape of a string. A backslash itself is written \`\\\\\`.`,
    fixes: [replaceWith({ start, end: start + 1 }, '\\\\', 'Double the backslash')],
  }));
  return { value: text.slice(range.start, range.end), end: range.end };
}

function readControl(
  text: string,
  start: number,
  complaints: Complaints,
): { readonly value: string; readonly end: number } {
  const value = text.charAt(start);
  const range = { start, end: start + 1 };
  complaints.error('syntax', range, () => {
    const escaped = quote(value).slice(1, -1);
    return {
      message: `A string holds this control character as \`${escaped}\` only.`,
      fixes: [replaceWith(range, escaped, `Write it as \`${escaped}\``)],
    };
  });
  return { value, end: range.end };
}

const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/u;
const FRACTION = /^(-?[0-9]+)\/([0-9]+)$/u;
const POWER = /^2\^(-?[0-9]+)$/u;
const RANGE = /^(-?[0-9]+)\.\.(-?[0-9]+)$/u;
/** What other languages take for a number: `.5`, `1.`, `+1`, `007`. */
const LOOSE_NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/u;

/** A number or a range; what is neither becomes a number whose value is NaN, and is diagnosed as `number`. */
export function numberValue(
  text: string,
  range: TextRange,
  complaints: Complaints,
): NumberLiteral | RangeLiteral {
  const bounds = RANGE.exec(text);
  if (bounds !== null) return rangeValue(Number(bounds[1]), Number(bounds[2]), range, complaints);
  const value = valueOf(text);
  if (!Number.isFinite(value)) {
    complaints.error('number', range, () => ({
      message: numberMessage(text, value),
      fixes:
        LOOSE_NUMBER.test(text) && Number.isFinite(Number(text))
          ? [replaceWith(range, String(Number(text)))]
          : [],
    }));
  }
  return { kind: 'number', value: Number.isFinite(value) ? value : Number.NaN, text, range };
}

function valueOf(text: string): number {
  if (JSON_NUMBER.test(text)) return Number(text);
  const fraction = FRACTION.exec(text);
  if (fraction !== null)
    return Number(fraction[2]) === 0 ? Number.NaN : Number(fraction[1]) / Number(fraction[2]);
  const power = POWER.exec(text);
  return power === null ? Number.NaN : 2 ** Number(power[1]);
}

function numberMessage(text: string, value: number): string {
  const name = `\`${excerpt(text)}\``;
  if (Number.isFinite(value) || Number.isNaN(value)) {
    return FRACTION.test(text)
      ? `${name} divides by zero.`
      : `${name} is no number. Numbers are written like \`0.5\`, \`1e-3\`, \`1/255\`, \`2^-3\` or \`inf\`.`;
  }
  return `${name} is larger than any number here. Without a bound it is \`inf\`.`;
}

function rangeValue(first: number, last: number, range: TextRange, complaints: Complaints): RangeLiteral {
  if (first > last) {
    complaints.error('number', range, () => ({
      message: 'The range runs backwards: its smaller end comes first.',
      fixes: [replaceWith(range, `${last}..${first}`)],
    }));
  }
  return { kind: 'range', first, last, range };
}
