/**
 * `onnxPrecision.server.tuneSession` [uri, modelPath?]: the fastest threads, optimisation level and options of the provider for a model
 * that the plan was converted to, written to a file beside it; what they gain stands beside what precision gains.
 */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { isRefused, tuneExportedSession, type TunedSession } from '../../work/index.js';
import { pathOfUri, uriOfPath } from '../document-path.js';
import type { ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { usualOutput } from './convert.js';
import { measuringCommand } from './measuring-command.js';
import { type CommandOutcome, outcomeOf, refusal } from './outcome.js';
import { refusePlanErrors } from './plan-target.js';

export interface TuneSessionResult {
  /** Absolute, of the file with the settings. */
  readonly path: string;
  readonly settings: {
    readonly provider: string;
    readonly threads: number;
    readonly optimization: string;
  };
  /** How many times faster than the original the model is, with the usual settings. */
  readonly precision: number;
  /** How many times faster than with the usual settings; 1 where nothing is faster beyond the spread. */
  readonly session: number;
}

export function tuneSessionCommand(context: CommandContext): ServerCommand {
  return measuringCommand<TuneSessionResult>(
    {
      name: 'tuneSession',
      title: 'Tuning the session',
      refuse: refusePlanErrors,
      measure: async (work, { plan }, { words: [named] }) => {
        const model =
          typeof named === 'string' ? resolve(pathOfUri(named) ?? named) : usualOutput(plan.modelPath);
        if (!existsSync(model)) {
          return refusal('no-model', `${basename(model)} is not there: convert the plan first`);
        }
        const tuned = await tuneExportedSession(work, model, { isMadeElsewhere: true });
        return isRefused(tuned) ? outcomeOf(tuned.problem) : outcomeOfTuned(tuned);
      },
    },
    context,
  );
}

function outcomeOfTuned({ path, sentences, ran, tuning }: TunedSession): CommandOutcome<TuneSessionResult> {
  const { best, usual, precision, session } = tuning;
  const { provider, threads, optimization } = best;
  return {
    status: 'done',
    severity: 'information',
    message: [...sentences, ...ran.sentences, `Written to ${basename(path)}.`].join(' '),
    written: uriOfPath(path),
    result: {
      path,
      settings: { provider, threads, optimization },
      precision: precision.median,
      session: best === usual ? 1 : (session?.median ?? 1),
    },
  };
}
