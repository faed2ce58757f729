/** The report's page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeptBenchmark } from '../analysis/index.js';
import { conclude } from './conclusions.js';
import { reportPage } from './page.js';
import { checkPage, comparison, layer, report } from './testing.js';

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
