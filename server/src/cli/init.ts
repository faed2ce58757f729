/** `init MODEL [-o PLAN] [--expand]`: a starting plan beside a model. Never overwrites a plan. */
import { relative } from 'node:path';
import { usualPlanPath, writeNewPlan } from '../work/index.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { lockPlan } from './lock-plan.js';
import type { Subcommand } from './subcommand.js';
import { resultOf } from './work-failure.js';

export const init: Subcommand = {
  specification: {
    name: 'init',
    arguments: 'MODEL',
    count: [1, 1],
    summary: 'Writes a starting plan: inputs, dimensions, the amp preset as rules, a tolerance.',
    shared: ['output'],
    options: {
      output: { type: 'string', short: 'o', value: 'PLAN', help: 'where to (default: beside the model)' },
      expand: { type: 'boolean', help: 'one line for each layer, in graph order' },
    },
  },
  run: async ({ parsed, output, signal, startRuntime }): Promise<ExitStatus> => {
    const [path = ''] = parsed.positionals;
    const target = parsed.text('output') ?? usualPlanPath(path);
    const runtime = startRuntime();
    const parts = { runtime, signal, progress: output.progress, expand: parsed.flag('expand') };
    try {
      const plan = resultOf(await writeNewPlan(path, target, parts));
      await lockPlan(plan.path);
      output.line(`wrote ${relative(process.cwd(), plan.path)}`);
      output.document({ output: plan.path });
    } finally {
      await runtime.dispose();
    }
    return EXIT.holds;
  },
};
