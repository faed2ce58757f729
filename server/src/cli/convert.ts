/** `convert PLAN -o OUT.onnx [--verify]`: writes the mixed-precision model. */
import { relative, resolve } from 'node:path';
import { formatSize } from '../report/index.js';
import { exportModel, refuseErrors, runExported, type Work } from '../work/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const convert: Subcommand = {
  specification: {
    name: 'convert',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Writes the mixed-precision model: type-checked first, then written to a new file and renamed.',
    options: {
      output: { type: 'string', short: 'o', value: 'OUT.onnx', help: 'the model to write' },
      'external-data': { type: 'boolean', help: 'write the weights to a file beside the model' },
      verify: { type: 'boolean', help: 'load and run what was written on every sample' },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output, signal } = context;
    const target = parsed.text('output');
    if (target === undefined) throw new CommandFailure(EXIT.usage, 'usage', 'convert wants -o OUT.onnx');
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    const unfit = refuseErrors(plan);
    if (unfit !== undefined) resultOf(unfit, loaded);
    const options = { signal, externalData: parsed.flag('external-data') };
    const exported = resultOf(await exportModel(plan, plan.decisions, resolve(target), options), loaded);
    const verified = parsed.flag('verify')
      ? await withWork(loaded, plan, context, (work) => runs(work, exported.path, output))
      : null;
    for (const warning of exported.warnings) output.problem(`warning ${warning.code}: ${warning.message}`);
    const layers = Object.entries(exported.layers).map(([format, count]) => `${count} ${format}`);
    output.line(
      `wrote ${relative(process.cwd(), exported.path)}: ${formatSize(exported.bytes)}, layers ${layers.join(', ')}, ` +
        `${exported.casts} casts${verified === true ? '; it loads, runs and keeps its signature' : ''}`,
    );
    output.document({
      output: exported.path,
      bytes: exported.bytes,
      layers: exported.layers,
      casts: exported.casts,
      warnings: exported.warnings.map((warning) => `${warning.code}: ${warning.message}`),
      verified,
    });
    return verified === false ? EXIT.short : EXIT.holds;
  },
};

/** Runs what was written and tells what is wrong with it. */
async function runs(work: Work, path: string, output: Output): Promise<boolean> {
  const ran = resultOf(await runExported(work, path));
  for (const note of ran.notes) output.note(note);
  if (ran.wrong !== undefined) output.problem(`error signature: ${ran.wrong}`);
  return ran.runs;
}
