/**
 * `bench PLAN [--runs N] [--compare FILE|last] [--history]`: latency of FP32, the plan and all-FP16, in turns, executed for real; of
 * each layer, and what keeps the plan from being faster. What is found is kept.
 */
import { benchmarkHistory, type KeptBenchmark, type Milliseconds } from '../analysis/index.js';
import { errorsAmong } from '../language/index.js';
import type { BoundPlan } from '../plan/index.js';
import {
  compareBenches,
  comparisonSentences,
  formatMilliseconds,
  formatSize,
  latencyLines,
} from '../report/index.js';
import {
  benchedPrices,
  benchmarkPlan,
  decisionsKey,
  earlierBenchmarks,
  explainBenchmark,
  USUAL_RUNS,
  type BenchedPlan,
  type TimedLayers,
} from '../work/index.js';
import { LAST, lastBench, readBenchDocument } from './bench-comparison.js';
import { deviceWords, historyTable } from './bench-history.js';
import { sayChosenTarget } from './chosen-target.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import { benchedPriceLines } from './prices.js';
import { warnElsewhere } from './ran-elsewhere.js';
import { resultStore } from './result-store.js';
import type { Subcommand, SubcommandContext } from './subcommand.js';
import { formatTable } from './table.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const bench: Subcommand = {
  specification: {
    name: 'bench',
    arguments: 'PLAN',
    count: [1, 1],
    summary:
      'Latency of FP32, the plan and all-FP16 on this machine, in turns, with spread; kept for comparison.',
    shared: ['output', 'cache', 'target', 'threads'],
    options: {
      runs: { type: 'string', value: 'N', help: `timed runs of each model (default ${USUAL_RUNS})` },
      compare: {
        type: 'string',
        value: 'FILE|last',
        help: 'an earlier run to compare with: written with --json, or the last that is kept',
      },
      history: { type: 'boolean', help: 'list what is kept of this model on the target; nothing is run' },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const runs = parsed.integer('runs', USUAL_RUNS);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    sayChosenTarget(plan, context);
    if (parsed.flag('history')) return await printHistory(plan, context);
    const path = parsed.text('compare');
    if (path === LAST && parsed.flag('no-cache')) {
      throw new CommandFailure(
        EXIT.usage,
        'usage',
        '--compare last compares with what is kept, which --no-cache leaves alone',
      );
    }
    const document = path === undefined || path === LAST ? undefined : readBenchDocument(path);
    return withWork(loaded, plan, context, async (work) => {
      const before = path === LAST ? lastBench(await earlierBenchmarks(work), decisionsKey(plan)) : document;
      const benched = resultOf(await benchmarkPlan(work, plan, { runs }), loaded);
      const { layers, notTimed, kept, speed, why, notes } = resultOf(
        await explainBenchmark(work, plan, benched),
        loaded,
      );
      const prices = resultOf(await benchedPrices(work, plan, benched), loaded);
      printBenchmark(benched, kept, output);
      for (const note of notes) output.note(note);
      warnElsewhere(benched.ran.sentences, output);
      if (layers !== undefined) printLayers(layers, output);
      if (notTimed !== undefined) output.note(`layers were not timed: ${notTimed}`);
      if (speed !== undefined) output.line(speed.sentence);
      for (const sentence of why) output.line(sentence);
      for (const line of benchedPriceLines(prices)) output.line(line);
      const comparison = before === undefined ? null : compareBenches(kept, before);
      if (comparison !== null) {
        output.line();
        for (const sentence of comparisonSentences(comparison)) output.line(sentence);
      }
      const rows = benched.timed.rows.map((row) => ({
        ...row,
        bytes: sizesOf(benched.models)[row.name] ?? 0,
      }));
      output.document({
        ...kept,
        rows,
        pays: speed?.pays ?? null,
        speed: speed?.sentence ?? null,
        layers: (layers?.latency.layers ?? []).map(({ layer, fp32, plan: low, casts }) => ({
          name: layer.name,
          op: layer.node.opType,
          fp32,
          plan: low,
          casts,
        })),
        rest: layers === undefined ? null : restOf(layers),
        why,
        elsewhere: benched.ran.elsewhere,
        predicted: prices.predicted ?? null,
        energy: prices.energy,
        comparison,
      });
      return errorsAmong(plan.diagnostics).length > 0 ? EXIT.short : EXIT.holds;
    });
  },
};

/** What is kept, the newest first. */
async function printHistory(
  plan: BoundPlan,
  { parsed, output, signal }: SubcommandContext,
): Promise<ExitStatus> {
  const store = resultStore(parsed, output);
  if (store === undefined) {
    throw new CommandFailure(
      EXIT.usage,
      'usage',
      '--history lists what is kept, which --no-cache leaves alone',
    );
  }
  try {
    const target = parsed.text('target') ?? plan.targets[0]?.name ?? 'cpu';
    const kept = await benchmarkHistory(store, plan.model, target, signal);
    for (const line of historyTable(kept)) output.line(line);
    output.document({ target, benchmarks: kept });
    return EXIT.holds;
  } finally {
    await store.close();
  }
}

function sizesOf({ fp32, plan, fp16 }: BenchedPlan['models']): Readonly<Record<string, number>> {
  return { fp32: fp32.bytes, plan: plan.bytes, fp16: fp16.bytes };
}

function restOf({ latency: { whole, others, unmapped, outside } }: TimedLayers): object {
  return { whole, others, unmapped, outside };
}

/** Layers that are listed; all of them are in the document. */
const SHOWN = 10;

/** They and what is in no layer add up to a run. */
function printLayers({ latency }: TimedLayers, output: Output): void {
  if (latency.layers.length === 0) return;
  const slowest = latency.layers.toSorted((a, b) => b.plan + b.casts - (a.plan + a.casts)).slice(0, SHOWN);
  const rows = slowest.map(({ layer, fp32, plan, casts }) => [
    layer.name,
    layer.node.opType,
    formatMilliseconds(fp32),
    formatMilliseconds(plan),
    formatMilliseconds(casts),
  ]);
  output.line();
  const { others, unmapped, outside, whole } = latency;
  const besides = latency.layers.filter((one) => !slowest.includes(one));
  const sum = (of: (one: (typeof besides)[number]) => number): number =>
    besides.reduce((total, one) => total + of(one), 0);
  const beside = { fp32: sum(({ fp32 }) => fp32), plan: sum(({ plan }) => plan) };
  const totals: readonly (readonly [string, Milliseconds, number?])[] = [
    ...(besides.length === 0 ? [] : [[`${besides.length} more`, beside, sum(({ casts }) => casts)] as const]),
    ['nodes that are no layers', others],
    ...(unmapped.fp32 + unmapped.plan === 0 ? [] : [['kernels of no known node', unmapped] as const]),
    ['between kernels', outside],
    ['whole run', whole],
  ];
  for (const [name, { fp32, plan }, casts] of totals) {
    const own = casts === undefined ? '' : formatMilliseconds(casts);
    rows.push([name, '', formatMilliseconds(fp32), formatMilliseconds(plan), own]);
  }
  const columns = [
    { title: 'slowest layers' },
    { title: 'operator' },
    { title: 'fp32', align: 'right' },
    { title: 'plan', align: 'right' },
    { title: 'casts', align: 'right' },
  ] as const;
  for (const line of formatTable(columns, rows)) output.line(line);
  output.line();
}

function printBenchmark({ timed, models }: BenchedPlan, kept: KeptBenchmark, output: Output): void {
  const sizes = sizesOf(models);
  const columns = ['model', 'median', 'p10', 'p90', 'size', 'optimisation'];
  const rows = timed.rows.map((row) => [
    row.name,
    formatMilliseconds(row.median),
    formatMilliseconds(row.p10),
    formatMilliseconds(row.p90),
    formatSize(sizes[row.name] ?? 0),
    row.optimization,
  ]);
  for (const line of formatTable(
    columns.map((title, index) => ({ title, align: index > 0 && index < 5 ? 'right' : 'left' })),
    rows,
  )) {
    output.line(line);
  }
  output.line();
  for (const line of latencyLines(timed.rows)) output.line(line);
  output.line();
  output.line(
    `${timed.runs} runs each, in turns, on ${kept.target} (${deviceWords(kept)}, ${timed.threads} ${timed.threads === 1 ? 'thread' : 'threads'}), ` +
      `ONNX Runtime ${timed.onnxRuntime}, load ${timed.load.toFixed(1)}`,
  );
  if (timed.busy) output.line('the machine was busy: trust no difference of a few percent');
}
