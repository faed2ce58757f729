/** Latencies as bars. */
import { expect, it } from 'vitest';
import { latencyChart, latencyLines, type LatencyBar } from './latency-chart.js';

const BARS: readonly LatencyBar[] = [
  { name: 'fp32', median: 5, p10: 4.8, p90: 5.5 },
  { name: 'plan', median: 10, p10: 9, p90: 10 },
];

function widths(svg: string): readonly number[] {
  return [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/gu)].map(([, width]) => Number(width));
}

it('are as long as they take, and show their spread', () => {
  const svg = latencyChart(BARS);
  const [first = 0, second = 0] = widths(svg);
  expect(second / first).toBeCloseTo(2, 2);
  expect(svg).toContain('fp32: 5.00 ms (p10 4.80 ms, p90 5.50 ms)');
  expect(svg.match(/class="whisker"/gu)).toHaveLength(2);
});

it('are text in a terminal', () => {
  expect(latencyLines(BARS)).toEqual([`fp32  ${'█'.repeat(20)}─┤`, `plan  ${'█'.repeat(40)}`]);
  expect(latencyLines([{ name: 'nothing', median: Number.NaN, p10: Number.NaN, p90: Number.NaN }])).toEqual(
    [],
  );
});

it('escape names, and say where nothing was timed', () => {
  expect(latencyChart([{ name: '<b>', median: 1, p10: 1, p90: 1 }])).not.toContain('<b>');
  expect(latencyChart([])).toBe('<p>Nothing was timed.</p>');
});
