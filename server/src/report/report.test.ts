/** The report's page, charts, conclusions and numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeptBenchmark } from '../analysis/index.js';
import { rangeChart, sensitivityChart } from './charts.js';
import { conclude, concludeNoGain, concludeSpeed } from './conclusions.js';
import { reportPage } from './page.js';
import type { Comparison, ComparisonRow, Report, ReportLayer } from './report.js';
import { escapeHtml, formatMilliseconds, formatNumber, formatPercent, formatSize } from './text.js';

function layer(changes: Partial<ReportLayer> = {}): ReportLayer {
  return {
    name: 'conv',
    operator: 'Conv',
    format: 'fp16',
    judgedIn: 'fp16',
    localError: 1e-3,
    maxAbs: 10,
    overflow: 0,
    underflow: 0,
    tensors: [],
    multiplyAdds: 100,
    weighted: true,
    reason: '',
    ...changes,
  };
}

function row(name: string, median: number | undefined, bytes: number): ComparisonRow {
  return {
    name,
    errors: [0.001],
    latency: median === undefined ? undefined : { median, p10: median, p90: median },
    bytes,
    low: { layers: 1, weighted: 1, multiplyAdds: 50 },
    casts: 2,
  };
}

function comparison(times: readonly (number | undefined)[], bytes = [100, 60, 50], busy = false): Comparison {
  const names = ['FP32', 'mixed', 'all FP16'];
  return {
    errorTitles: ['y relative_l2'],
    rows: names.map((name, index) => row(name, times[index], bytes[index] ?? 0)),
    total: { layers: 2, weighted: 2, multiplyAdds: 100 },
    busy,
  };
}

function report(changes: Partial<Report> = {}): Report {
  return {
    title: 'title',
    model: 'm.onnx',
    plan: 'p.precision',
    samples: 3,
    device: 'a CPU',
    versions: '1',
    conclusions: ['It is so.'],
    comparison: comparison([10, 9, 8]),
    verdicts: [
      {
        tolerance: {
          output: 'y',
          metric: { name: 'relative_l2' },
          operator: '<=',
          limit: 1e-3,
          over: 'worst',
          text: 'relative_l2 <= 1e-3',
          source: { path: '/p.precision', range: { start: 0, end: 0 } },
        },
        measured: 5e-4,
        figures: [],
        holds: true,
        noise: 1e-5,
        verdict: 'holds',
      },
    ],
    layers: [layer()],
    formats: [{ name: 'fp16', largest: 65504, smallestNormal: 2 ** -14 }],
    ...changes,
  };
}

/** Elements that HTML ends by itself. */
const VOID = new Set(['meta', 'link', 'br', 'img', 'input']);

/** Every element with its attributes; fails where a tag is not closed in its place or a `<` stands alone. */
function elementsOf(html: string): { readonly name: string; readonly attributes: string }[] {
  const open: string[] = [];
  const found: { name: string; attributes: string }[] = [];
  const body = html.replace(/^<!doctype html>\n/, '');
  const tags = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z][\w-]*="[^"<>]*")*)\s*(\/?)>/g;
  expect(body.replaceAll(tags, '')).not.toMatch(/[<]/);
  for (const [, slash, name = '', attributes = '', closed] of body.matchAll(tags)) {
    if (slash === '/') expect(`</${open.pop() ?? ''}>`).toBe(`</${name}>`);
    else {
      found.push({ name, attributes });
      if (closed !== '/' && !VOID.has(name)) open.push(name);
    }
  }
  expect(open).toEqual([]);
  return found;
}

function checkPage(page: string): void {
  for (const { name, attributes } of elementsOf(page)) {
    expect(['script', 'img', 'iframe', 'link', 'object', 'embed']).not.toContain(name);
    expect(attributes).not.toMatch(/\s(on\w+|src|href|style)=/i);
  }
  expect(page).not.toMatch(/url\(|@import|https?:/);
  expect(page).toContain("default-src 'none'");
}

describe('the page', () => {
  it('is well-formed, without scripts and requests', () => {
    checkPage(reportPage(report()));
  });

  it('shows names as text, whatever they are', () => {
    const name = `<img src=x onerror="alert(1)">`;
    const page = reportPage(
      report({
        title: name,
        model: name,
        device: name,
        conclusions: [name],
        layers: [layer({ name, operator: name, format: name, reason: `' " & ]]>` })],
        comparison: { ...comparison([1, 1, 1]), errorTitles: [name] },
      }),
    );
    checkPage(page);
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(text, (odd) => {
        const layers = [layer({ name: odd, reason: odd })];
        checkPage(reportPage(report({ title: odd, layers })));
      }),
      { numRuns: 50 },
    );
  });

  it('says so where there are no tolerances, no latencies and no layers', () => {
    const page = reportPage(
      report({ verdicts: [], layers: [], comparison: comparison([undefined, undefined, undefined]) }),
    );
    checkPage(page);
    expect(page).toContain('states no tolerance');
    expect(page).toContain('Nothing was measured');
  });
});

describe('a page of several low formats', () => {
  const formats = [
    { name: 'fp16', largest: 65504, smallestNormal: 2 ** -14 },
    { name: 'fp8_e4m3', largest: 448, smallestNormal: 2 ** -6 },
    { name: 'int8', largest: undefined, smallestNormal: undefined },
  ] as const;
  const tensor = {
    ...{ tensor: 't', kind: 'output' as const, elements: 8, scale: 1 },
    histogram: {
      zeros: 0,
      binades: [
        [-20, 4],
        [20, 4],
      ] as const,
    },
  };
  const layers = formats.map(({ name }) => layer({ name, format: name, judgedIn: name, tensors: [tensor] }));

  it('says what its figures are of, with the limits of each, and takes none for the only one', () => {
    const page = reportPage(report({ formats, layers }));
    checkPage(page);
    expect(page).toContain('exact inputs, in fp16, and in their own of the layers in fp8_e4m3 and int8.');
    expect(page).toContain('the dashed lines are the largest numbers of fp16 (65504) and fp8_e4m3 (448).');
    expect(page.match(/class="limit"/g)).toHaveLength(2);
    expect(page.match(/<rect class="low"[^>]*><title>(?:fp16|fp8_e4m3|int8) /g)).toHaveLength(6);
    // Behind the values of each layer the numbers of its own format; a scale reaches as far as it has to.
    const held = [...page.matchAll(/class="held" x="[\d.]+" y="0" width="([\d.]+)"/g)].map(
      ([, width]) => width,
    );
    expect(new Set(held).size).toBe(2);
    expect(reportPage(report())).toContain('exact inputs, in fp16.');
  });

  it('speaks of all of them where it says what they are worth', () => {
    const said = conclude(comparison([10, 5, 10]), 'fp16', ['int8', 'bf16']);
    expect(said[1]).toBe(
      'INT8 and BF16 pay on this machine: the mixed model is 2.00 times faster than FP32, all in FP16 is as fast as FP32.',
    );
    expect(conclude(comparison([10, 10, 10]), 'fp16', ['int8'])[1]).toContain('INT8 does not pay');
    expect(conclude(comparison([10, 10, 10]), 'fp16', ['int8', 'fp16'])[1]).toContain(
      'INT8 and FP16 do not pay',
    );
  });
});

describe('a page of less', () => {
  const nothing = { comparison: undefined, verdicts: undefined, layers: undefined, formats: undefined };

  it('has no titles for what was not asked for', () => {
    const page = reportPage(report(nothing));
    checkPage(page);
    expect(page).not.toContain('<h2>');
    expect(page).toContain('It is so.');
  });

  it('draws the latency of each model under the name that its table has', () => {
    const rows = comparison([4, 5, 6]).rows.map((one, at) => {
      const name = ['fp32', 'plan', 'fp16'][at] ?? '';
      // As a benchmark gives it, which has names of its own.
      return one.latency === undefined ? one : { ...one, latency: { ...one.latency, name } };
    });
    const page = reportPage(report({ comparison: { ...comparison([4, 5, 6]), rows } }));
    expect(page).toContain('<h2>Latency</h2>');
    expect(page).toContain('aria-label="Latency of FP32, mixed, all FP16"');
    expect(page).not.toContain('Earlier benchmarks');
  });

  it('lists earlier benchmarks with their machine and versions', () => {
    const rows = [{ name: 'fp32', median: 4, p10: 3, p90: 5, bytes: 10 }];
    const kept: KeptBenchmark = {
      ...{ at: '2026-03-04T05:06:07.000Z', plan: '/p', decisions: 'd', input: 'i', target: 'cpu' },
      ...{
        device: 'a <processor>',
        platform: 'linux-x64',
        cores: 2,
        onnxRuntime: '1.30.0',
        version: '0.1.0',
      },
      ...{ threads: 1, runs: 50, busy: true, load: 2.5, rows },
    };
    const page = reportPage(report({ earlier: [kept] }));
    for (const cell of [
      ...['2026-03-04 05:06', '4.00 ms', '–', '50', '2.5, busy'],
      ...['a &lt;processor&gt;, 2 cores, linux-x64', 'onnx-precision 0.1.0, ONNX Runtime 1.30.0'],
    ]) {
      expect(page).toContain(`<td>${cell}</td>`);
    }
  });

  it('shows the figures of every output', () => {
    const figures = { max_abs: 0.5, mean_abs: 0.1, relative_l2: 1e-3, cosine: 0.9999, sqnr: 60 };
    const page = reportPage(
      report({ ...nothing, outputs: [{ name: 'heat', worst: figures, pooled: figures }] }),
    );
    checkPage(page);
    expect(page).toContain('<td>heat</td><td>0.5</td><td>0.1</td><td>1.00e-3</td><td>0.9999000</td>');
  });
});

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

describe('conclusions', () => {
  function checkConclusions(of: Comparison, ...expected: string[]): void {
    expect(conclude(of, 'fp16')).toEqual(expected);
  }
  const smaller = 'The mixed model is 40 % smaller than the original.';

  it('faster', () => {
    checkConclusions(
      comparison([10, 8, 5]),
      smaller,
      'FP16 pays on this machine: the mixed model is 1.25 times faster than FP32, all in FP16 is 2.00 times faster than FP32.',
    );
  });

  it('faster only as a whole: the plan is not said to pay', () => {
    checkConclusions(
      comparison([10, 11, 8]),
      smaller,
      'FP16 pays on this machine: the mixed model is 1.10 times slower than FP32, all in FP16 is 1.25 times faster than FP32.',
    );
  });

  it('slower', () => {
    checkConclusions(
      comparison([10, 20, 15]),
      smaller,
      'FP16 does not pay on this machine: the mixed model is 2.00 times slower than FP32, all in FP16 is 1.50 times slower than FP32. ' +
        'What it gains is size.',
    );
  });

  it('slower in two formats, one of which is faster alone: that says nothing of both', () => {
    const { rows } = comparison([10, 20, 5]);
    expect(concludeSpeed({ rows }, 'fp16', { planFormats: ['fp16', 'int8'] })).toMatchObject({
      pays: false,
      sentence: expect.stringMatching(
        /^FP16 and INT8 do not pay on this machine: .*2\.00 times slower/,
      ) as string,
    });
  });

  it('slower, for want of kernels', () => {
    const { rows } = comparison([10, 20, 15]);
    expect(concludeSpeed({ rows }, 'fp16', { lacksKernels: true })?.sentence).toMatch(
      /What it gains is size; speed is for a device with kernels of that format\.$/,
    );
  });

  it('medians apart, spreads that overlap: nothing can be told', () => {
    const [original, plan, low] = [20, 25, 26].map((median) => ({
      ...{ bytes: 100, latency: { median, p10: median - 4, p90: median + 4 } },
    }));
    if (original === undefined || plan === undefined || low === undefined) throw new Error('no rows');
    const told = (...rows: (typeof plan)[]) => concludeSpeed({ rows }, 'fp16', { lacksKernels: true });
    const about = 'Whether FP16 pays on this machine cannot be told: the mixed model is';
    expect(told(original, plan, low)).toEqual({
      pays: false,
      sentence: `${about} within the spread of FP32, all in FP16 is within the spread of FP32.`,
    });
    const slow = { ...low, latency: { median: 40, p10: 39, p90: 41 } };
    expect(told(original, plan, slow)?.sentence).toBe(
      `${about} within the spread of FP32, all in FP16 is 2.00 times slower than FP32.`,
    );
    expect(told(slow, plan, original)?.pays).toBe(true);
    expect(concludeNoGain(original.latency, plan.latency, 'fp16')).toBe(
      'FP16 does not pay on this machine: the plan is within the spread of FP32.',
    );
  });

  it('the same, within what two runs of one model show', () => {
    const [, speed] = conclude(comparison([10, 10.4, 9.6]), 'fp16');
    for (const times of [
      [10, 20, 20],
      [10, 5, 5],
    ] as const) {
      const [, single] = conclude({ ...comparison(times), runs: 1 }, 'fp16');
      expect(single).toBe(
        'Whether FP16 pays on this machine cannot be told: one run of each has no spread, several tell.',
      );
    }
    // What FP16 does is nothing that INT8 does.
    expect(conclude(comparison([10, 20, 5]), 'fp16', ['int8'])[1]).toMatch(
      /^INT8 does not pay .* all in FP16 is 2.00 times faster/u,
    );
    expect(speed).toContain('the mixed model is as fast as FP32, all in FP16 is as fast as FP32');
  });

  it('no smaller and no faster: nothing is gained', () => {
    const [size, speed] = conclude(comparison([10, 10, 10], [100, 100, 50]), 'fp16');
    expect(size).toBe('The mixed model is no smaller than the original.');
    expect(speed).not.toContain('gains is size');
  });

  it('a busy machine', () => {
    const sentences = conclude(comparison([10, 8, 5], [100, 60, 50], true), 'fp16');
    expect(sentences.at(-1)).toMatch(/was busy/);
  });

  it('a plan that is no faster: how much slower it is', () => {
    const noGain = (original: number, plan: number) =>
      concludeNoGain({ median: original }, { median: plan }, 'fp16');
    expect(noGain(10, 8)).toBeUndefined();
    expect(noGain(Number.NaN, 8)).toBeUndefined();
    const about = 'FP16 does not pay on this machine: the plan is';
    expect(noGain(10, 9.8)).toBe(`${about} as fast as FP32.`);
    expect(noGain(10, 15)).toBe(`${about} 1.50 times slower than FP32.`);
    expect(concludeNoGain({ median: 10 }, { median: 15 }, 'fp16', { target: 'webgpu' })).toMatch(
      /^FP16 does not pay on webgpu on this machine/,
    );
  });

  it('nothing timed: only the size', () => {
    checkConclusions(comparison([undefined, undefined, undefined]), smaller);
  });
});

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [0.0123456, '0.0123'],
    [0.00123456, '1.23e-3'],
    [-12.3456, '-12.3'],
    [99999, '100000'],
    [123456, '1.23e+5'],
    [Infinity, 'infinite'],
    [-Infinity, '-infinite'],
    [NaN, 'not a number'],
  ])('%d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('with units', () => {
    expect([1.234, 12.34].map(formatMilliseconds)).toEqual(['1.23 ms', '12.3 ms']);
    expect([0, 0.1, 0.05, 0.00567, -0.0004].map(formatMilliseconds)).toEqual([
      '0.00 ms',
      '0.10 ms',
      '0.05 ms',
      '0.0057 ms',
      '-0.0004 ms',
    ]);
    expect([1234, 12345678].map(formatSize)).toEqual(['1.2 KB', '12.35 MB']);
    expect([0, 0.0123, 0.5, 1, NaN].map(formatPercent)).toEqual(['0 %', '1.2 %', '50 %', '100 %', '–']);
  });

  it('escaped text has no character that begins or ends anything', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
        const back = escaped
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&');
        expect(back).toBe(text);
      }),
    );
  });
});
