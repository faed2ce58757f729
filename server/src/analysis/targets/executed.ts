/**
 * What an exported model really gives on a target: run on every sample there and compared with what the original gives, as
 * the emulated model is. Knows a model file and a target; how the model was made is the caller's.
 */
import { explicitSteps } from '../../emulate/index.js';
import { weightsFolder, type Model } from '../../onnx/index.js';
import type { Tolerance } from '../../plan/index.js';
import type { OptimizationLevel, Provider, Session } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { measureSession, type Measurement } from '../measurement/measurement.js';
import { withSessionNoise, type ToleranceVerdict } from '../measurement/noise.js';
import { originalFile, withOptimized } from '../sessions/open-session.js';
import { placementOf, type Placement } from './placement.js';

export interface Executed {
  readonly measurement: Measurement;
  readonly verdicts: readonly ToleranceVerdict[];
  readonly placement: Placement;
  readonly optimization: OptimizationLevel;
  /** Whose fault it was where a higher optimisation level did not work. */
  readonly notes: readonly string[];
  readonly sessions: number;
  readonly inferences: number;
}

export interface ExecutedOptions extends WorkOptions {
  readonly provider: Provider;
  readonly threads: number;
  /** Invisible changes of the input for the noise floor. */
  readonly draws: number;
  /** The model at the path is not one that was converted here: nobody vouches for it. */
  readonly isMadeElsewhere?: boolean | undefined;
  /** The compute process was lost: `evaluation` gives a new one from now on. */
  readonly renew: () => void;
}

/**
 * Runs the model at `path` over all samples of what `evaluation` gives on `provider`. The reference stays the original on the CPU at
 * the emulation's settings: an error of the target's FP32 kernels is part of what is measured.
 */
export async function executedMeasurement(
  evaluation: () => Promise<Evaluation>,
  path: string,
  tolerances: readonly Tolerance[],
  { provider, threads, draws, renew, isMadeElsewhere, signal, progress }: ExecutedOptions,
): Promise<Executed> {
  // Before anything of the model at `path`: what fails of the original is none of its faults.
  const { runtime, model, samples } = await evaluation();
  const options = { signal, progress };
  const source = originalFile(runtime, model.source.path, samples, signal);
  const settings = {
    ...{ provider, threads, renew, profile: true },
    original: source && { ...source, isMadeElsewhere },
  };
  return await withOptimized(runtime, path, settings, signal, async ({ session, optimization, notes }) => {
    const current = await evaluation();
    const { feeds, references } = current;
    const measuring = { ...options, phase: `plan, on ${provider}` };
    const measurement = await measureSession(current, session, feeds, references, tolerances, measuring);
    const noisy = await withSessionNoise(current, session, measurement, draws, options);
    const runs = feeds.length * (1 + (noisy.inferences > 0 ? draws : 0));
    return {
      measurement,
      verdicts: noisy.verdicts,
      placement: await placementOfSession(current, session, provider, runs, signal),
      optimization,
      notes,
      sessions: 1,
      inferences: measurement.inferences + noisy.inferences,
    };
  });
}

/** What emulation says of a mixed model as it stands: its casts made explicit, sums in FP32, over all samples of `evaluation`. */
export async function emulatedMeasurement(
  evaluation: Evaluation,
  exported: Model,
  tolerances: readonly Tolerance[],
  { signal, progress }: WorkOptions,
): Promise<Measurement> {
  const { runtime, feeds, references } = evaluation;
  const { bytes } = await inSlices(explicitSteps(exported));
  const model = { bytes, weightsFolder: weightsFolder(exported) ?? '.' };
  const session = await runtime.open({ model, ...EMULATION_SETTINGS }, signal);
  try {
    const options = { signal, progress, phase: 'plan, emulated' };
    return await measureSession(evaluation, session, feeds, references, tolerances, options);
  } finally {
    await runtime.close(session);
  }
}

/** Every run writes the same kernels into the profile. */
async function placementOfSession(
  { runtime }: Evaluation,
  session: Session,
  provider: Provider,
  runs: number,
  signal: AbortSignal | undefined,
): Promise<Placement> {
  const kernels = await runtime.profile(session, signal);
  return placementOf(kernels.slice(0, Math.round(kernels.length / Math.max(1, runs))), provider);
}
