/** What `npm run bench:targets` found, as a table and as sentences that claim no more than it shows. Pure. */

/** Milliseconds of the original: its kernels, and a run that nobody profiles. */
export interface SumFigures {
  readonly target: string;
  readonly kernels: number;
  readonly whole: number;
  /** p90 less p10 over the median of that run. */
  readonly spread: number;
}

/** Of plans that the cost model has never seen: predicted over measured, less 1. */
export interface PredictionFigures {
  readonly target: string;
  readonly errors: readonly number[];
  /** What the cost model says of itself: its error on the plans that it was learnt from. */
  readonly misfit: number | undefined;
  /** p90 less p10 over the median, the widest of the plans that were timed. */
  readonly spread: number;
}

/** Relative L2 of an output, on the worst sample. */
export interface OutputFigures {
  readonly output: string;
  readonly emulated: number;
  readonly executed: number;
}

export interface ExecutedFigures {
  readonly target: string;
  readonly outputs: readonly OutputFigures[];
  /** Layers that the target computes worse than their format explains. */
  readonly suspicious: readonly string[];
  /** Kernels that ran elsewhere. */
  readonly elsewhere: number;
}

export interface LatencyFigures {
  readonly target: string;
  /** Median milliseconds of `fp32`, `plan` and `fp16`. */
  readonly medians: Readonly<Record<string, number>>;
}

export interface ModelFigures {
  readonly model: string;
  readonly sums: readonly SumFigures[];
  readonly predictions: readonly PredictionFigures[];
  readonly executed: readonly ExecutedFigures[];
  readonly latencies: readonly LatencyFigures[];
  /** What could not be found out, and why. */
  readonly problems: readonly string[];
  readonly busy: boolean;
}

/** Within a factor of this the executed error counts as what emulation foresaw. */
const ALIKE = 4;

/** One row for each model. */
export function summaryTable(figures: readonly ModelFigures[]): string[] {
  const head = [
    'model',
    'kernels/run',
    'spread',
    'prediction off by',
    'executed/emulated',
    'suspicious',
    'latency',
  ];
  const rows = figures.map(({ model, sums, predictions, executed, latencies }) => [
    model,
    sums.map(({ kernels, whole }) => percent(kernels / whole)).join(' ') || '–',
    sums.map(({ spread }) => percent(spread)).join(' ') || '–',
    predictions.map(({ errors }) => errors.map(signed).join(' ')).join('; ') || '–',
    executed.flatMap((one) => ratiosOf(one).map((ratio) => `${ratio.toPrecision(2)}×`)).join(' ') || '–',
    executed.map(({ suspicious }) => String(suspicious.length)).join(' ') || '–',
    latencies
      .map(({ target, medians }) => {
        const words = Object.entries(medians).map(([name, median]) => `${name} ${median.toPrecision(3)}`);
        return `${target}: ${words.join(', ')} ms`;
      })
      .join('; ') || '–',
  ]);
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** What holds and what does not. */
export function summarySentences(figures: readonly ModelFigures[]): string[] {
  const sentences: string[] = [];
  const sums = figures.flatMap((one) => one.sums);
  if (sums.length > 0) {
    const shares = sums.map(({ kernels, whole }) => kernels / whole);
    const within = sums.filter(
      ({ kernels, whole, spread }) => Math.abs(kernels / whole - 1) <= spread,
    ).length;
    sentences.push(
      `Sum of the layers: the kernels take ${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} of a run that nobody ` +
        `profiles; within its spread in ${within} of ${sums.length} cases.`,
    );
  }
  const errors = figures.flatMap(({ predictions }) => predictions.flatMap((one) => one.errors)).map(Math.abs);
  if (errors.length > 0) {
    const sorted = errors.toSorted((a, b) => a - b);
    const near = errors.filter((error) => error <= 0.1).length;
    sentences.push(
      `Latency of plans never run: off by ${percent(sorted[Math.floor(sorted.length / 2)] ?? 0)} in the median, ` +
        `${percent(sorted.at(-1) ?? 0)} at worst; within 10 % for ${near} of ${errors.length} plans.`,
    );
  }
  const executed = figures.flatMap((one) => one.executed);
  const ratios = executed.flatMap(ratiosOf);
  if (ratios.length > 0) {
    const alike = ratios.filter((ratio) => ratio <= ALIKE).length;
    const named = figures.filter((one) => one.executed.some(({ suspicious }) => suspicious.length > 0));
    sentences.push(
      `Executed against emulated error: at most ${ALIKE} times as large for ${alike} of ${ratios.length} outputs, ` +
        `${Math.max(...ratios).toPrecision(2)} times at worst; layers are named as suspicious in ${named.length} of ${figures.length} models.`,
    );
    const elsewhere = executed.reduce((sum, one) => sum + one.elsewhere, 0);
    if (elsewhere > 0) sentences.push(`${elsewhere} kernels had none on the target and ran on the CPU.`);
  }
  for (const { model, problems } of figures) {
    sentences.push(...problems.map((problem) => `${model}: ${problem}`));
  }
  if (figures.some(({ busy }) => busy)) {
    sentences.push(
      'This machine was busy while it was timed: run again when it is quiet before times are believed.',
    );
  }
  return sentences;
}

/** Outputs that emulation finds exact say nothing of a ratio. */
function ratiosOf({ outputs }: ExecutedFigures): number[] {
  return outputs.flatMap(({ emulated, executed }) => (emulated > 0 ? [executed / emulated] : []));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? '-' : '+'}${percent(Math.abs(share))}`;
}
