/**
 * `targets [PLAN]`: the execution providers of this machine, found by running models on them, and how to get the others; with a
 * plan, how each of them runs the operators of its model.
 */
import { knownTarget, PROVIDERS, type FoundAccumulation, type KnownTarget } from '../analysis/index.js';
import { targetSupport, type OperatorsOnTarget } from '../work/index.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand, SubcommandContext } from './subcommand.js';
import { resultStore } from './result-store.js';
import { formatTable } from './table.js';
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
      printStates(states, output);
      for (const one of support) printSupport(one, output);
      output.document({
        onnxRuntime,
        platform,
        device,
        cores,
        targets: states.map(({ name, usable, summary, advice, accumulation }) => ({
          ...{ name, usable, summary },
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

function printStates(states: readonly KnownTarget[], output: Output): void {
  const columns = [{ title: 'target' }, { title: 'usable' }, { title: 'what there is' }];
  const rows = states.map(({ name, usable, summary, advice }) => [
    name,
    usable ? 'yes' : 'no',
    [summary, advice].filter(Boolean).join(' '),
  ]);
  for (const line of formatTable(columns, rows)) output.line(line);
  output.line();
  for (const { name, accumulation } of states.filter(({ usable }) => usable)) {
    const found = accumulation.map(
      (one) =>
        `${one.operator} ${WORDS[one.accumulation]}${one.chunk === undefined ? '' : ` of about ${one.chunk} products`}`,
    );
    output.line(`${name} adds up the products of FP16 layers: ${found.join(', ')}`);
  }
}

const WORDS: Readonly<Record<FoundAccumulation['accumulation'], string>> = {
  fp32: 'in FP32',
  fp16: 'in FP16',
  between: 'in FP16, in several sums',
  'not run': 'not at all',
};

function printSupport({ target, operators }: OperatorsOnTarget, output: Output): void {
  output.line();
  const columns = [{ title: `operator on ${target}` }, { title: 'format' }, { title: 'runs' }, { title: '' }];
  const rows = operators.map(({ operator, format, outcome, detail }) => [operator, format, outcome, detail]);
  for (const line of formatTable(columns, rows)) output.line(line);
}
