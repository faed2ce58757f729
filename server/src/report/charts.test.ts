/** Charts of layers: bars of the right size, in the right place, that say what they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeChart, sensitivityChart } from './charts.js';
import { elementsOf, layer } from './testing.js';

describe('a chart', () => {
  interface DrawnBar {
    readonly kind: string;
    readonly x: number;
    readonly top: number;
    readonly height: number;
    readonly title: string;
  }

  function barsOf(svg: string): DrawnBar[] {
    const bars =
      /<rect class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"><title>([^<]*)<\/title>/g;
    elementsOf(svg);
    return [...svg.matchAll(bars)].map(([, kind = '', x, y, height, title = '']) => ({
      kind,
      x: Number(x),
      top: Number(y),
      height: Number(height),
      title,
    }));
  }

  it('draws one bar per layer, from left to right, the larger the higher', () => {
    const value = fc.oneof(
      fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
      fc.constantFrom(0, Infinity, Number.NaN, 1),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 12 }), (values) => {
        fc.pre(values.some((one) => one > 0 && Number.isFinite(one)));
        const bars = barsOf(sensitivityChart(values.map((localError) => layer({ localError }))));
        expect(bars).toHaveLength(values.length);
        for (const [index, bar] of bars.entries()) {
          expect(bar.top).toBeGreaterThanOrEqual(0);
          expect(bar.top + bar.height).toBeCloseTo(204, 0);
          expect(bar.x).toBeGreaterThan(bars[index - 1]?.x ?? 0);
          for (const [other, one] of bars.entries()) {
            if ((values[other] ?? 0) < (values[index] ?? 0))
              expect(one.height).toBeLessThanOrEqual(bar.height);
          }
        }
      }),
    );
  });

  it('uses its height where all values are below one', () => {
    const bars = barsOf(sensitivityChart([0.5, 0.2].map((localError) => layer({ localError }))));
    // Between 0.1 and 1 half is seven tenths of the way.
    expect(bars[0]?.height).toBeCloseTo(0.699 * 196, 0);
    expect(bars[1]?.height).toBeCloseTo(0.301 * 196, 0);
  });

  it('says what each bar is, and colours it by the format of the layer', () => {
    const layers = [layer({ name: 'a&b' }), layer({ format: 'bf16' }), layer({ format: 'fp32' })];
    const bars = barsOf(sensitivityChart(layers));
    expect(bars.map((bar) => bar.kind)).toEqual(['low', 'low', 'high']);
    expect(bars[0]?.title).toBe('a&amp;b (Conv, fp16): 1.00e-3');
  });

  it('draws the limit of the format among the values', () => {
    const chart = rangeChart(
      [layer({ maxAbs: 1e6 }), layer({ maxAbs: 10 })],
      [{ name: 'fp16', value: 65504 }],
    );
    const limit = Number(/class="limit"[^>]* y1="([\d.]+)"/.exec(chart)?.[1]);
    const [large, small] = barsOf(chart);
    expect(limit).toBeGreaterThan(large?.top ?? NaN);
    expect(limit).toBeLessThan(small?.top ?? NaN);
  });
});
