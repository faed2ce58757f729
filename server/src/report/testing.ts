/** For tests of this room: reports and their parts, of which a test says what it is about, and what every page has to be. */
import { expect } from 'vitest';
import type { Comparison, ComparisonRow, Report, ReportLayer } from './report.js';

/** A layer in FP16. */
export function layer(changes: Partial<ReportLayer> = {}): ReportLayer {
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

/** Three models with these medians in milliseconds. */
export function comparison(
  times: readonly (number | undefined)[],
  bytes = [100, 60, 50],
  busy = false,
): Comparison {
  const names = ['FP32', 'mixed', 'all FP16'];
  return {
    errorTitles: ['y relative_l2'],
    rows: names.map((name, index) => row(name, times[index], bytes[index] ?? 0)),
    total: { layers: 2, weighted: 2, multiplyAdds: 100 },
    busy,
  };
}

/** A report of one tolerance and one layer. */
export function report(changes: Partial<Report> = {}): Report {
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
export function elementsOf(html: string): { readonly name: string; readonly attributes: string }[] {
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

/** A page asks for nothing from elsewhere and runs nothing. */
export function checkPage(page: string): void {
  for (const { name, attributes } of elementsOf(page)) {
    expect(['script', 'img', 'iframe', 'link', 'object', 'embed']).not.toContain(name);
    expect(attributes).not.toMatch(/\s(on\w+|src|href|style)=/i);
  }
  expect(page).not.toMatch(/url\(|@import|https?:/);
  expect(page).toContain("default-src 'none'");
}
