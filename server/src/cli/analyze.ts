/** `analyze PLAN --method local`: ranges and local errors of every layer, with the reason where one stands out. */
import {
  layerRanges,
  localErrors,
  rangeFindings,
  UNDERFLOW_SHARE,
  type LayerRange,
  type LocalError,
  type LocalErrors,
} from '../analysis/index.js';
import { allowedFormats, inferredShapes, type BoundPlan, type Layer } from '../plan/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, reportDiagnostics } from './load.js';
import type { Subcommand } from './subcommand.js';
import { formatNumber } from '../report/index.js';
import { formatTable } from './table.js';
import { withWork } from './work.js';

/** Over this local error a layer is outside the range in which errors add up, and is flagged. */
const LARGE_LOCAL_ERROR = 0.05;

/** What analysis knows of one layer, as the JSON document has it. */
interface LayerReport {
  readonly name: string;
  readonly op: string;
  readonly format: string;
  readonly error: {
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly method: 'local';
  };
  readonly range: { readonly maxAbs: number; readonly overflow: number; readonly underflow: number };
  readonly flags: readonly string[];
  readonly reason: string;
}

export const analyze: Subcommand = {
  specification: {
    name: 'analyze',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Ranges and sensitivity of every layer, worst first.',
    options: {
      method: {
        type: 'string',
        value: 'local',
        help: 'how sensitivity is found; only `local` in this version',
      },
      format: { type: 'string', value: 'fp16|bf16', help: 'the low format (default fp16)' },
      all: { type: 'boolean', help: 'list every layer, not only the 20 most sensitive' },
    },
  },
  run: async ({ parsed, output, signal }): Promise<ExitStatus> => {
    const method = parsed.choice('method', ['local']);
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
    return withWork(loaded, plan, parsed, output, signal, async (work) => {
      const start = performance.now();
      const evaluation = await work.evaluation();
      const options = { signal, progress: output.progress };
      const local = await localErrors(evaluation, layers, format, options);
      const ranges = await layerRanges(evaluation, layers, format, elementCounter(plan), options);
      const seconds = (performance.now() - start) / 1000;
      const reports = layerReports(plan, local, ranges.ranges, format);
      for (const line of layerTable(parsed.flag('all') ? reports : reports.slice(0, 20))) output.line(line);
      if (!parsed.flag('all') && reports.length > 20)
        output.line(`(${reports.length - 20} more layers: --all)`);
      output.line();
      output.line(
        `${layers.length} layers, ${work.samples.length} samples, ${seconds.toFixed(1)} s; ` +
          'local error: what rounding to the format does to the output of the layer alone, given exact inputs',
      );
      reportDiagnostics(loaded, rangeFindings(plan, ranges.ranges, format, work.samples), output);
      output.document({
        target: 'cpu',
        samples: work.samples.length,
        method,
        format,
        seconds,
        sessions: 1 + local.sessions + ranges.sessions,
        inferences: work.samples.length + local.inferences + ranges.inferences,
        layers: reports,
      });
      return EXIT.holds;
    });
  },
};

/** How many elements a tensor has, where inference knows its shape. */
export function elementCounter(plan: BoundPlan): (tensor: string) => number | undefined {
  const shapes = inferredShapes(plan);
  return (tensor) =>
    shapes
      .get(tensor)
      ?.reduce<number | undefined>(
        (product, size) => (product === undefined || typeof size !== 'number' ? undefined : product * size),
        1,
      );
}

/** One report per layer, worst local error first. */
export function layerReports(
  plan: BoundPlan,
  local: LocalErrors,
  ranges: readonly LayerRange[],
  format: 'fp16' | 'bf16',
): LayerReport[] {
  const rangeOf = new Map(ranges.map((range) => [range.layer, range]));
  const decisionOf = new Map(plan.decisions.map((decision) => [decision.layer, decision.format]));
  return local.errors
    .map((error) => {
      const range = rangeOf.get(error.layer);
      const { flags, reason } = explain(error, range, format);
      return {
        name: error.layer.name,
        op: operator(error.layer),
        format: decisionOf.get(error.layer) ?? 'original',
        error: { value: error.value, low: error.low, high: error.high, method: 'local' as const },
        range: {
          maxAbs: range?.maxAbs ?? Number.NaN,
          overflow: range?.overflow ?? 0,
          underflow: range?.underflow ?? 0,
        },
        flags,
        reason,
      };
    })
    .toSorted((a, b) => b.error.value - a.error.value);
}

function operator({ node }: Layer): string {
  return node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
}

function explain(
  error: LocalError,
  range: LayerRange | undefined,
  format: string,
): { readonly flags: readonly string[]; readonly reason: string } {
  const flags: string[] = [];
  const reasons: string[] = [];
  if (range !== undefined && range.overflow > 0) {
    flags.push('overflow');
    reasons.push(`${range.overflow} values beyond ${format}, largest ${formatNumber(range.maxAbs)}`);
  }
  if (range !== undefined && range.underflow > UNDERFLOW_SHARE) {
    flags.push('underflow');
    reasons.push(`${(100 * range.underflow).toFixed(1)} % of the values become subnormal or zero`);
  }
  if (!Number.isFinite(error.value)) {
    flags.push('nonfinite');
    reasons.push('rounding makes the output non-finite');
  } else if (error.value > LARGE_LOCAL_ERROR) {
    flags.push('large-local-error');
    reasons.push('rounding inputs and weights moves the output by more than 5 %');
  }
  return { flags, reason: reasons.join('; ') };
}

function layerTable(reports: readonly LayerReport[]): string[] {
  return formatTable(
    [
      { title: 'layer' },
      { title: 'operator' },
      { title: 'decided' },
      { title: 'local error', align: 'right' },
      { title: 'largest value', align: 'right' },
      { title: 'lost to underflow', align: 'right' },
      { title: 'why' },
    ],
    reports.map((one) => [
      one.name,
      one.op,
      one.format,
      formatNumber(one.error.value),
      formatNumber(one.range.maxAbs),
      `${(100 * one.range.underflow).toFixed(1)} %`,
      one.reason,
    ]),
  );
}
