/** Latencies as bars, each with its spread: as SVG for the page, as text for a terminal. From zero, so that lengths compare. Pure. */
import { escapeHtml, formatMilliseconds } from './text.js';

export interface LatencyBar {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

const WIDTH = 1000;
const ROW = 34;
const LEFT = 110;
const RIGHT = 130;

/** A bar for each median; the line through its end reaches from p10 to p90. */
export function latencyChart(bars: readonly LatencyBar[]): string {
  const longest = longestOf(bars);
  if (longest === 0) return '<p>Nothing was timed.</p>';
  const x = (value: number): string => (LEFT + (value / longest) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const drawn = bars.map(({ name, median, p10, p90 }, index) => {
    const top = index * ROW + 6;
    const middle = top + 11;
    const words = `${formatMilliseconds(median)} (p10 ${formatMilliseconds(p10)}, p90 ${formatMilliseconds(p90)})`;
    return (
      `<text x="${LEFT - 8}" y="${middle}" dy="4" text-anchor="end">${escapeHtml(name)}</text>` +
      `<rect class="${index === 0 ? 'held' : 'low'}" x="${LEFT}" y="${top}" width="${(Number(x(median)) - LEFT).toFixed(1)}" height="22"><title>${escapeHtml(`${name}: ${words}`)}</title></rect>` +
      `<path class="whisker" d="M${x(p10)} ${middle}H${x(p90)}M${x(p10)} ${middle - 5}v10M${x(p90)} ${middle - 5}v10"/>` +
      `<text x="${(Number(x(Math.max(median, p90))) + 8).toFixed(1)}" y="${middle}" dy="4">${formatMilliseconds(median)}</text>`
    );
  });
  return `<svg viewBox="0 0 ${WIDTH} ${bars.length * ROW + 4}" role="img" aria-label="Latency of ${escapeHtml(bars.map(({ name }) => name).join(', '))}">${drawn.join('')}</svg>`;
}

/** Characters of the longest bar. */
const CHARACTERS = 40;

/** One line for each: `plan  ████████──┤` up to its median, then to its p90. */
export function latencyLines(bars: readonly LatencyBar[]): string[] {
  const longest = longestOf(bars);
  if (longest === 0) return [];
  const width = Math.max(...bars.map(({ name }) => name.length));
  const characters = (value: number): number => Math.round((value / longest) * CHARACTERS);
  return bars.map(({ name, median, p90 }) => {
    const full = Math.max(1, characters(median));
    const spread = Math.max(0, characters(p90) - full);
    return `${name.padEnd(width)}  ${'█'.repeat(full)}${spread === 0 ? '' : `${'─'.repeat(spread - 1)}┤`}`;
  });
}

function longestOf(bars: readonly LatencyBar[]): number {
  const values = bars.flatMap(({ median, p90 }) => [median, p90]).filter((value) => Number.isFinite(value));
  return Math.max(0, ...values);
}
