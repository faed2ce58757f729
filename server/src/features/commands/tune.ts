/**
 * `onnxPrecision.server.tune` [uri]: finds the plan that gains most within the tolerances and has the editor write its decisions
 * into the plan, as one edit that leaves everything else in it alone.
 */
import { basename } from 'node:path';
import { formatPercent, reportPage } from '../../report/index.js';
import {
  comparePlan,
  isRefused,
  tunedEdits,
  type TunedPlan,
  tunePlan,
  tuningReport,
  type Work,
} from '../../work/index.js';
import { applyTextEdits } from './apply-edits.js';
import type { CommandCall, ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { measuringCommand } from './measuring-command.js';
import { type CommandOutcome, outcomeOf } from './outcome.js';
import { type PlanTarget, refusePlanErrors, versionNow } from './plan-target.js';
import { type ToleranceResult, toleranceResults, verdictSentence } from './tolerance-results.js';

export interface TuneResult {
  /** Whether the plan in the editor was changed; false also where it decides all of this already. */
  readonly edited: boolean;
  /** How many layers have each format. */
  readonly layers: Readonly<Record<string, number>>;
  readonly casts: number;
  readonly tolerances: readonly ToleranceResult[];
}

/** Timed runs of each model for the report: tuning has taken long enough. */
const RUNS = 20;

export function tuneCommand(context: CommandContext): ServerCommand {
  return measuringCommand<TuneResult>(
    {
      name: 'tune',
      title: 'Tuning',
      refuse: refusePlanErrors,
      measure: async (work, target, call) => {
        const tuned = await tunePlan(work, target.plan);
        if (isRefused(tuned)) return outcomeOf(tuned.problem);
        const written = await writeDecisions(call, target, tuned);
        if (written.status !== 'done') return written;
        // What was asked for is in the editor: a report that fails, or that nobody waits for, takes nothing back.
        const report = await reportOf(work, target, tuned);
        return report === undefined ? written : { ...written, report };
      },
    },
    context,
  );
}

/** Has the editor write the decisions into the plan, if that is still the one that was tuned. */
async function writeDecisions(
  call: CommandCall,
  target: PlanTarget,
  tuned: TunedPlan,
): Promise<CommandOutcome<TuneResult>> {
  const { tuning, layers, casts } = tuned;
  const edits = tunedEdits(target.tree, tuned);
  const result = (edited: boolean): TuneResult => ({
    edited,
    layers,
    casts,
    tolerances: toleranceResults(tuning.verdicts),
  });
  const found = sentenceOf(tuned);
  const refuse = (code: string, why: string): CommandOutcome<TuneResult> => ({
    status: 'refused',
    severity: 'warning',
    code,
    message: `the plan was left as it is: ${why}; tuning found ${found}`,
    result: result(false),
  });
  if (edits.length === 0) {
    return {
      status: 'done',
      severity: 'information',
      message: `the plan is as the tuner would have it: ${found}`,
      result: result(false),
    };
  }
  if ((await versionNow(call)) !== target.version) {
    return refuse('changed-meanwhile', 'it was changed while it was tuned, so tune it again');
  }
  const failure = await applyTextEdits(call.connection, target, edits, 'Tune');
  if (failure !== undefined) return refuse('edit-refused', failure);
  return { status: 'done', severity: 'information', message: `tuned: ${found}`, result: result(true) };
}

function sentenceOf({ tuning, summary: { low, layers, multiplyAdds }, casts }: TunedPlan): string {
  const share =
    multiplyAdds > 0 ? `, ${formatPercent(low.multiplyAdds / multiplyAdds)} of the multiply-adds` : '';
  const counts = `${low.layers} of ${layers} layers in low precision${share}, ${casts} casts`;
  return `${counts}; ${verdictSentence(tuning.verdicts)}${tuning.expired ? '; the time was up' : ''}`;
}

/** FP32, the tuned plan and all-FP16 side by side; undefined where that could not be found out. */
async function reportOf(
  work: Work,
  { path }: PlanTarget,
  tuned: TunedPlan,
): Promise<CommandOutcome['report']> {
  const decided = { ...tuned.plan, decisions: tuned.tuning.decisions };
  const compared = await comparePlan(work, decided, { runs: RUNS });
  if (isRefused(compared)) return undefined;
  const name = basename(path);
  const report = await tuningReport(work, `${name}, tuned`, tuned, compared);
  return isRefused(report) ? undefined : { title: `Tune ${name}`, page: reportPage(report) };
}
