/** `analyze PLAN --method auto|sketch|measured|hessian|first-order|local|all`: ranges and errors of every layer, with the reason where one stands out. */
import { errorsAmong } from '../language/index.js';
import { lowFormat } from '../analysis/index.js';
import { isFloatFormat, LOW_FORMAT_NAMES, type LowFormatName } from '../formats/index.js';
import { layersMatching } from '../plan/index.js';
import { formatNumber, formatPercent, formatPower } from '../report/index.js';
import {
  ANALYSIS_METHODS,
  analyzePlan,
  layersFor,
  type AnalysisMethod,
  type AnalyzedPlan,
  type GradientReport,
  type LayerReport,
  type Timing,
} from '../work/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, reportDiagnostics } from './load.js';
import type { Subcommand } from './subcommand.js';
import type { Output } from './output.js';
import { formatTable } from './table.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const analyze: Subcommand = {
  specification: {
    name: 'analyze',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Ranges and sensitivity of every layer, worst first.',
    shared: ['output', 'cache', 'target'],
    options: {
      method: {
        type: 'string',
        value: ANALYSIS_METHODS.join('|'),
        help: "how a layer's effect is found (default auto: from gradients, measured where these say too little)",
      },
      probes: { type: 'string', value: 'N', help: 'random probes of each output for a sketch (default 8)' },
      seed: { type: 'string', value: 'N', help: 'of the probes (default 0)' },
      format: {
        type: 'string',
        value: 'NAME',
        help: `the low format: ${LOW_FORMAT_NAMES.join(', ')} (default the plan's own)`,
      },
      gradients: {
        type: 'boolean',
        help: 'also the ranges of gradients, and the loss scale that training would settle at',
      },
      latency: {
        type: 'boolean',
        help: "also how long layers take on the plan's target, timed where that is not known",
      },
      spectrum: {
        type: 'string',
        value: 'GLOB',
        help:
          'of these layers also the largest eigenvalue of the Hessian and log det(I + H / lambda), and with labels the Hessian of ' +
          'the loss: some dozens of runs for each layer and sample',
      },
      lambda: { type: 'string', value: 'X', help: 'of --spectrum (default 1)' },
      all: { type: 'boolean', help: 'list every layer, not only the 20 most sensitive' },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const method = parsed.choice('method', ANALYSIS_METHODS);
    const asked = parsed.text('format') === undefined ? undefined : parsed.choice('format', LOW_FORMAT_NAMES);
    const probes = parsed.text('probes') === undefined ? undefined : parsed.integer('probes', 1);
    const seed = parsed.seed('seed');
    const lambda = positive(parsed.text('lambda'));
    const glob = parsed.text('spectrum');
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    if (glob !== undefined && layersMatching(plan.layers, glob).length === 0) {
      throw new CommandFailure(
        EXIT.usage,
        'no-layers',
        `--spectrum: no layer matches "${glob}"`,
        loaded.path,
      );
    }
    const format = asked ?? lowFormat(plan);
    if (parsed.flag('gradients') && !isFloatFormat(format)) {
      const message = `--gradients says what a float format makes of gradients; ${format} is none`;
      throw new CommandFailure(EXIT.usage, 'usage', message);
    }
    const { length: layers } = layersFor(plan, format);
    if (layers === 0) {
      throw new CommandFailure(
        EXIT.usage,
        'no-layers',
        `no layer of this model can run in ${format}`,
        loaded.path,
      );
    }
    return withWork(loaded, plan, context, async (work) => {
      const analyzed = resultOf(
        await analyzePlan(work, {
          ...{ method, format, probes, seed, gradients: parsed.flag('gradients') },
          latency: parsed.flag('latency'),
          spectrum: glob === undefined ? undefined : { glob, lambda },
        }),
        loaded,
      );
      printAnalysis(
        analyzed,
        method,
        {
          ...{ all: parsed.flag('all'), layers, samples: work.samples.length, format },
          latency: parsed.flag('latency'),
        },
        output,
      );
      reportDiagnostics(loaded, analyzed.findings, output);
      const { sessions, inferences, seconds, rankCorrelations, reports } = analyzed;
      output.document({
        target: 'cpu',
        samples: work.samples.length,
        method,
        format,
        seconds,
        sessions,
        inferences,
        peakMemory: analyzed.peakMemory,
        ...(method === 'all' ? { rankCorrelations: correlationsDocument(rankCorrelations) } : {}),
        timing: timingDocument(analyzed.timing),
        layers: reports,
        ...(analyzed.gradients === undefined ? {} : { gradients: analyzed.gradients }),
      });
      return errorsAmong(plan.diagnostics).length > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

function printAnalysis(
  { reports, timing, seconds, peakMemory, rankCorrelations, gradients }: AnalyzedPlan,
  method: AnalysisMethod,
  {
    all,
    layers,
    samples,
    format,
    latency,
  }: {
    readonly all: boolean;
    readonly latency: boolean;
    readonly layers: number;
    readonly samples: number;
    readonly format: LowFormatName;
  },
  output: Output,
): void {
  const shown = all ? reports : reports.slice(0, SHOWN);
  for (const line of layerTable(method, shown, latency ? format : undefined)) output.line(line);
  if (!all && reports.length > SHOWN) output.line(`(${reports.length - SHOWN} more layers: --all)`);
  output.line();
  const explained = METHODS.flatMap(({ names, text }) => (names.includes(method) ? [text] : []));
  output.line(
    `${layers} layers, ${samples} samples, ${seconds.toFixed(1)} s, at most ${Math.ceil(peakMemory / BYTES_PER_MEGABYTE)} MB of memory; ${explained.join('; ')}`,
  );
  if (latency) output.line(timingLine(timing));
  for (const line of [...spectrumLines(reports), ...lossLines(reports)]) output.line(line);
  for (const line of gradients === undefined ? [] : gradientLines(gradients)) output.line(line);
  for (const [name, correlation] of rankCorrelations) {
    const figure = correlation?.toFixed(3) ?? `none: it tells no two of these layers apart in ${format}`;
    output.line(`rank correlation of ${name} with measured (Spearman): ${figure}`);
  }
}

function timingDocument({ target, reason, files, misfit, busy }: Timing): unknown {
  return {
    ...{ target, reason: reason ?? null, files: files ?? null, misfit: misfit ?? null },
    busy: busy ?? false,
  };
}

function timingLine({ target, reason, files, busy }: Timing): string {
  if (reason !== undefined) return `no layer has a latency: ${reason}`;
  const where = files === undefined ? `on ${target} of this machine` : `by ${files.join(', ')}`;
  const state = busy === true ? '; the machine was busy: trust no small difference' : '';
  return `milliseconds ${where}, casts apart; ~: estimated by operations and bytes${state}`;
}

function correlationsDocument(
  correlations: AnalyzedPlan['rankCorrelations'],
): Readonly<Record<string, number | null>> {
  return Object.fromEntries([...correlations].map(([name, value]) => [name, value ?? null]));
}

/** An option's number above 0. */
function positive(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new CommandFailure(EXIT.usage, 'usage', `--lambda wants a number above 0, not "${text}"`);
}

/** Eigenvalues of the layers that they were asked for of. */
function spectrumLines(reports: readonly LayerReport[]): string[] {
  const found = reports.flatMap(({ name, scores }) =>
    scores?.['outputLargest'] === undefined && scores?.['weightLargest'] === undefined
      ? []
      : [{ name, scores }],
  );
  if (found.length === 0) return [];
  const figure = (value: number | undefined): string => (value === undefined ? '' : formatNumber(value));
  return formatTable(
    [
      { title: 'layer' },
      ...['output: largest', 'log det', 'weights: largest', 'log det'].map(
        (title) => ({ title, align: 'right' }) as const,
      ),
    ],
    found.map(({ name, scores }) => [
      name,
      figure(scores['outputLargest']),
      figure(scores['outputLogDeterminant']),
      figure(scores['weightLargest']),
      figure(scores['weightLogDeterminant']),
    ]),
  );
}

/** The Hessian of the loss against the plan's labels, of the layers that it was asked for of. */
function lossLines(reports: readonly LayerReport[]): string[] {
  const found = reports.flatMap(({ name, scores }) =>
    scores?.['lossTrace'] === undefined ? [] : [{ name, scores }],
  );
  if (found.length === 0) return [];
  const columns = [
    ['trace', 'lossTrace'],
    ['largest', 'lossLargest'],
    ["g'dw", 'lossFirstOrder'],
    ["dw'H dw / 2", 'lossSecondOrder'],
  ] as const;
  return formatTable(
    [{ title: 'Hessian of the loss' }, ...columns.map(([title]) => ({ title, align: 'right' }) as const)],
    found.map(({ name, scores }) => [name, ...columns.map(([, key]) => formatNumber(scores[key] ?? NaN))]),
  );
}

/** How large gradients are, and the scale that holds them. */
function gradientLines({ loss, lossScale, tensors, withoutRule }: GradientReport): string[] {
  const largest = tensors.reduce((most, { maxAbs }) => Math.max(most, maxAbs), 0);
  const missing = withoutRule.map(({ node, reason }) => `no gradient through "${node}": ${reason}`);
  if (lossScale === null) return [`gradients of ${loss}: nothing that a scale would hold`, ...missing];
  const { scale, steps, skipped, unscaled, scaled } = lossScale;
  return [
    `gradients of ${loss}: largest ${formatNumber(largest)}`,
    `loss scale ${formatPower(scale)}, after ${steps} steps (${skipped} left out); subnormal or zero ` +
      `${formatPercent(unscaled.underflow)} unscaled, ${formatPercent(scaled.underflow)} scaled`,
    ...missing,
  ];
}

const BYTES_PER_MEGABYTE = 1e6;

/** Of what was not looked at. */
const UNKNOWN = '-';

/** Layers that are listed unless all are asked for. */
const SHOWN = 20;

const METHODS: readonly { readonly names: readonly AnalysisMethod[]; readonly text: string }[] = [
  {
    names: ['local', 'all'],
    text: 'local error: what rounding to the format does to the output of the layer alone, given exact inputs',
  },
  {
    names: ['auto', 'sketch', 'hessian', 'first-order'],
    text:
      'error: what the worst output of the model (of those that tolerances speak of, if any) is found to err by with only ' +
      'this layer in the format, by gradients to first order where it says "sketch"',
  },
  {
    names: ['measured', 'all'],
    text:
      'measured error: what the worst output of the model (of those that tolerances speak of, if any) errs by with ' +
      'only this layer in the format',
  },
  {
    names: ['all'],
    text: 'sketch: the same error from gradients, to first order',
  },
  {
    names: ['hessian', 'all'],
    text:
      'hessian: mean trace of the Gauss-Newton Hessian of half the squared relative error times the squared change, over all that the ' +
      'layer reads, holds and writes (hessian-weights: over its constants alone, as HAWQ-V2 has it), no error',
  },
  {
    names: ['first-order', 'all'],
    text: 'first-order: |g . dw| of the loss against the labels, or of half the squared norm of the output, relative to it; no error',
  },
];

const TITLES: Readonly<Record<AnalysisMethod, string>> = {
  auto: 'error',
  sketch: 'error',
  measured: 'measured error',
  hessian: 'error',
  'first-order': 'error',
  local: 'local error',
  all: 'measured error',
};

/** @param timed the format beside FP32 in which latencies are shown; none where it is left out. */
function layerTable(
  method: AnalysisMethod,
  reports: readonly LayerReport[],
  timed: LowFormatName | undefined,
): string[] {
  const times = timed === undefined ? [] : ['fp32', timed];
  const isMixed = method === 'auto';
  const scored = (['hessian', 'first-order'] as const).filter((name) => method === name || method === 'all');
  const errors = (one: LayerReport): string[] => [
    formatNumber(one.error.value),
    ...(isMixed ? [one.error.method] : []),
    ...(method === 'all' ? [one.sketch === undefined ? '' : formatNumber(one.sketch.value)] : []),
    ...scored.map((name) => (one.scores?.[name] === undefined ? '' : formatNumber(one.scores[name]))),
    ...(one.local === undefined ? [] : [formatNumber(one.local.value)]),
  ];
  return formatTable(
    [
      { title: 'layer' },
      { title: 'operator' },
      { title: 'decided' },
      { title: TITLES[method], align: 'right' },
      ...(isMixed ? [{ title: 'by' }] : []),
      ...(method === 'all' ? [{ title: 'sketch', align: 'right' } as const] : []),
      ...scored.map((title) => ({ title, align: 'right' }) as const),
      ...(method === 'all' ? [{ title: 'local error', align: 'right' } as const] : []),
      { title: 'largest value', align: 'right' },
      { title: 'lost to underflow', align: 'right' },
      ...times.map((title) => ({ title: `${title} ms`, align: 'right' }) as const),
      { title: 'why' },
    ],
    reports.map((one) => [
      one.name,
      one.op,
      one.format,
      ...errors(one),
      one.range.maxAbs === null ? UNKNOWN : formatNumber(one.range.maxAbs),
      one.range.underflow === null ? UNKNOWN : formatPercent(one.range.underflow),
      ...times.map((format) => timeOf(one, format)),
      one.reason,
    ]),
  );
}

function timeOf({ latency }: LayerReport, format: string): string {
  const time = latency?.[format];
  if (typeof time !== 'number') return '';
  return `${latency?.['estimated'] === true ? '~' : ''}${formatNumber(time)}`;
}
