/** `onnxPrecision.server.verify` [uri]: every tolerance of a plan, measured by emulation over all samples. */
import { basename } from 'node:path';
import { isRefused, verifyPlan, VERSION, type VerifiedPlan, type Work } from '../../work/index.js';
import { reportPage } from '../../report/index.js';
import type { ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { measuringCommand } from './measuring-command.js';
import { type CommandOutcome, listOf, outcomeOf } from './outcome.js';
import {
  type ToleranceResult,
  toleranceResults,
  verdictSentence,
  worstVerdict,
} from './tolerance-results.js';

export interface VerifyResult {
  /** Every tolerance holds and the plan has no error. */
  readonly holds: boolean;
  readonly samples: number;
  readonly tolerances: readonly ToleranceResult[];
}

export function verifyCommand(context: CommandContext): ServerCommand {
  return measuringCommand<VerifyResult>(
    {
      name: 'verify',
      title: 'Verifying',
      measure: async (work) => {
        const verified = await verifyPlan(work);
        return isRefused(verified) ? outcomeOf(verified.problem) : outcomeOfVerified(work, verified);
      },
    },
    context,
  );
}

function outcomeOfVerified(work: Work, verified: VerifiedPlan): CommandOutcome<VerifyResult> {
  const { holds, verdicts, outputs } = verified;
  const { plan, samples } = work;
  const message = sentenceOf(work, verified);
  const name = basename(plan.path);
  const page = reportPage({
    title: `${name}: ${worstVerdict(verdicts) ?? 'no tolerance'}`,
    model: basename(plan.model.source.path ?? ''),
    plan: name,
    samples: samples.length,
    device: 'emulated on this machine',
    versions: `onnx-precision ${VERSION}`,
    conclusions: [`${message.charAt(0).toUpperCase()}${message.slice(1)}.`],
    comparison: undefined,
    verdicts,
    outputs,
    layers: undefined,
  });
  return {
    status: 'done',
    severity: holds ? 'information' : 'warning',
    message,
    report: { title: `Verify ${name}`, page },
    result: { holds, samples: samples.length, tolerances: toleranceResults(verdicts) },
  };
}

function sentenceOf({ plan }: Work, { errors, verdicts }: VerifiedPlan): string {
  const measured =
    verdicts.length === 0
      ? 'the plan states no tolerance, so there is nothing that could fail'
      : `the plan ${planVerdict(verdicts)}: ${verdictSentence(verdicts)}`;
  if (errors === 0) return measured;
  return `the plan has ${errors === 1 ? 'an error' : `${errors} errors`}, so it does not hold (${listOf(plan.diagnostics)}); as far as it is understood: ${measured}`;
}

function planVerdict(verdicts: VerifiedPlan['verdicts']): string {
  const worst = worstVerdict(verdicts) ?? 'holds';
  return worst.startsWith('exceeded') ? worst.replace('exceeded', 'exceeds its tolerances') : worst;
}
