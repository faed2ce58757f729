/** `analyze PLAN --method local|measured|all`: ranges and errors of every layer, with the reason where one stands out. */
import { formatNumber, formatPercent } from '../report/index.js';
import {
  analyzePlan,
  layersFor,
  type AnalysisMethod,
  type AnalyzedPlan,
  type LayerReport,
} from '../work/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { errorsOf, loadPlan, needModel, reportDiagnostics } from './load.js';
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
    const { parsed, output } = context;
    const method = parsed.choice('method', ['local', 'measured', 'all']);
    const format = parsed.choice('format', ['fp16', 'bf16']);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
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
      const analyzed = resultOf(await analyzePlan(work, { method, format }), loaded);
      printAnalysis(
        analyzed,
        method,
        { all: parsed.flag('all'), layers, samples: work.samples.length },
        output,
      );
      reportDiagnostics(loaded, analyzed.findings, output);
      const { sessions, inferences, seconds, rankCorrelation, reports } = analyzed;
      output.document({
        target: 'cpu',
        samples: work.samples.length,
        method,
        format,
        seconds,
        sessions,
        inferences,
        ...(method === 'all' ? { rankCorrelation: rankCorrelation ?? null } : {}),
        layers: reports,
      });
      return errorsOf(plan) > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

function printAnalysis(
  { reports, seconds, rankCorrelation }: AnalyzedPlan,
  method: AnalysisMethod,
  { all, layers, samples }: { readonly all: boolean; readonly layers: number; readonly samples: number },
  output: Output,
): void {
  for (const line of layerTable(method, all ? reports : reports.slice(0, SHOWN))) output.line(line);
  if (!all && reports.length > SHOWN) output.line(`(${reports.length - SHOWN} more layers: --all)`);
  output.line();
  const explained = METHODS.flatMap(({ name, text }) => (method === name || method === 'all' ? [text] : []));
  output.line(`${layers} layers, ${samples} samples, ${seconds.toFixed(1)} s; ${explained.join('; ')}`);
  if (rankCorrelation !== undefined)
    output.line(`rank correlation of local and measured errors (Spearman): ${rankCorrelation.toFixed(3)}`);
}

/** Layers that are listed unless all are asked for. */
const SHOWN = 20;

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

function layerTable(method: AnalysisMethod, reports: readonly LayerReport[]): string[] {
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
