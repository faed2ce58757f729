/**
 * The noise floor of a verdict: how far the measured error moves when the input changes invisibly. Without it a
 * tolerance that is met by a hair looks like one that is met. See docs/ARCHITECTURE.md, "Three truths".
 */
import { emulated } from '../emulate/index.js';
import type { PrecisionGraph, Tolerance } from '../plan/index.js';
import type { TensorHandle } from '../runtime/index.js';
import {
  EMULATION_SETTINGS,
  type Evaluation,
  type Feeds,
  type Outputs,
  type WorkOptions,
} from './evaluation.js';
import { measureSession, type Measurement, type ToleranceMeasurement } from './measurement.js';

/** Inputs move by at most this part of their range: about one unit in the last place of FP32. */
export const JITTER = 1e-7;

export type Verdict = 'holds' | 'holds within noise' | 'exceeded within noise' | 'exceeded';

export interface ToleranceVerdict extends ToleranceMeasurement {
  /** Largest distance of a jittered measurement from the plain one. */
  readonly noise: number;
  readonly verdict: Verdict;
}

/**
 * Measures the plan again under `draws` jitters of all inputs (original and emulated model see the same jitter)
 * and gives each tolerance its noise and its verdict.
 */
export async function withNoiseFloor(
  evaluation: Evaluation,
  graph: PrecisionGraph,
  measurement: Measurement,
  draws: number,
  options: WorkOptions = {},
): Promise<{ readonly verdicts: readonly ToleranceVerdict[]; readonly inferences: number }> {
  const tolerances = measurement.tolerances.map((one) => one.tolerance);
  const jittered: Measurement[] = [];
  if (tolerances.length > 0 && draws > 0) {
    const { runtime, folder } = evaluation;
    const session = await runtime.open(
      { model: { bytes: emulated(graph).bytes, weightsFolder: folder }, ...EMULATION_SETTINGS },
      options.signal,
    );
    try {
      for (let draw = 1; draw <= draws; draw++) {
        jittered.push(await measureJittered(evaluation, session, tolerances, draw, draws, options));
      }
    } finally {
      await runtime.close(session);
    }
  }
  const verdicts = measurement.tolerances.map((one, index) => {
    const others = jittered.map((other) => other.tolerances[index]?.measured ?? one.measured);
    return judge(one, spread(one.measured, others));
  });
  return { verdicts, inferences: jittered.reduce((sum, one) => sum + 2 * one.inferences, 0) };
}

/** The verdict of one tolerance given the noise of its measurement. */
export function judge(measurement: ToleranceMeasurement, noise: number): ToleranceVerdict {
  const near = Math.abs(measurement.measured - measurement.tolerance.limit) <= noise;
  const verdict = measurement.holds
    ? near
      ? 'holds within noise'
      : 'holds'
    : near
      ? 'exceeded within noise'
      : 'exceeded';
  return { ...measurement, noise, verdict };
}

function spread(value: number, others: readonly number[]): number {
  return others.reduce((worst, other) => Math.max(worst, other === value ? 0 : Math.abs(other - value)), 0);
}

async function measureJittered(
  evaluation: Evaluation,
  session: Parameters<typeof measureSession>[1],
  tolerances: readonly Tolerance[],
  draw: number,
  draws: number,
  { signal, progress }: WorkOptions,
): Promise<Measurement> {
  const { runtime, original } = evaluation;
  const feeds: Feeds[] = [];
  const references: Outputs[] = [];
  const own: TensorHandle[] = [];
  for (const [index, plain] of evaluation.feeds.entries()) {
    const feed: Record<string, TensorHandle> = {};
    for (const [name, handle] of Object.entries(plain)) {
      const moved = await runtime.jitter(handle, JITTER, draw * 7919 + index, signal);
      feed[name] = moved;
      if (moved.id !== handle.id) own.push(moved);
    }
    const reference = await runtime.run(original, feed, evaluation.floatOutputs, signal);
    own.push(...Object.values(reference));
    feeds.push(feed);
    references.push(reference);
  }
  const count = evaluation.feeds.length;
  const measurement = await measureSession(evaluation, session, feeds, references, tolerances, {
    signal,
    progress: (done) => progress?.((draw - 1) * count + done, draws * count, 'noise floor'),
  });
  await runtime.release(own);
  return measurement;
}
