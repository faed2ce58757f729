/**
 * `targets [PLAN]`: the execution providers of this machine, found by running models on them, and how to get the others; with a
 * plan, how each of them runs the operators of its model.
 */
import {
  findAccumulation,
  targetStates,
  type FoundAccumulation,
  type TargetState,
} from '../analysis/index.js';
import { targetSupport, type SupportOnTarget } from '../work/index.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand, SubcommandContext } from './subcommand.js';
import { formatTable } from './table.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const targets: Subcommand = {
  specification: {
    name: 'targets',
    arguments: '[PLAN]',
    count: [0, 1],
    summary: 'What this machine can run models on, what is missing and how to get it.',
    shared: ['output'],
    options: {
      format: {
        type: 'string',
        value: 'fp16|bf16',
        help: "with a plan: the format that its model's operators are tried in (default fp16)",
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { output, signal, startRuntime } = context;
    const runtime = startRuntime();
    try {
      const { onnxRuntime, platform, device, cores } = await runtime.information(signal);
      const states: (TargetState & { readonly accumulation: readonly FoundAccumulation[] })[] = [];
      for (const state of await targetStates(runtime, signal)) {
        const accumulation = state.usable ? await findAccumulation(runtime, state.name, signal) : [];
        states.push({ ...state, accumulation });
      }
      const support = await supportOf(context);
      printStates(states, output);
      for (const one of support) printSupport(one, output);
      output.document({
        onnxRuntime,
        platform,
        device,
        cores,
        targets: states.map(({ advice, accumulation, ...state }) => ({
          ...state,
          advice: advice ?? null,
          accumulation,
          operators: (support.find(({ target }) => target === state.name)?.operators ?? []).map(
            ({ layer, ...one }) => ({ ...one, layer: layer.name }),
          ),
        })),
      });
      return EXIT.holds;
    } finally {
      await runtime.dispose();
    }
  },
};

/** Nothing without a plan. */
async function supportOf(context: SubcommandContext): Promise<readonly SupportOnTarget[]> {
  const { parsed, output } = context;
  const format = parsed.choice('format', ['fp16', 'bf16']);
  const [path] = parsed.positionals;
  if (path === undefined) return [];
  const loaded = loadPlan(path);
  const plan = needModel(loaded, output);
  const found = await withWork(loaded, plan, context, (work) => targetSupport(work, format));
  return resultOf(found, loaded).targets;
}

function printStates(
  states: readonly (TargetState & { readonly accumulation: readonly FoundAccumulation[] })[],
  output: Output,
): void {
  const columns = [{ title: 'target' }, { title: 'usable' }, { title: 'what there is' }];
  const rows = states.map(({ name, usable, summary, advice }) => [
    name,
    usable ? 'yes' : 'no',
    [summary, advice].filter(Boolean).join(' '),
  ]);
  for (const line of formatTable(columns, rows)) output.line(line);
  output.line();
  for (const { name, accumulation } of states.filter(({ usable }) => usable)) {
    const found = accumulation.map((one) => `${one.operator} ${WORDS[one.accumulation]}`);
    output.line(`${name} adds up the products of FP16 layers: ${found.join(', ')}`);
  }
}

const WORDS: Readonly<Record<FoundAccumulation['accumulation'], string>> = {
  fp32: 'in FP32',
  fp16: 'in FP16',
  between: 'in FP16, in several sums',
  'not run': 'not at all',
};

function printSupport({ target, operators }: SupportOnTarget, output: Output): void {
  output.line();
  const columns = [{ title: `operator on ${target}` }, { title: 'format' }, { title: 'runs' }, { title: '' }];
  const rows = operators.map(({ operator, format, outcome, detail }) => [operator, format, outcome, detail]);
  for (const line of formatTable(columns, rows)) output.line(line);
}
