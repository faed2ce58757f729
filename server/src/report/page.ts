/**
 * The report as one self-contained page: no script, no request, readable from a file. Knows how to draw, not how
 * to measure.
 */
import type { KeptBenchmark, OutputMeasurement, ToleranceVerdict } from '../analysis/index.js';
import type { Comparison, Report, ReportFormat, ReportLayer } from './report.js';
import { binadeOf } from '../formats/index.js';
import { dayAndTime } from './benchmark-comparison.js';
import { sensitivityChart, rangeChart, type Limit } from './charts.js';
import { histogramChart, type FormatBinades } from './histogram-chart.js';
import { latencyChart } from './latency-chart.js';
import { outputFigures } from './output-figures.js';
import { escapeHtml, formatMilliseconds, formatNumber, formatPercent, formatSize } from './text.js';

const STYLE = `
:root { color-scheme: light dark; --low: #2f7d5b; --high: #b4552d; --line: #8884; --muted: #777; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.about { color: var(--muted); margin-top: .2rem; }
table { border-collapse: collapse; } th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } td:not(:last-child) { white-space: nowrap; }
svg { width: 100%; height: auto; } svg.spread { width: 10rem; } .held { fill: var(--line); } .low { fill: var(--low); } .high { fill: var(--high); } .axis { stroke: var(--line); } .whisker { stroke: currentColor; fill: none; }
.limit { stroke: var(--high); stroke-dasharray: 4 3; } text { font: 10px system-ui, sans-serif; fill: currentColor; }
.scroll { overflow: auto; max-height: 32rem; } .key span { margin-right: 1.2rem; } .key .low::before, .key .high::before
{ content: '■ '; } .key .low { color: var(--low); } .key .high { color: var(--high); }
`;

/** The whole page. */
export function reportPage(report: Report): string {
  const title = escapeHtml(report.title);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${STYLE}</style></head><body>
<h1>${title}</h1>
<p class="about">${escapeHtml(`${report.model} · ${report.plan} · ${report.samples} samples · ${report.device} · ${report.versions}`)}</p>
<ul>${report.conclusions.map((sentence) => `<li>${escapeHtml(sentence)}</li>`).join('')}</ul>
${sectionsOf(report).join('\n')}
</body></html>
`;
}

/** What there is to show, each under its title. */
function sectionsOf({
  comparison,
  earlier,
  verdicts,
  outputs,
  layers,
  formats = [],
}: Report): readonly string[] {
  const sections: string[] = [];
  if (comparison !== undefined) {
    const bars = comparison.rows.flatMap(({ name, latency }) =>
      latency === undefined ? [] : [{ ...latency, name }],
    );
    if (bars.length > 0) sections.push(`<h2>Latency</h2>\n${latencyChart(bars)}`);
    sections.push(`<h2>FP32, the plan, all in low precision</h2>\n${comparisonTable(comparison)}`);
  }
  if (earlier !== undefined && earlier.length > 0) {
    sections.push(`<h2>Earlier benchmarks of this model</h2>\n${earlierTable(earlier)}`);
  }
  if (verdicts !== undefined) sections.push(`<h2>Tolerances</h2>\n${verdictTable(verdicts)}`);
  if (outputs !== undefined) sections.push(`<h2>Outputs, on the worst sample</h2>\n${outputTable(outputs)}`);
  if (layers !== undefined) sections.push(layerSections(layers, formats));
  return sections;
}

function layerSections(layers: readonly ReportLayer[], formats: readonly ReportFormat[]): string {
  const limits = formats.flatMap(({ name, largest }) =>
    largest === undefined ? [] : [{ name, value: largest }],
  );
  return `<h2>Sensitivity by layer</h2>
<p class="about">Local error of each layer in graph order, on a logarithmic scale: what rounding its inputs, weights and output
does to that output, given exact inputs${formats.length === 0 ? '' : `, in ${escapeHtml(formatsWords(formats))}`}.</p>
<p class="key"><span class="low">low precision in this plan</span><span class="high">kept</span></p>
${sensitivityChart(layers)}
<h2>Largest value by layer</h2>
<p class="about">Over all samples, weights included${limits.length === 0 ? '' : `; ${escapeHtml(limitsWords(limits))}`}.</p>
${rangeChart(layers, limits)}
<h2>Layers</h2>
<p class="about">Spread: magnitudes of the layer's outputs and weights by power of two, on a logarithmic scale; behind them the
normal numbers of the format that the layer is judged in.</p>
<div class="scroll">${layerTable(layers, formats)}</div>`;
}

/** What the figures of layers are of. */
function formatsWords([main, ...others]: readonly ReportFormat[]): string {
  const own = others.length === 0 ? '' : `, and in their own of the layers in ${listed(others)}`;
  return `${main?.name ?? ''}${own}`;
}

const SHORT = 1e6;

function limitsWords(limits: readonly Limit[]): string {
  // As numbers that one knows, as far as these are short.
  const written = (value: number): string => (value < SHORT ? String(value) : formatNumber(value));
  const named = limits.map(({ name, value }) => ({ name: `${name} (${written(value)})` }));
  return limits.length === 1
    ? `the dashed line is the largest number of ${listed(named)}`
    : `the dashed lines are the largest numbers of ${listed(named)}`;
}

function listed(named: readonly { readonly name: string }[]): string {
  return named.map(({ name }) => name).join(' and ');
}

function comparisonTable({ errorTitles, rows, total }: Comparison): string {
  const head = [
    '',
    ...errorTitles,
    'latency',
    'p10 – p90',
    'size',
    'layers',
    'weighted layers',
    'multiply-adds',
    'casts',
  ];
  const body = rows.map((row) => [
    row.name,
    ...row.errors.map(formatNumber),
    row.latency === undefined ? '–' : formatMilliseconds(row.latency.median),
    row.latency === undefined ? '–' : `${row.latency.p10.toFixed(1)} – ${row.latency.p90.toFixed(1)}`,
    formatSize(row.bytes),
    `${row.low.layers} of ${total.layers}`,
    `${row.low.weighted} of ${total.weighted}`,
    formatPercent(row.low.multiplyAdds / total.multiplyAdds),
    String(row.casts),
  ]);
  return table(head, body);
}

function earlierTable(earlier: readonly KeptBenchmark[]): string {
  const median = ({ rows }: KeptBenchmark, name: string): string => {
    const found = rows.find((row) => row.name === name);
    return found === undefined ? '–' : formatMilliseconds(found.median);
  };
  const head = ['when (UTC)', 'FP32', 'plan', 'all FP16', 'runs', 'threads', 'load', 'machine', 'versions'];
  return table(
    head,
    earlier.map((one) => [
      dayAndTime(one.at),
      ...['fp32', 'plan', 'fp16'].map((name) => median(one, name)),
      ...[one.runs, one.threads].map(String),
      `${one.load.toFixed(1)}${one.busy ? ', busy' : ''}`,
      `${one.device}, ${one.cores} cores, ${one.platform}`,
      `onnx-precision ${one.version}, ONNX Runtime ${one.onnxRuntime}`,
    ]),
  );
}

function verdictTable(verdicts: readonly ToleranceVerdict[]): string {
  if (verdicts.length === 0) return '<p>The plan states no tolerance.</p>';
  return table(
    ['output', 'tolerance', 'over', 'measured', 'noise', 'verdict'],
    verdicts.map((one) => [
      one.tolerance.output,
      one.tolerance.text,
      one.tolerance.over,
      formatNumber(one.measured),
      `±${formatNumber(one.noise)}`,
      one.verdict,
    ]),
  );
}

function outputTable(outputs: readonly OutputMeasurement[]): string {
  return table(
    ['output', 'largest error', 'mean error', 'relative L2', 'cosine', 'SQNR'],
    outputs.map(outputFigures),
  );
}

function binadesOf({ largest, smallestNormal }: ReportFormat): FormatBinades | undefined {
  if (largest === undefined || smallestNormal === undefined) return undefined;
  return { lowest: binadeOf(smallestNormal), highest: binadeOf(largest) };
}

function layerTable(layers: readonly ReportLayer[], formats: readonly ReportFormat[]): string {
  const held = new Map(formats.map((format) => [format.name, binadesOf(format)]));
  const head = [
    'layer',
    'operator',
    'format',
    'local error',
    'largest value',
    'overflow',
    'underflow',
    'spread',
    'multiply-adds',
    'energy, µJ',
    'why',
  ];
  const rows = layers.map((layer) => [
    ...[
      layer.name,
      layer.operator,
      layer.format,
      formatNumber(layer.localError),
      layer.maxAbs === undefined ? 'unknown' : formatNumber(layer.maxAbs),
      layer.overflow === undefined ? 'unknown' : String(layer.overflow),
      layer.underflow === undefined ? 'unknown' : formatPercent(layer.underflow),
    ].map(escapeHtml),
    layer.tensors.map((tensor) => histogramChart(tensor, held.get(layer.judgedIn))).join(''),
    layer.multiplyAdds === undefined ? 'unknown' : String(layer.multiplyAdds),
    layer.energy === undefined
      ? 'unknown'
      : `${formatNumber(layer.energy.fp32)} → ${formatNumber(layer.energy.plan)}`,
    escapeHtml(layer.reason),
  ]);
  return markedUpTable(head, rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markedUpTable(
    head,
    rows.map((row) => row.map(escapeHtml)),
  );
}

/** @param rows cells as HTML. */
function markedUpTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: 'th' | 'td', cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  const body = rows.map((row) => line('td', row)).join('');
  return `<table><thead>${line('th', head.map(escapeHtml))}</thead><tbody>${body}</tbody></table>`;
}
