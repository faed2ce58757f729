/** `verify PLAN`: every tolerance, measured by emulation over all samples, with its noise floor. */
import type { OutputMeasurement } from '../analysis/index.js';
import { outputFigures } from '../report/index.js';
import { USUAL_DRAWS, verifyPlan, type VerifiedPlan } from '../work/index.js';
import { diagnosticForm, writeDiagnostics } from './diagnostic-form.js';
import { placeDiagnostics } from './diagnostics.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';
import { toleranceDocuments, toleranceTable } from './verdicts.js';
import { resultOf } from './work-failure.js';
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
    const { parsed, output } = context;
    const form = diagnosticForm(parsed);
    const draws = parsed.integer('draws', USUAL_DRAWS);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    return withWork(loaded, plan, context, async (work) => {
      const verified = resultOf(await verifyPlan(work, { draws }), loaded);
      const { holds, errors, verdicts, outputs, findings, sessions, inferences } = verified;
      if (form === 'text') printVerdicts(verified, output);
      writeDiagnostics(form, placeDiagnostics(loaded.path, loaded.text, findings), output);
      if (errors > 0)
        output.problem(`the plan has ${errors === 1 ? 'an error' : `${errors} errors`}, so it does not hold`);
      output.document({
        holds,
        samples: work.samples.length,
        mode: 'emulated',
        sessions,
        inferences,
        tolerances: toleranceDocuments(verdicts),
        outputs: outputs.map(({ name, worst }) => ({ name, ...worst })),
      });
      return holds ? EXIT.holds : EXIT.short;
    });
  },
};

function printVerdicts({ outputs, verdicts }: VerifiedPlan, output: Output): void {
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
    outputs.map(outputFigures),
  );
}
