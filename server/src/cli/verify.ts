/** `verify PLAN`: every tolerance, measured by emulation over all samples, with its noise floor. */
import { measure, toleranceFindings, withNoiseFloor, type OutputMeasurement } from '../analysis/index.js';
import { precisionGraph } from '../plan/index.js';
import { placeDiagnostics, diagnosticLine, githubLines, sarifLog } from './diagnostics.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Subcommand } from './subcommand.js';
import { formatNumber } from '../report/index.js';
import { formatTable } from './table.js';
import { toleranceDocuments, toleranceTable } from './verdicts.js';
import { VERSION } from './version.js';
import { withWork } from './work.js';

export const verify: Subcommand = {
  specification: {
    name: 'verify',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Measures every tolerance over all samples, by emulation. Status 1 where one is exceeded.',
    options: {
      draws: {
        type: 'string',
        value: 'N',
        help: 'invisible changes of the input for the noise floor (default 3)',
      },
      format: { type: 'string', value: 'text|sarif|github', help: 'how an exceeded tolerance is written' },
    },
  },
  run: async ({ parsed, output, signal }): Promise<ExitStatus> => {
    const form = parsed.choice('format', ['text', 'sarif', 'github']);
    const draws = parsed.integer('draws', 3);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    return withWork(loaded, plan, parsed, output, signal, async (work) => {
      const options = { signal, progress: output.progress };
      const evaluation = await work.evaluation();
      const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
      const measurement = await measure(evaluation, graph, plan.tolerances, options);
      const { verdicts } = await withNoiseFloor(evaluation, graph, measurement, draws, options);
      const findings = placeDiagnostics(loaded.path, loaded.text, toleranceFindings(plan, verdicts));
      const folder = process.cwd();
      if (form === 'sarif') output.raw(`${JSON.stringify(sarifLog(findings, folder, VERSION), null, 2)}\n`);
      if (form === 'github') for (const line of githubLines(findings, folder)) output.raw(`${line}\n`);
      if (form === 'text') {
        for (const line of outputTable(measurement.outputs)) output.line(line);
        output.line();
        if (verdicts.length === 0)
          output.line('the plan states no tolerance, so there is nothing that could fail');
        else for (const line of toleranceTable(verdicts)) output.line(line);
        for (const finding of findings) output.problem(diagnosticLine(finding, folder));
        output.document({
          holds: measurement.holds,
          samples: work.samples.length,
          mode: 'emulated',
          tolerances: toleranceDocuments(verdicts),
          outputs: measurement.outputs.map(({ name, worst }) => ({ name, ...worst })),
        });
      }
      return measurement.holds ? EXIT.holds : EXIT.short;
    });
  },
};

function outputTable(outputs: readonly OutputMeasurement[]): string[] {
  return formatTable(
    [
      { title: 'output (worst sample)' },
      { title: 'max_abs', align: 'right' },
      { title: 'mean_abs', align: 'right' },
      { title: 'relative_l2', align: 'right' },
      { title: 'cosine', align: 'right' },
      { title: 'sqnr', align: 'right' },
    ],
    outputs.map(({ name, worst }) => [
      name,
      formatNumber(worst.max_abs),
      formatNumber(worst.mean_abs),
      formatNumber(worst.relative_l2),
      worst.cosine.toFixed(7),
      `${formatNumber(worst.sqnr)} dB`,
    ]),
  );
}
