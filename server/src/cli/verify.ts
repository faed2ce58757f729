/** `verify PLAN`: every tolerance, measured by emulation over all samples, with its noise floor. */
import {
  measure,
  toleranceFindings,
  withNoiseFloor,
  type Measurement,
  type OutputMeasurement,
  type ToleranceVerdict,
} from '../analysis/index.js';
import { precisionGraph } from '../plan/index.js';
import { formatNumber } from '../report/index.js';
import { diagnosticForm, writeDiagnostics } from './diagnostic-form.js';
import { placeDiagnostics } from './diagnostics.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { errorsOf, loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';
import { toleranceDocuments, toleranceTable } from './verdicts.js';
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
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output, signal } = context;
    const form = diagnosticForm(parsed);
    const draws = parsed.integer('draws', 3);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    return withWork(loaded, plan, context, async (work) => {
      const options = { signal, progress: output.progress };
      const evaluation = await work.evaluation();
      const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
      const measurement = await measure(evaluation, graph, plan.tolerances, options);
      const { verdicts } = await withNoiseFloor(evaluation, graph, measurement, draws, options);
      if (form === 'text') printVerdicts(measurement, verdicts, output);
      const findings = toleranceFindings(plan, verdicts);
      writeDiagnostics(form, placeDiagnostics(loaded.path, loaded.text, findings), output);
      // A tolerance that is mistyped is left out, and what is left out must not pass for what holds.
      const errors = errorsOf(plan);
      const holds = measurement.holds && errors === 0;
      if (errors > 0)
        output.problem(`the plan has ${errors === 1 ? 'an error' : `${errors} errors`}, so it does not hold`);
      output.document({
        holds,
        samples: work.samples.length,
        mode: 'emulated',
        tolerances: toleranceDocuments(verdicts),
        outputs: measurement.outputs.map(({ name, worst }) => ({ name, ...worst })),
      });
      return holds ? EXIT.holds : EXIT.short;
    });
  },
};

function printVerdicts(
  { outputs }: Measurement,
  verdicts: readonly ToleranceVerdict[],
  output: Output,
): void {
  for (const line of outputTable(outputs)) output.line(line);
  output.line();
  if (verdicts.length === 0) output.line('the plan states no tolerance, so there is nothing that could fail');
  else for (const line of toleranceTable(verdicts)) output.line(line);
}

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
