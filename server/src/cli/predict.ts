/** `predict PLAN`: the error that the plan is predicted to have, from sketches, and its latency; nothing of it is run. */
import { basename } from 'node:path';
import { metricLabel } from '../metrics/index.js';
import type { Interval, PredictedTolerance } from '../analysis/index.js';
import { errorsAmong } from '../language/index.js';
import { dayAndTime, formatNumber } from '../report/index.js';
import { priceLines } from './prices.js';
import { predictPlan, type PredictedPlan, type PredictionStart } from '../work/index.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';
import { accumulationReason, accumulationWords, type BoundPlan } from '../plan/index.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const predict: Subcommand = {
  specification: {
    name: 'predict',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'The error and latency that the plan is predicted to have. `verify` measures them.',
    shared: ['output', 'cache', 'target'],
    options: {
      probes: { type: 'string', value: 'N', help: 'random probes of each output (default 8)' },
      seed: {
        type: 'string',
        value: 'N',
        help: 'of the probes; the same seed gives the same figures (default 0)',
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const probes = parsed.text('probes') === undefined ? undefined : parsed.integer('probes', 1);
    const seed = parsed.seed('seed');
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    return withWork(loaded, plan, context, async (work) => {
      const predicted = resultOf(await predictPlan(work, { probes, seed }), loaded);
      printPrediction(predicted, work.plan, output);
      output.document(predictionDocument(predicted, work.samples.length));
      const falls = predicted.prediction.tolerances.some(({ holds }) => holds === false);
      return falls || errorsAmong(plan.diagnostics).length > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

function predictionDocument(predicted: PredictedPlan, samples: number): unknown {
  const { prediction, startedFrom, latency, energy, layers, casts, seconds, sessions, inferences } =
    predicted;
  return {
    samples,
    error: worstOutput(predicted),
    outputs: prediction.outputs,
    tolerances: prediction.tolerances.map(({ tolerance, value, holds, reason }, at) => ({
      output: tolerance.output,
      metric: metricLabel(tolerance.metric),
      op: tolerance.operator,
      limit: tolerance.limit,
      over: tolerance.over,
      predicted: value ?? null,
      holds: holds ?? null,
      startedFrom: startDocument(startedFrom[at]),
      ...(reason === undefined ? {} : { reason }),
    })),
    missing: prediction.missing.map(({ name }) => name),
    nonFinite: prediction.nonFinite.map(({ name }) => name),
    latency:
      latency === undefined
        ? null
        : { ...latency, files: latency.files ?? null, misfit: latency.misfit ?? null },
    energy,
    layers,
    casts,
    seconds,
    sessions,
    inferences,
  };
}

function startDocument(start: PredictionStart | undefined): unknown {
  if (start === undefined) return null;
  const { path, at, differing, weight } = start;
  return { plan: path ?? null, measuredAt: at ?? null, differing: differing.map(({ name }) => name), weight };
}

/** Of the output that errs most, over its worst sample. */
function worstOutput({ prediction }: PredictedPlan): Interval {
  return prediction.outputs.reduce<Interval>((most, { worst }) => (worst.value > most.value ? worst : most), {
    value: 0,
    low: 0,
    high: 0,
  });
}

function printPrediction(
  { prediction, startedFrom, options, latency, untimed, energy, casts, seconds }: PredictedPlan,
  plan: BoundPlan,
  output: Output,
): void {
  const { outputs, tolerances, missing, nonFinite } = prediction;
  const lines = formatTable(
    [
      { title: 'output' },
      { title: 'worst sample', align: 'right' },
      { title: 'mean', align: 'right' },
      { title: 'pooled', align: 'right' },
      { title: 'worst, 90 % within', align: 'right' },
    ],
    outputs.map((one) => [
      one.output,
      formatNumber(one.worst.value),
      formatNumber(one.mean.value),
      formatNumber(one.pooled.value),
      between(one.worst),
    ]),
  );
  for (const line of lines) output.line(line);
  output.line();
  for (const line of toleranceLines(tolerances)) output.line(line);
  for (const line of new Set(startedFrom.map(startLine))) if (line !== undefined) output.line(line);
  if (nonFinite.length > 0) output.line(`makes something infinite or NaN: ${listed(nonFinite)}`);
  if (missing.length > 0) output.line(`not in the prediction, which is too low by them: ${listed(missing)}`);
  output.line(`predicted and not measured, outputs by relative L2; ${casts} casts; ${seconds.toFixed(1)} s`);
  if (accumulationWords(plan.decisions) !== 'fp32') {
    output.line(`the plan adds up in ${accumulationReason(plan)}`);
  }
  if (options > 0) {
    output.line(
      `what ${countOf(options, 'layer asks', 'layers ask')} for beside a format (how sums are added up, a scale, stochastic rounding, ` +
        'another quantizer) was measured, one layer at a time',
    );
  }
  for (const line of priceLines(latency, energy)) output.line(line);
  if (untimed !== undefined) output.line(`latency is not predicted: ${untimed}`);
}

function toleranceLines(tolerances: readonly PredictedTolerance[]): string[] {
  if (tolerances.length === 0) return [];
  return formatTable(
    [
      { title: 'output' },
      { title: 'tolerance' },
      { title: 'over' },
      { title: 'predicted', align: 'right' },
      { title: '90 % within', align: 'right' },
      { title: 'verdict' },
    ],
    tolerances.map(({ tolerance, value, holds, reason }) => [
      tolerance.output,
      tolerance.text,
      tolerance.over,
      value === undefined ? 'not predicted' : formatNumber(value.value),
      value === undefined ? '' : between(value),
      holds === undefined ? (reason ?? '') : holds ? 'should hold' : 'should be exceeded',
    ]),
  );
}

/** From which measured plan it was told, in a sentence. */
function startLine(start: PredictionStart | undefined): string | undefined {
  if (start === undefined) return undefined;
  const { path, at, differing } = start;
  const which = path === undefined ? 'a plan' : basename(path);
  const when = at === undefined ? 'as it was measured' : `as measured on ${dayAndTime(at)} UTC`;
  const apart =
    differing.length === 0
      ? 'which decides all layers as this one does'
      : `which decides ${countOf(differing.length, 'layer', 'layers')} otherwise: ${listed(differing)}`;
  return `starts from ${which} ${when}, ${apart}`;
}

function between({ low, high }: Interval): string {
  return `${formatNumber(low)} to ${formatNumber(high)}`;
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Names that are listed before the rest is counted. */
const LISTED = 5;

function listed(layers: readonly { readonly name: string }[]): string {
  const names = layers.slice(0, LISTED).map(({ name }) => name);
  const more = layers.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}
