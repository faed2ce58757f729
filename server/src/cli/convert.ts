/** `convert PLAN -o OUT.onnx [--verify]`: writes the mixed-precision model. */
import { relative, resolve } from 'node:path';
import { openOptimized } from '../analysis/index.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { exportModel, RefusedExport } from './export-model.js';
import { loadPlan, needModel, reportDiagnostics } from './load.js';
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
  run: async ({ parsed, output, signal }): Promise<ExitStatus> => {
    const target = parsed.text('output');
    if (target === undefined) throw new CommandFailure(EXIT.usage, 'usage', 'convert wants -o OUT.onnx');
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    refuseErrors(plan.diagnostics.filter((one) => one.severity === 'error').length, loaded.path);
    const exported = await exportModel(plan, plan.decisions, resolve(target), signal).catch(
      (error: unknown) => {
        if (error instanceof RefusedExport) reportDiagnostics(loaded, error.diagnostics, output);
        throw error;
      },
    );
    let verified: boolean | null = null;
    if (parsed.flag('verify')) {
      verified = await withWork(loaded, plan, parsed, output, signal, (work) =>
        runs(work, exported.path, output),
      );
    }
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

/** A plan with errors decides something else than its author meant: it is not exported. */
function refuseErrors(errors: number, path: string): void {
  if (errors === 0) return;
  const message = `the plan has ${errors} error${errors === 1 ? '' : 's'}; mend ${errors === 1 ? 'it' : 'them'} first`;
  throw new CommandFailure(EXIT.short, 'plan-has-errors', message, path);
}

async function runs(work: Work, path: string, output: Output): Promise<boolean> {
  const { session, notes } = await openOptimized(work.runtime, path, work.threads, work.signal);
  for (const note of notes) output.note(note);
  const evaluation = await work.evaluation();
  const wanted = evaluation.model.graph.outputs.map((one) => one.name).join(', ');
  const found = session.outputs.join(', ');
  if (found !== wanted) {
    output.problem(`error signature: the outputs are ${found}, wanted ${wanted}`);
    return false;
  }
  for (const feed of evaluation.feeds) {
    const outputs = await work.runtime.run(session, feed, undefined, work.signal);
    await work.runtime.release(Object.values(outputs));
  }
  await work.runtime.close(session);
  return true;
}
