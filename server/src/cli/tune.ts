/** `tune PLAN [--write]`: finds the plan that gains most within the tolerances, verified by inference. */
import {
  precisionGraph,
  summarizeDecisions,
  writeDecisions,
  type LayerDecision,
  type TracedPlan,
} from '../plan/index.js';
import { formatPercent } from '../report/index.js';
import { tune as runTuner, type Objective, type Tuning } from '../search/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, refuseErrors, type LoadedPlan } from './load.js';
import type { Output } from './output.js';
import { editFile } from './replace-file.js';
import type { Subcommand } from './subcommand.js';
import { toleranceDocuments, toleranceTable } from './verdicts.js';
import { withWork } from './work.js';

export const tune: Subcommand = {
  specification: {
    name: 'tune',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Finds the plan that gains most within the tolerances, verified by inference.',
    options: {
      write: { type: 'boolean', help: 'edit the plan file' },
      strategy: { type: 'string', value: 'greedy|bisect', help: 'how layers are chosen (default greedy)' },
      objective: {
        type: 'string',
        value: 'macs|size|layers',
        help: "what is gained, instead of the plan's objective",
      },
      format: { type: 'string', value: 'fp16|bf16', help: 'the low format (default fp16)' },
      rank: {
        type: 'string',
        value: 'local|measured',
        help: "by which error layers are tried: in their own output, or in the model's outputs (default local)",
      },
      time: { type: 'string', value: 'SECONDS', help: 'take the best plan found by then' },
      draws: {
        type: 'string',
        value: 'N',
        help: 'invisible changes of the input for the noise floor (default 3)',
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output, signal } = context;
    const strategy = parsed.choice('strategy', ['greedy', 'bisect']);
    const format = parsed.choice('format', ['fp16', 'bf16']);
    const rank = parsed.choice('rank', ['local', 'measured']);
    const draws = parsed.integer('draws', 3);
    const limit = parsed.text('time');
    const time = limit === undefined ? {} : { time: seconds(limit) };
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const stated = needModel(loaded, output);
    refuseErrors(stated);
    const objective =
      parsed.text('objective') === undefined
        ? planObjective(stated.objective, output)
        : parsed.choice('objective', ['macs', 'size', 'layers']);
    if (stated.tolerances.length === 0) {
      throw new CommandFailure(
        EXIT.usage,
        'no-tolerance',
        'the plan states no tolerance to tune within',
        loaded.path,
      );
    }
    return withWork(loaded, stated, context, async (work) => {
      const plan = await work.counted(stated);
      const evaluation = await work.evaluation();
      const options = {
        strategy,
        objective,
        format,
        rank,
        draws,
        signal,
        progress: output.progress,
        ...time,
      };
      const tuning = await runTuner(evaluation, plan, options);
      if ('code' in tuning) throw new CommandFailure(EXIT.short, tuning.code, tuning.message, loaded.path);
      const { casts } = precisionGraph(plan.model, plan.roles, plan.layers, tuning.decisions);
      printTuning(tuning, work.samples.length, casts.length, output);
      if (parsed.flag('write')) {
        await writeTuning(loaded, plan, tuning);
        output.line(`wrote ${parsed.positionals[0] ?? ''}`);
      }
      return EXIT.holds;
    });
  },
};

/** Edits the plan so that it decides what the tuner decided. */
export async function writeTuning(
  loaded: LoadedPlan,
  plan: TracedPlan,
  { decisions }: Tuning,
): Promise<void> {
  const decided = new Map(decisions.map((one) => [one.layer.name, one.format] as const));
  await editFile(loaded, writeDecisions(loaded.tree, plan, decided));
}

/** What an objective that cannot be measured yet is replaced with is always said. */
function planObjective(stated: string | undefined, output: Output): Objective {
  switch (stated) {
    case 'macs':
    case 'size':
    case 'layers':
      return stated;
    case undefined:
      output.note('objective: macs (the plan states none)');
      return 'macs';
    default:
      throw new CommandFailure(
        EXIT.usage,
        'objective-unavailable',
        `objective ${stated} cannot be tuned for yet; use --objective macs, size or layers`,
      );
  }
}

function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)s?$/.exec(text);
  if (match === null)
    throw new CommandFailure(EXIT.usage, 'usage', `--time wants seconds, such as 60s, not "${text}"`);
  return Number(match[1]);
}

/** How many layers have each format. */
function formatCounts(decisions: readonly LayerDecision[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { format } of decisions) counts[format] = (counts[format] ?? 0) + 1;
  return counts;
}

function printTuning(tuning: Tuning, samples: number, casts: number, output: Output): void {
  // The original runs once on each sample before the search begins.
  const sessions = tuning.sessions + 1;
  const inferences = tuning.inferences + samples;
  const { low, layers, weighted, multiplyAdds } = summarizeDecisions(tuning.decisions);
  for (const line of toleranceTable(tuning.verdicts)) output.line(line);
  output.line();
  output.line(
    `${low.layers} of ${layers} layers in low precision, ${low.weighted} of ${weighted} with weights, ` +
      `${formatPercent(low.multiplyAdds / multiplyAdds)} of the multiply-adds, ${casts} casts`,
  );
  output.line(
    `${tuning.strategy} for ${tuning.objective}${tuning.measured === undefined ? '' : ', ranked by measured errors'}: ${inferences} inferences in ${sessions} sessions, ` +
      `${tuning.seconds.toFixed(1)} s${tuning.expired ? '; the time was up, this is the best found until then' : ''}`,
  );
  output.document({
    strategy: tuning.strategy,
    objective: tuning.objective,
    rank: tuning.measured === undefined ? 'local' : 'measured',
    decisions: Object.fromEntries(tuning.decisions.map((one) => [one.layer.name, one.format])),
    layers: formatCounts(tuning.decisions),
    casts,
    tolerances: toleranceDocuments(tuning.verdicts),
    inferences,
    sessions,
    seconds: tuning.seconds,
    expired: tuning.expired,
    frontier: [
      {
        error: Math.max(...tuning.measurement.outputs.map((one) => one.worst.relative_l2)),
        gain: multiplyAdds === 0 ? 0 : low.multiplyAdds / multiplyAdds,
        layers: low.layers,
        verified: true,
      },
    ],
  });
}
