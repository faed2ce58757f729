/** `convert PLAN -o OUT.onnx [--verify]`: writes the mixed-precision model. */
import { relative, resolve } from 'node:path';
import { openOptimized, RuntimeFailure, type OpenedSession } from '../analysis/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { exportModel } from './export-model.js';
import { loadPlan, needModel, refuseErrors } from './load.js';
import type { Output } from './output.js';
import { formatSize } from '../report/index.js';
import type { Subcommand } from './subcommand.js';
import { withWork, type Work } from './work.js';

export const convert: Subcommand = {
  specification: {
    name: 'convert',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Writes the mixed-precision model: type-checked first, then written to a new file and renamed.',
    options: {
      output: { type: 'string', short: 'o', value: 'OUT.onnx', help: 'the model to write' },
      verify: { type: 'boolean', help: 'load and run what was written on every sample' },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output, signal } = context;
    const target = parsed.text('output');
    if (target === undefined) throw new CommandFailure(EXIT.usage, 'usage', 'convert wants -o OUT.onnx');
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    refusePlan(resolve(target), loaded.path);
    const plan = needModel(loaded, output);
    refuseErrors(plan);
    const exported = await exportModel(loaded, plan, plan.decisions, resolve(target), signal);
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

/** A model is never written over a plan: this one, or whatever goes by a plan's name. */
function refusePlan(target: string, plan: string): void {
  if (target !== plan && !target.toLowerCase().endsWith('.precision')) return;
  throw new CommandFailure(EXIT.usage, 'cannot-write', 'this is the name of a plan; choose another', target);
}

/** The written model in a session; where no level loads it, the message says that the file is there all the same. */
async function openWritten({ runtime, signal, threads }: Work, path: string): Promise<OpenedSession> {
  try {
    return await openOptimized(runtime, path, { threads }, signal);
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || error.kind !== 'refused') throw error;
    const message = `the model is written and its types are right, but the runtime of this machine cannot run it: ${error.message}`;
    throw new CommandFailure(EXIT.runtimeFailed, 'runtime-refused', message, path);
  }
}

/** Whether the model at `path` loads, has the inputs and outputs of the plan's model, and runs on every sample. */
async function runs(work: Work, path: string, output: Output): Promise<boolean> {
  const { runtime, signal } = work;
  const { session, notes } = await openWritten(work, path);
  for (const note of notes) output.note(note);
  const { original, feeds } = await work.evaluation();
  for (const side of ['inputs', 'outputs'] as const) {
    const [found, wanted] = [session[side].join(', '), original[side].join(', ')];
    if (found === wanted) continue;
    output.problem(`error signature: the ${side} are ${found}, wanted ${wanted}`);
    return false;
  }
  for (const [index, feed] of feeds.entries()) {
    output.progress(index, feeds.length, 'written model');
    await runtime.release(Object.values(await runtime.run(session, feed, undefined, signal)));
  }
  output.progress(feeds.length, feeds.length, 'written model');
  await runtime.close(session);
  return true;
}
