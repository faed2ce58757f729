/** `analyze PLAN --method local|measured|all`: ranges and errors of every layer, with the reason where one stands out. */
import {
  layerRanges,
  localErrors,
  measuredErrors,
  rangeFindings,
  rankCorrelation,
  type LocalErrors,
  type MeasuredErrors,
} from '../analysis/index.js';
import { allowedFormats } from '../plan/index.js';
import { formatNumber, formatPercent } from '../report/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { layerReports, type LayerReport } from './layer-reports.js';
import { errorsOf, loadPlan, needModel, reportDiagnostics } from './load.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';
import { withWork } from './work.js';

export const analyze: Subcommand = {
  specification: {
    name: 'analyze',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Ranges and sensitivity of every layer, worst first.',
    options: {
      method: {
        type: 'string',
        value: 'local|measured|all',
        help: "a layer's error in its own output, in the model's outputs, or both (default local)",
      },
      format: { type: 'string', value: 'fp16|bf16', help: 'the low format (default fp16)' },
      all: { type: 'boolean', help: 'list every layer, not only the 20 most sensitive' },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output, signal } = context;
    const method = parsed.choice('method', ['local', 'measured', 'all']);
    const format = parsed.choice('format', ['fp16', 'bf16']);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    const layers = plan.layers.filter((layer) => allowedFormats(plan.model, layer).includes(format));
    if (layers.length === 0) {
      throw new CommandFailure(
        EXIT.usage,
        'no-layers',
        `no layer of this model can run in ${format}`,
        loaded.path,
      );
    }
    return withWork(loaded, plan, context, async (work) => {
      const start = performance.now();
      const evaluation = await work.evaluation();
      const options = { signal, progress: output.progress };
      const local =
        method === 'measured' ? undefined : await localErrors(evaluation, layers, format, options);
      const measured =
        method === 'local'
          ? undefined
          : await measuredErrors(evaluation, layers, format, plan.tolerances, options);
      const ranges = await layerRanges(evaluation, layers, format, await work.elementCounter(), options);
      const seconds = (performance.now() - start) / 1000;
      const reports = layerReports(plan, local, ranges.ranges, format, measured);
      for (const line of layerTable(method, parsed.flag('all') ? reports : reports.slice(0, 20)))
        output.line(line);
      if (!parsed.flag('all') && reports.length > 20)
        output.line(`(${reports.length - 20} more layers: --all)`);
      output.line();
      const explained = METHODS.flatMap(({ name, text }) =>
        method === name || method === 'all' ? [text] : [],
      );
      output.line(
        `${layers.length} layers, ${work.samples.length} samples, ${seconds.toFixed(1)} s; ${explained.join('; ')}`,
      );
      const correlation = agreement(local, measured);
      if (correlation !== undefined)
        output.line(`rank correlation of local and measured errors (Spearman): ${correlation.toFixed(3)}`);
      reportDiagnostics(loaded, rangeFindings(plan, ranges.ranges, format, work.samples), output);
      output.document({
        target: 'cpu',
        samples: work.samples.length,
        method,
        format,
        seconds,
        sessions: 1 + (local?.sessions ?? 0) + (measured?.sessions ?? 0) + ranges.sessions,
        inferences:
          work.samples.length + (local?.inferences ?? 0) + (measured?.inferences ?? 0) + ranges.inferences,
        ...(method === 'all' ? { rankCorrelation: correlation ?? null } : {}),
        layers: reports,
      });
      return errorsOf(plan) > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

const METHODS = [
  {
    name: 'local',
    text: 'local error: what rounding to the format does to the output of the layer alone, given exact inputs',
  },
  {
    name: 'measured',
    text:
      'measured error: what the worst output of the model (of those that tolerances speak of, if any) errs by with ' +
      'only this layer in the format',
  },
] as const;

/** How far both methods put the layers in the same order. */
function agreement(local: LocalErrors | undefined, measured: MeasuredErrors | undefined): number | undefined {
  if (local === undefined || measured === undefined) return undefined;
  const localOf = new Map(local.errors.map((error) => [error.layer, error.value]));
  const both = measured.errors.flatMap(({ layer, value }): [number, number][] => {
    const own = localOf.get(layer);
    return own === undefined ? [] : [[own, value]];
  });
  return rankCorrelation(
    both.map(([own]) => own),
    both.map(([, value]) => value),
  );
}

function layerTable(method: 'local' | 'measured' | 'all', reports: readonly LayerReport[]): string[] {
  const errors = (one: LayerReport): string[] => [
    formatNumber(one.error.value),
    ...(one.local === undefined ? [] : [formatNumber(one.local.value)]),
  ];
  return formatTable(
    [
      { title: 'layer' },
      { title: 'operator' },
      { title: 'decided' },
      { title: `${method === 'local' ? 'local' : 'measured'} error`, align: 'right' },
      ...(method === 'all' ? [{ title: 'local error', align: 'right' } as const] : []),
      { title: 'largest value', align: 'right' },
      { title: 'lost to underflow', align: 'right' },
      { title: 'why' },
    ],
    reports.map((one) => [
      one.name,
      one.op,
      one.format,
      ...errors(one),
      formatNumber(one.range.maxAbs),
      formatPercent(one.range.underflow),
      one.reason,
    ]),
  );
}
