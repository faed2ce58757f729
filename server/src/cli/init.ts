/** `init MODEL [-o PLAN] [--expand]`: a starting plan beside a model. Never overwrites a plan. */
import { existsSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { layersBeyondRange, type Runtime } from '../analysis/index.js';
import type { Model } from '../onnx/index.js';
import { findLayers, startingPlan } from '../plan/index.js';
import { formatNumber } from '../report/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { openModelArgument } from './open-model.js';
import { replaceFile } from './replace-file.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';

export const init: Subcommand = {
  specification: {
    name: 'init',
    arguments: 'MODEL',
    count: [1, 1],
    summary: 'Writes a starting plan: inputs, dimensions, the amp preset as rules, a tolerance.',
    options: {
      output: { type: 'string', short: 'o', value: 'PLAN', help: 'where to (default: beside the model)' },
      expand: { type: 'boolean', help: 'one line for each layer, in graph order' },
    },
  },
  run: async ({ parsed, output, signal, startRuntime }): Promise<ExitStatus> => {
    const [path = ''] = parsed.positionals;
    const model = openModelArgument(path);
    const plan = resolve(parsed.text('output') ?? path.replace(/(\.onnx)?$/i, '.precision'));
    if (existsSync(plan)) {
      throw new CommandFailure(EXIT.usage, 'exists', 'this file exists; choose another with -o', plan);
    }
    const name = relative(dirname(plan), resolve(path)).replaceAll('\\', '/');
    const keep = await beyondRange(startRuntime(), model, output, signal);
    const options = { expand: parsed.flag('expand'), keep };
    await replaceFile(plan, startingPlan(model, name === '' ? basename(path) : name, options));
    output.line(`wrote ${relative(process.cwd(), plan)}`);
    output.document({ output: plan });
    return EXIT.holds;
  },
};

/** The layers whose weights FP16 cannot hold, by name, with the reason that the plan gives. */
async function beyondRange(
  runtime: Runtime,
  model: Model,
  { progress }: Output,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  try {
    const options = { signal, progress };
    const beyond = await layersBeyondRange(runtime, model, findLayers(model), 'fp16', options);
    return new Map(
      [...beyond].map(([layer, { maxAbs }]) => [
        layer.name,
        `holds weights up to ${formatNumber(maxAbs)}, beyond FP16`,
      ]),
    );
  } finally {
    await runtime.dispose();
  }
}
