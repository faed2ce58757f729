/** The charts of the report with one bar per layer, as SVG: logarithmic; zero is a line on the ground. Pure. */
import { LOW_FORMAT_NAMES } from '../formats/index.js';
import type { ReportLayer } from './report.js';
import { escapeHtml, formatNumber } from './text.js';

const WIDTH = 1000;
const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 16;

/** A line at a value, with what it is. */
export interface Limit {
  readonly name: string;
  readonly value: number;
}

interface Bar {
  readonly layer: ReportLayer;
  readonly value: number;
}

/** Local error of every layer, in graph order. */
export function sensitivityChart(layers: readonly ReportLayer[]): string {
  const bars = layers.map((layer) => ({ layer, value: layer.localError }));
  return barChart('Local error of every layer', bars);
}

/** Largest value of every layer with the limits of formats. */
export function rangeChart(layers: readonly ReportLayer[], limits: readonly Limit[]): string {
  const bars = layers.map((layer) => ({ layer, value: layer.maxAbs ?? Number.NaN }));
  return barChart('Largest value of every layer', bars, limits);
}

function barChart(label: string, bars: readonly Bar[], limits: readonly Limit[] = []): string {
  const finite = [...bars.map((bar) => bar.value), ...limits.map(({ value }) => value)].filter(
    (value) => Number.isFinite(value) && value > 0,
  );
  if (finite.length === 0) return '<p>Nothing was measured.</p>';
  const low = Math.floor(Math.log10(finite.reduce((least, value) => Math.min(least, value))));
  const top = Math.ceil(Math.log10(finite.reduce((most, value) => Math.max(most, value))));
  const high = Math.max(top, low + 1);
  const span = high - low;
  /** Infinite values reach the top; zero, and what is no number, the ground. */
  const y = (value: number): number => {
    const decade = value > 0 ? Math.min(Math.log10(value), high) : low;
    return HEIGHT - BOTTOM - ((decade - low) / span) * (HEIGHT - BOTTOM - 8);
  };
  const step = (WIDTH - LEFT) / bars.length;
  const decades = Array.from({ length: span + 1 }, (_, index) => low + index);
  const every = Math.ceil(decades.length / 8);
  const grid = decades
    .filter((_, index) => index % every === 0)
    .map((decade) => {
      const at = y(10 ** decade).toFixed(1);
      return `<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${at}" y2="${at}"/><text x="4" y="${at}" dy="3">1e${decade}</text>`;
    });
  const drawn = bars.map(({ layer, value }, index) => {
    const kind = LOW_FORMAT_NAMES.some((name) => name === layer.format) ? 'low' : 'high';
    const tip = escapeHtml(`${layer.name} (${layer.operator}, ${layer.format}): ${formatNumber(value)}`);
    const height = Math.max(1, HEIGHT - BOTTOM - y(value));
    return `<rect class="${kind}" x="${(LEFT + index * step).toFixed(2)}" y="${(HEIGHT - BOTTOM - height).toFixed(1)}" width="${Math.max(0.5, step * 0.8).toFixed(2)}" height="${height.toFixed(1)}"><title>${tip}</title></rect>`;
  });
  const lines = limits.map(({ name, value }) => {
    const at = y(value).toFixed(1);
    return `<line class="limit" x1="${LEFT}" x2="${WIDTH}" y1="${at}" y2="${at}"><title>${escapeHtml(name)}</title></line>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${grid.join('')}${drawn.join('')}${lines.join('')}</svg>`;
}
