/**
 * The noise floor of a verdict: how far the measured error moves when the input changes invisibly. Without it a
 * tolerance that is met by a hair looks like one that is met. See docs/ARCHITECTURE.md, "Three truths".
 */
import { emulatedSteps } from '../emulate/index.js';
import type { PrecisionGraph, Tolerance } from '../plan/index.js';
import type { Session, TensorHandle } from '../runtime/index.js';
import {
  EMULATION_SETTINGS,
  type Evaluation,
  type Feeds,
  type Outputs,
  type WorkOptions,
} from './evaluation.js';
import { inSlices } from './in-slices.js';
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
): Promise<{
  readonly verdicts: readonly ToleranceVerdict[];
  readonly sessions: number;
  readonly inferences: number;
}> {
  const tolerances = measurement.tolerances.map((one) => one.tolerance);
  const jittered: Measurement[] = [];
  if (tolerances.length > 0 && draws > 0) {
    const { runtime, folder } = evaluation;
    const session = await runtime.open(
      {
        model: { bytes: (await inSlices(emulatedSteps(graph))).bytes, weightsFolder: folder },
        ...EMULATION_SETTINGS,
      },
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
  // The original runs on each jittered sample, too.
  const inferences = jittered.reduce((sum, one) => sum + 2 * one.inferences, 0);
  return { verdicts, sessions: jittered.length > 0 ? 1 : 0, inferences };
}

/**
 * The verdict of one tolerance given the noise of its measurement: `within noise` where the noise reaches the limit. A
 * measurement that no change of the input moves is sure, on the limit too (`top1 >= 1`).
 */
export function judge(measurement: ToleranceMeasurement, noise: number): ToleranceVerdict {
  const near = noise > 0 && Math.abs(measurement.measured - measurement.tolerance.limit) <= noise;
  const side = measurement.holds ? 'holds' : 'exceeded';
  return { ...measurement, noise, verdict: near ? `${side} within noise` : side };
}

/** Largest distance from `value`; an infinity is at no distance from itself. */
function spread(value: number, others: readonly number[]): number {
  return others.reduce((worst, other) => Math.max(worst, other === value ? 0 : Math.abs(other - value)), 0);
}

/** A seed of its own for each input of each sample in each draw: equal noise on two inputs might cancel out. */
function seedOf(draw: number, sample: number, input: number): number {
  return Math.imul(Math.imul(draw, 0x9e3779b1) ^ sample, 0x85ebca6b) ^ input;
}

async function measureJittered(
  evaluation: Evaluation,
  session: Session,
  tolerances: readonly Tolerance[],
  draw: number,
  draws: number,
  { signal, progress }: WorkOptions,
): Promise<Measurement> {
  const { runtime, original } = evaluation;
  const feeds: Feeds[] = [];
  const references: Outputs[] = [];
  const own: TensorHandle[] = [];
  try {
    for (const [sample, plain] of evaluation.feeds.entries()) {
      const feed: Record<string, TensorHandle> = {};
      for (const [input, [name, handle]] of Object.entries(plain).entries()) {
        const moved = await runtime.jitter(handle, JITTER, seedOf(draw, sample, input), signal);
        own.push(moved);
        feed[name] = moved;
      }
      const reference = await runtime.run(original, feed, evaluation.floatOutputs, signal);
      own.push(...Object.values(reference));
      feeds.push(feed);
      references.push(reference);
    }
    const count = evaluation.feeds.length;
    return await measureSession(evaluation, session, feeds, references, tolerances, {
      signal,
      progress: (done) => progress?.((draw - 1) * count + done, draws * count, 'noise floor'),
    });
  } finally {
    await runtime.release(own);
  }
}
