/**
 * Whose fault it is that ONNX Runtime does not run a model at an optimisation level, and the way out, in words. The level below is
 * the judge where it works, otherwise the original in the same place. Runs nothing.
 */
import {
  hasKnownCause,
  type OptimizationLevel,
  type Provider,
  type RuntimeFailure,
} from '../../runtime/index.js';

/** A level at which a model was not opened, or did not run. */
export interface FailedLevel {
  readonly optimization: OptimizationLevel;
  /** `profiled run`: what comes of runs without a profile is not known from it. */
  readonly during: 'opening' | 'run' | 'profiled run';
  readonly failure: RuntimeFailure;
}

/** Who fails, if it is not the model. */
export interface Suspect {
  /** The version of ONNX Runtime. */
  readonly onnxRuntime: string;
  readonly provider: Provider;
}

/**
 * What becomes of the original where a model that was made of it runs at no level: `same` is the original itself, which nothing was
 * made of; `another` runs, but nobody here made the model of it, which may be wrong itself; undefined where nobody knows.
 */
export type OriginalThere = 'runs' | 'another' | 'fails' | 'same' | undefined;

/**
 * One sentence or two on a level that failed, `below` being the one at which the model runs.
 *
 * @param settings what else the session was opened with, where that may be to blame
 */
export function failedLevelNote(
  failed: FailedLevel,
  below: OptimizationLevel,
  suspect: Suspect,
  settings = '',
): string {
  const said = sentence(`${whatHappened(failed, suspect)}${settings}: ${failed.failure.message}`);
  // Whose matter a lack of memory or a lost device is, and what to do, its own message says.
  if (hasKnownCause(failed.failure)) return `${said} It runs at level ${below}.`;
  const way =
    settings === '' && failed.during !== 'profiled run'
      ? ` Wherever you load it with that version, set the session option graphOptimizationLevel to ${below}.`
      : '';
  return (
    `${said} The model is valid, since it runs at level ${below}: the fault is that of ${nameOf(suspect)} at level ` +
    `${failed.optimization}${settings}, not of the model.${way}`
  );
}

/** What is said of a model that runs at no level: `last` is the lowest that was tried. */
export function noLevelMessage(last: FailedLevel, suspect: Suspect, original: OriginalThere): string {
  const { failure } = last;
  if (hasKnownCause(failure) || original === undefined) return failure.message;
  const said = sentence(`${whatHappened(last, suspect)}, as at every level above it: ${failure.message}`);
  const elsewhere = 'take another target or another version of ONNX Runtime';
  if (original === 'runs') {
    return (
      `${said} The original runs there, and the types of this model follow ONNX's rules: it is valid, and the fault is that of ` +
      `${nameOf(suspect)}. Keep the layer that the message names in fp32, or ${elsewhere}.`
    );
  }
  if (original === 'another') {
    return (
      `${said} The original runs there. This model was not converted here and now, so that the fault may be its own or that of ` +
      `${nameOf(suspect)}: convert the plan and try what comes of that.`
    );
  }
  const it = original === 'same' ? 'It is the original as it stands' : 'The original does the same';
  return `${said} ${it}, so precision has nothing to do with it; ${elsewhere}.`;
}

function whatHappened({ optimization, during, failure }: FailedLevel, suspect: Suspect): string {
  const what =
    failure.kind === 'crashed'
      ? `crashed ${during === 'opening' ? 'when it opened the model' : `in a ${during}`}`
      : during === 'opening'
        ? 'refused the model'
        : `failed in a ${during}`;
  return `${nameOf(suspect)} ${what} at optimisation level ${optimization}`;
}

function nameOf({ onnxRuntime, provider }: Suspect): string {
  return `ONNX Runtime ${onnxRuntime} on ${provider}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
