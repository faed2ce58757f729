/**
 * The noise floor of a verdict: how far the measured error moves when the input changes invisibly. Without it a
 * tolerance that is met by a hair looks like one that is met. See docs/ARCHITECTURE.md, "Three truths".
 */
import { emulatedSteps } from '../../emulate/index.js';
import type { PrecisionGraph, Tolerance } from '../../plan/index.js';
import type { Session, TensorHandle } from '../../runtime/index.js';
import {
  EMULATION_SETTINGS,
  type Evaluation,
  type Feeds,
  type Outputs,
  type WorkOptions,
} from '../sessions/evaluation.js';
import { calibrated } from './calibration.js';
import { inSlices } from '../sessions/in-slices.js';
import { fedWithStates, withStates } from '../sessions/sequence.js';
import { measureSession, type Measurement, type ToleranceMeasurement } from './measurement.js';

/** Inputs move by at most this part of their range: about one unit in the last place of FP32. */
export const JITTER = 1e-7;

/**
 * Jitters for the noise floor of a verdict where nobody says how many: one number for the editor and the command, so that a
 * verdict reads the same in both, and what one of them measured is known to the other.
 */
export const USUAL_DRAWS = 3;

export type Verdict = 'holds' | 'holds within noise' | 'exceeded within noise' | 'exceeded';

export interface ToleranceVerdict extends ToleranceMeasurement {
  /** Largest distance of a jittered measurement from the plain one. */
  readonly noise: number;
  readonly verdict: Verdict;
}

export interface NoisyVerdicts {
  readonly verdicts: readonly ToleranceVerdict[];
  readonly sessions: number;
  readonly inferences: number;
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
): Promise<NoisyVerdicts> {
  if (measurement.tolerances.length === 0 || draws === 0) {
    return { verdicts: judged(measurement, []), sessions: 0, inferences: 0 };
  }
  const { runtime, folder } = evaluation;
  const whole = await calibrated(graph, () => Promise.resolve(evaluation), options);
  const session = await runtime.open(
    {
      model: { bytes: (await inSlices(emulatedSteps(whole))).bytes, weightsFolder: folder },
      ...EMULATION_SETTINGS,
    },
    options.signal,
  );
  try {
    const found = await withSessionNoise(evaluation, session, measurement, draws, options);
    return { ...found, sessions: 1 };
  } finally {
    await runtime.close(session);
  }
}

/** The same for a session that is open already, of whatever model was measured. */
export async function withSessionNoise(
  evaluation: Evaluation,
  session: Session,
  measurement: Measurement,
  draws: number,
  options: WorkOptions = {},
): Promise<NoisyVerdicts> {
  const tolerances = measurement.tolerances.map((one) => one.tolerance);
  const jittered: Measurement[] = [];
  for (let draw = 1; draw <= (tolerances.length === 0 ? 0 : draws); draw++) {
    jittered.push(await measureJittered(evaluation, session, tolerances, draw, draws, options));
  }
  // The original runs on each jittered sample, too.
  const inferences = jittered.reduce((sum, one) => sum + 2 * one.inferences, 0);
  return { verdicts: judged(measurement, jittered), sessions: 0, inferences };
}

function judged(measurement: Measurement, jittered: readonly Measurement[]): ToleranceVerdict[] {
  return measurement.tolerances.map((one, index) => {
    const others = jittered.map((other) => other.tolerances[index]?.measured ?? one.measured);
    return judge(one, spread(one.measured, others));
  });
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
    const wanted = withStates(evaluation.floatOutputs, evaluation.samples);
    for (const [sample, plain] of evaluation.feeds.entries()) {
      const moving: Record<string, TensorHandle> = {};
      const { carried = {} } = evaluation.samples[sample] ?? {};
      for (const [input, [name, handle]] of Object.entries(plain).entries()) {
        // A state moves with the inputs that it comes from.
        if (name in carried) continue;
        const moved = await runtime.jitter(handle, JITTER, seedOf(draw, sample, input), signal);
        own.push(moved);
        moving[name] = moved;
      }
      const feed = fedWithStates(moving, evaluation.samples[sample], references.at(-1));
      const reference = await runtime.run(original, feed, wanted, signal);
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
