/** What becomes of a number that stands in a plan when it is stored in fewer bits. Knows numbers, no plan. */
import { FLOAT_FORMAT_NAMES, neighbours } from '../formats/index.js';
import { exactNumber, shortNumber } from './format-figures.js';
import { type Block, bold, code, type Inline, paragraph, table } from './rich-text.js';

const FORMATS = FLOAT_FORMAT_NAMES.filter((name) => name !== 'fp32');

/** @param written as plans write numbers: `1e-3`, `1/255`, `2^-3`; nothing for ranges and infinities */
export function describeNumber(written: string): readonly Block[] {
  const value = valueOf(written);
  if (value === undefined) return [];
  const rows = FORMATS.map((format): readonly Inline[] => {
    const { rounded, below, above, error } = neighbours(format, value);
    const relative =
      value === 0 || !Number.isFinite(rounded) ? '' : ` (${shortNumber((100 * error) / value)} %)`;
    return [
      code(format),
      code(exactNumber(rounded)),
      error === 0 ? 'none' : `${shortNumber(error)}${relative}`,
      error === 0 ? '' : code(exactNumber(below)),
      error === 0 ? '' : code(exactNumber(above)),
    ];
  });
  return [
    paragraph(bold(written), ...(String(value) === written ? [] : [' = ', code(exactNumber(value))])),
    table(['format', 'becomes', 'error', 'next below', 'next above'], rows),
    paragraph(code('int8'), ' and ', code('int4'), ' hold multiples of a scale.'),
  ];
}

function valueOf(written: string): number | undefined {
  const fraction = /^(-?\d+)\/(\d+)$/u.exec(written);
  const power = /^2\^(-?\d+)$/u.exec(written);
  const value =
    fraction !== null
      ? Number(fraction[1]) / Number(fraction[2])
      : power !== null
        ? 2 ** Number(power[1])
        : Number(written);
  return Number.isFinite(value) ? value : undefined;
}
