/** The small chart of how a tensor's values are spread. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binadesOf, rangeOfValues } from '../formats/index.js';
import { histogramChart } from './histogram-chart.js';
import type { ReportTensor } from './report.js';

const FP16 = { lowest: -14, highest: 15 };

function tensorOf(values: readonly number[], tensor = 't'): ReportTensor {
  const { histogram } = rangeOfValues(Float64Array.from(values));
  const { zeros } = histogram;
  return {
    tensor,
    kind: 'output',
    elements: values.length,
    scale: 1,
    histogram: { zeros, binades: binadesOf(histogram) },
  };
}

interface Bar {
  readonly kind: string;
  readonly x: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
}

function barsOf(chart: string): readonly Bar[] {
  const bars = chart.matchAll(
    /<rect class="(low|high)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"><title>([^<]*)<\/title>/gu,
  );
  return [...bars].map(([, kind = '', x, width, height, title = '']) => {
    return { kind, x: Number(x), width: Number(width), height: Number(height), title };
  });
}

describe('a histogram', () => {
  it('has a bar for each binade, told from the others by whether the format holds it', () => {
    const bars = barsOf(histogramChart(tensorOf([1, 1.5, 70000, 2 ** -20]), FP16));
    expect(bars.map(({ kind, title }) => `${kind} ${title}`)).toEqual([
      'high 2^-20 up to 2^-19: 1 of 4',
      'low 1 up to 2^1: 2 of 4',
      'high 2^16 up to 2^17: 1 of 4',
    ]);
    expect(bars[1]?.height).toBe(28);
    expect(bars[0]?.height).toBeLessThan(28);
  });

  it('puts all that lies far below into its first bar', () => {
    const [first] = barsOf(histogramChart(tensorOf([1, 1e-30, 1e-40]), FP16));
    expect(first?.title).toBe('below 2^-31: 2 of 3');
  });

  it('names the tensor, and the scale that would suit it best', () => {
    expect(histogramChart(tensorOf([1], 'a&b'), FP16)).toContain('<title>Magnitudes of a&amp;b</title>');
    const chart = histogramChart({ ...tensorOf([1e6]), scale: 2 ** -5 }, FP16);
    expect(chart).toContain('Magnitudes of t, which suit the format best times 2^-5');
  });

  it('of zeros is none, and one without a format has no band', () => {
    expect(histogramChart(tensorOf([0, 0]), FP16)).toBe('');
    expect(histogramChart(tensorOf([1]), undefined)).not.toContain('held');
  });

  it('stays inside its picture and escapes names, whatever the values', () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.option(fc.constant(FP16)), (list, format) => {
        const chart = histogramChart(tensorOf(list, '<b>"&'), format ?? undefined);
        expect(chart).not.toContain('<b>');
        for (const { x, width, height } of barsOf(chart)) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(160.2);
          expect(height).toBeLessThanOrEqual(28);
        }
      }),
    );
  });
});
