/** `tune PLAN [--write]`: finds the plan that gains most within the tolerances, verified by inference. */
import { LOW_FORMAT_NAMES } from '../formats/index.js';
import { USUAL_DRAWS } from '../analysis/index.js';
import type { LayerDecision } from '../plan/index.js';
import { formatPercent } from '../report/index.js';
import { gain, type Tuning } from '../search/index.js';
import {
  editFile,
  OBJECTIVE_NAMES,
  tunedEdits,
  tunePlan,
  tuningObjective,
  type TunedPlan,
} from '../work/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, type LoadedPlan } from './load.js';
import { lockPlan } from './lock-plan.js';
import type { Output } from './output.js';
import { priceLines } from './prices.js';
import type { Subcommand } from './subcommand.js';
import { toleranceDocuments, toleranceTable } from './verdicts.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const tune: Subcommand = {
  specification: {
    name: 'tune',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Finds the plan that gains most within the tolerances, verified by inference.',
    shared: ['output', 'cache', 'target'],
    options: {
      write: { type: 'boolean', help: 'edit the plan file' },
      strategy: {
        type: 'string',
        value: 'greedy|bisect|amp',
        help: 'how layers are chosen: two searches, or by the lists of automatic mixed precision (default greedy)',
      },
      objective: {
        type: 'string',
        value: OBJECTIVE_NAMES.join('|'),
        help: "what is gained, instead of the plan's objective",
      },
      format: {
        type: 'string',
        value: 'FORMAT',
        help: `the low format: ${LOW_FORMAT_NAMES.join(', ')} (default fp16)`,
      },
      rank: {
        type: 'string',
        value: 'local|measured',
        help: "by which error layers are tried: in their own output, or in the model's outputs (default local)",
      },
      time: { type: 'string', value: 'SECONDS', help: 'take the best plan found by then' },
      draws: {
        type: 'string',
        value: 'N',
        help: `invisible changes of the input for the noise floor (default ${USUAL_DRAWS})`,
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output } = context;
    const strategy = parsed.choice('strategy', ['greedy', 'bisect', 'amp']);
    const format = parsed.choice('format', LOW_FORMAT_NAMES);
    const rank = parsed.choice('rank', ['local', 'measured']);
    const draws = parsed.integer('draws', USUAL_DRAWS);
    const limit = parsed.text('time');
    const time = limit === undefined ? {} : { time: seconds(limit) };
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const stated = needModel(loaded, output);
    const objective =
      parsed.text('objective') === undefined ? undefined : parsed.choice('objective', OBJECTIVE_NAMES);
    const wishes = { strategy, objective, format, rank, draws, ...time };
    const gained = tuningObjective(stated, wishes);
    if (typeof gained === 'object') resultOf(gained, loaded);
    return withWork(loaded, stated, context, async (work) => {
      const tuned = resultOf(await tunePlan(work, stated, wishes), loaded);
      printTuning(tuned, output);
      if (parsed.flag('write')) {
        await writeTuning(loaded, tuned);
        output.line(`wrote ${parsed.positionals[0] ?? ''}`);
      }
      return EXIT.holds;
    });
  },
};

/** Edits the plan so that it decides what the tuner decided. */
export async function writeTuning(loaded: LoadedPlan, tuned: TunedPlan): Promise<void> {
  resultOf(await editFile(loaded, tunedEdits(loaded.tree, tuned)));
  await lockPlan(loaded.path);
}

function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)s?$/.exec(text);
  if (match === null)
    throw new CommandFailure(EXIT.usage, 'usage', `--time wants seconds, such as 60s, not "${text}"`);
  return Number(match[1]);
}

function printTuning(tuned: TunedPlan, output: Output): void {
  const { tuning, casts, sessions, inferences } = tuned;
  const { low, layers, weighted, multiplyAdds } = tuned.summary;
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
  for (const line of [...priceLines(tuned.latency, tuned.energy), ...tuned.notes]) output.line(line);
  output.document({
    strategy: tuning.strategy,
    objective: tuning.objective,
    rank: tuning.measured === undefined ? 'local' : 'measured',
    decisions: Object.fromEntries(tuning.decisions.map((one) => [one.layer.name, one.format])),
    layers: tuned.layers,
    casts,
    latency:
      tuned.latency === undefined
        ? null
        : { ...tuned.latency, files: tuned.latency.files ?? null, misfit: tuned.latency.misfit ?? null },
    energy: tuned.energy,
    notes: tuned.notes,
    tolerances: toleranceDocuments(tuning.verdicts),
    inferences,
    sessions,
    seconds: tuning.seconds,
    expired: tuning.expired,
    frontier: [
      {
        error: Math.max(...tuning.measurement.outputs.map((one) => one.worst.relative_l2)),
        gain: gainOf(tuned),
        layers: low.layers,
        verified: true,
      },
    ],
  });
}

/** What of a tuned plan tells its gain. */
export type GainedPlan = Pick<TunedPlan, 'summary' | 'latency' | 'energy'> & {
  readonly tuning: Pick<Tuning, 'objective' | 'decisions'>;
};

/** Of all there is to gain by the objective, from 0 to 1. */
export function gainOf({ tuning, summary, latency, energy }: GainedPlan): number {
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  switch (tuning.objective) {
    case 'latency':
      return latency === undefined ? 0 : share(latency.fp32 - latency.plan, latency.fp32);
    case 'energy':
      return share(energy.fp32 - energy.plan, energy.fp32);
    case 'layers':
      return share(summary.low.layers, summary.layers);
    case 'macs':
      return share(summary.low.multiplyAdds, summary.multiplyAdds);
    case 'size': {
      const low = tuning.decisions.filter(({ format }) => format !== 'fp32' && format !== 'original');
      return share(bytesSaved(low), bytesSaved(tuning.decisions));
    }
  }
}

/** By decisions for low precision. */
function bytesSaved(decisions: readonly LayerDecision[]): number {
  return decisions.reduce((sum, { layer }) => sum + gain(layer, 'size'), 0);
}
