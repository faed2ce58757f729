/** How the values of a tensor are spread, as a small picture: one bar per binade, with the format's range behind. Pure SVG. */
import type { ReportTensor } from './report.js';
import { escapeHtml, formatNumber, formatPower } from './text.js';

const HEIGHT = 28;
const WIDTH = 160;
/** Binades that are drawn at most: those below the first of them are one bar. */
const BINADES = 48;

/** The range of the low format, in exponents of two. */
export interface FormatBinades {
  /** Of the smallest normal number. */
  readonly lowest: number;
  /** Of the largest number. */
  readonly highest: number;
}

/** The chart of a tensor; nothing for one that holds zeros only. */
export function histogramChart(tensor: ReportTensor, format: FormatBinades | undefined): string {
  const { binades } = tensor.histogram;
  const last = binades.at(-1)?.[0];
  const first = binades[0]?.[0];
  if (last === undefined || first === undefined) return '';
  const top = Math.max(last, format?.highest ?? last);
  const bottom = Math.max(top - BINADES + 1, Math.min(first, format?.lowest ?? first));
  const counts = new Map<number, number>();
  for (const [exponent, count] of binades) {
    const place = Math.max(exponent, bottom);
    counts.set(place, (counts.get(place) ?? 0) + count);
  }
  const most = [...counts.values()].reduce((largest, count) => Math.max(largest, count), 1);
  const step = WIDTH / (top - bottom + 1);
  const x = (exponent: number): number => (exponent - bottom) * step;
  const band =
    format === undefined
      ? ''
      : `<rect class="held" x="${x(Math.max(format.lowest, bottom)).toFixed(1)}" y="0" width="${((format.highest - Math.max(format.lowest, bottom) + 1) * step).toFixed(1)}" height="${HEIGHT}"/>`;
  const bars = [...counts].map(([exponent, count]) => {
    const isHeld = format === undefined || (exponent >= format.lowest && exponent <= format.highest);
    // One element in a million would not be seen: heights grow with the logarithm.
    const height = Math.max(1, (HEIGHT * Math.log2(count + 1)) / Math.log2(most + 1));
    return `<rect class="${isHeld ? 'low' : 'high'}" x="${x(exponent).toFixed(1)}" y="${(HEIGHT - height).toFixed(1)}" width="${Math.max(0.5, step - 0.5).toFixed(1)}" height="${height.toFixed(1)}"><title>${titleOf(exponent, exponent === bottom && first < bottom, count, tensor.elements)}</title></rect>`;
  });
  const best = tensor.scale === 1 ? '' : `, which suit the format best times ${formatPower(tensor.scale)}`;
  const label = escapeHtml(`Magnitudes of ${tensor.tensor}${best}`);
  return `<svg class="spread" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}"><title>${label}</title>${band}${bars.join('')}</svg>`;
}

function titleOf(exponent: number, isBelow: boolean, count: number, elements: number): string {
  const from = isBelow ? 'below' : `${formatPower(2 ** exponent)} up to`;
  return escapeHtml(`${from} ${formatPower(2 ** (exponent + 1))}: ${formatNumber(count)} of ${elements}`);
}
