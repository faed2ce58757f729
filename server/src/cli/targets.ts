/**
 * `targets [PLAN]`: the execution providers of this machine, found by running models on them, and how to get the others; with a
 * plan, how each of them runs the operators of its model.
 */
import { knownTarget, PROVIDERS, type KnownTarget } from '../analysis/index.js';
import { targetSupport, type OperatorsOnTarget } from '../work/index.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Subcommand, SubcommandContext } from './subcommand.js';
import { resultStore } from './result-store.js';
import { targetBlock } from './target-blocks.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const targets: Subcommand = {
  specification: {
    name: 'targets',
    arguments: '[PLAN]',
    count: [0, 1],
    summary: 'What this machine can run models on, what is missing and how to get it.',
    shared: ['output', 'cache'],
    options: {
      format: {
        type: 'string',
        value: 'fp16|bf16',
        help: "with a plan: the format that its model's operators are tried in (default fp16)",
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { output, parsed, signal, startRuntime } = context;
    const runtime = startRuntime();
    const store = resultStore(parsed, output);
    try {
      const { onnxRuntime, platform, device, cores } = await runtime.information(signal);
      const states: KnownTarget[] = [];
      for (const name of PROVIDERS) {
        states.push(await knownTarget(runtime, name, undefined, { store, signal }));
      }
      const support = await supportOf(context);
      for (const [index, state] of states.entries()) {
        if (index > 0) output.line();
        const operators = support.find(({ target }) => target === state.name)?.operators ?? [];
        for (const line of targetBlock(state, operators)) output.line(line);
      }
      output.document({
        onnxRuntime,
        platform,
        device,
        cores,
        targets: states.map(({ name, usable, summary, device: on, advice, accumulation }) => ({
          ...{ name, usable, summary },
          device: on === undefined ? null : { name: on.name, software: on.isSoftware },
          advice: advice ?? null,
          accumulation,
          operators: (support.find(({ target }) => target === name)?.operators ?? []).map(
            ({ layer, ...one }) => ({ ...one, layer: layer.name }),
          ),
        })),
      });
      return EXIT.holds;
    } finally {
      await store?.close();
      await runtime.dispose();
    }
  },
};

/** Nothing without a plan. */
async function supportOf(context: SubcommandContext): Promise<readonly OperatorsOnTarget[]> {
  const { parsed, output } = context;
  const format = parsed.choice('format', ['fp16', 'bf16']);
  const [path] = parsed.positionals;
  if (path === undefined) return [];
  const loaded = loadPlan(path);
  const plan = needModel(loaded, output);
  const found = await withWork(loaded, plan, context, (work) => targetSupport(work, format));
  return resultOf(found, loaded).targets;
}
