/**
 * Whether a value is what an option, a call or a statement takes. Each check reports at the exact place. Knows
 * shapes of values, not which statement they stand in.
 */
import { type Complaints, excerpt, listed, replaceWith, type TextDiagnosticCode } from './complaints.js';
import type { TextRange } from './diagnostic.js';
import { suggestName } from './suggest.js';
import type { CallValue, Value, Word } from './tree.js';
import { type CallShape, FORMATS, type ValueShape } from './vocabulary.js';

const FORMAT_NAMES = FORMATS.map((format) => format.name);
const KNOWN_FORMATS: ReadonlySet<string> = new Set(FORMAT_NAMES);

/** `owner` is what takes the value, as messages name it: `` `stride` ``. */
export function checkValue(owner: string, value: Value, shape: ValueShape, complaints: Complaints): void {
  switch (shape.kind) {
    case 'choice':
      checkChoice(owner, value, shape, complaints);
      return;
    case 'format':
      if (value.kind === 'word') checkFormat(value, complaints);
      else
        complaints.error('unknown-format', value.range, () => ({
          message: `${owner} takes a number format.`,
        }));
      return;
    case 'integer':
      checkNumber(
        owner,
        value,
        {
          whole: true,
          ...(shape.least === undefined ? {} : { least: shape.least }),
          ...(shape.most === undefined ? {} : { most: shape.most }),
        },
        complaints,
      );
      return;
    case 'power-of-two':
      if (value.kind === 'number' && (Number.isNaN(value.value) || isPowerOfTwo(value.value))) return;
      complaints.error('number', value.range, () => ({
        message: `${owner} takes a power of two such as \`2^-3\`, so that it loses no digit.`,
      }));
      return;
    case 'number':
      checkNumber(owner, value, {}, complaints);
      return;
    case 'numbers':
      checkNumbers(owner, value, complaints);
      return;
    case 'strings':
      checkStrings(owner, value, complaints);
      return;
    case 'range':
      if (value.kind !== 'range') {
        complaints.error('number', value.range, () => ({
          message: `${owner} takes a range such as \`0..32\`.`,
        }));
      } else if (!Number.isSafeInteger(value.first) || !Number.isSafeInteger(value.last) || value.first < 0) {
        complaints.error('number', value.range, () => ({
          message: `${owner} takes a range from 0 or more.`,
        }));
      }
      return;
    case 'string':
      if (value.kind !== 'string') {
        complaints.error('syntax', value.range, () => ({
          message: `${owner} takes a text in double quotes.`,
        }));
      }
  }
}

/** The name of a number format. */
export function checkFormat(word: Word, complaints: Complaints): void {
  if (KNOWN_FORMATS.has(word.text)) return;
  complaints.error('unknown-format', word.range, () => ({
    message: `\`${excerpt(word.text)}\` is no number format. Formats are ${listed(FORMAT_NAMES, 'and')}.`,
    fixes: suggestName(word.text, word.range, FORMAT_NAMES),
  }));
}

export interface NumberBounds {
  readonly whole?: boolean;
  readonly least?: number;
  readonly most?: number;
  readonly above?: number;
}

/** A finite number within bounds. One that is already diagnosed as no number is passed over. */
export function checkNumber(owner: string, value: Value, bounds: NumberBounds, complaints: Complaints): void {
  if (value.kind === 'number' && Number.isNaN(value.value)) return;
  const { whole = false, least, most, above } = bounds;
  const fits =
    value.kind === 'number' &&
    (whole ? Number.isSafeInteger(value.value) : Number.isFinite(value.value)) &&
    (least === undefined || value.value >= least) &&
    (most === undefined || value.value <= most) &&
    (above === undefined || value.value > above);
  if (fits) return;
  complaints.error('number', value.range, () => {
    const kind = whole ? 'a whole number' : 'a number';
    const limits = [
      least === undefined ? '' : most === undefined ? ` of ${least} or more` : ` from ${least} to ${most}`,
      above === undefined ? '' : ` above ${above}`,
    ].join('');
    return { message: `${owner} takes ${kind}${limits}.` };
  });
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isFinite(value) && 2 ** Math.round(Math.log2(value)) === value;
}

function checkNumbers(owner: string, value: Value, complaints: Complaints): void {
  if (value.kind === 'list' && value.items.length > 0) {
    for (const item of value.items) checkNumber(`Each item of ${owner}`, item, {}, complaints);
    return;
  }
  complaints.error('number', value.range, () => ({
    message: `${owner} takes a list of numbers such as \`[0.5, 0.5, 0.5]\`.`,
  }));
}

function checkStrings(owner: string, value: Value, complaints: Complaints): void {
  if (value.kind === 'list' && value.items.every((item) => item.kind === 'string')) return;
  complaints.error('syntax', value.range, () => ({
    message: `${owner} takes a list of texts such as \`["a/Conv", "b/Add"]\`.`,
  }));
}

type ChoiceShape = Extract<ValueShape, { kind: 'choice' }>;

function checkChoice(owner: string, value: Value, shape: ChoiceShape, complaints: Complaints): void {
  if (value.kind === 'word' && shape.words.includes(value.text)) return;
  if (shape.number === true && value.kind === 'number') {
    checkNumber(owner, value, { above: 0 }, complaints);
    return;
  }
  if (value.kind === 'call') {
    const call = shape.calls?.find((candidate) => candidate.name === value.name.text);
    if (call !== undefined) {
      checkCall(value, call, shape.code, complaints);
      return;
    }
  }
  complaints.error(shape.code, value.range, () => {
    const calls = (shape.calls ?? []).map((call) => `${call.name}(${call.parameters.join(', ')})`);
    const forms = listed([...shape.words, ...calls, ...(shape.number === true ? ['NUMBER'] : [])]);
    return {
      message: `${owner} is ${forms}.`,
      fixes:
        value.kind === 'word' ? suggestName(value.text, value.range, shape.words) : quotedWord(value, shape),
    };
  });
}

/** A choice in quotes loses them. */
function quotedWord(value: Value, shape: ChoiceShape): ReturnType<typeof suggestName> {
  return value.kind === 'string' && shape.words.includes(value.value)
    ? [replaceWith(value.range, value.value)]
    : [];
}

function checkCall(
  value: CallValue,
  shape: CallShape,
  code: TextDiagnosticCode,
  complaints: Complaints,
): void {
  const owner = `\`${shape.name}\``;
  if (value.items.length !== shape.parameters.length) {
    complaints.error(code, value.range, () => ({ message: countMessage(owner, shape.parameters) }));
    return;
  }
  const { whole, least, most } = shape;
  const bounds = {
    whole,
    ...(least === undefined ? {} : { least }),
    ...(most === undefined ? {} : { most }),
  };
  for (const item of value.items) checkNumber(owner, item, bounds, complaints);
}

export function countMessage(owner: string, parameters: readonly string[]): string {
  const { length } = parameters;
  if (length === 0) return `${owner} takes no values.`;
  return `${owner} takes ${length === 1 ? 'one value' : `${length} values`}: ${parameters.join(', ')}.`;
}

/** From the start of the first to the end of the last. */
export function span(first: TextRange, last: TextRange): TextRange {
  return { start: first.start, end: last.end };
}
