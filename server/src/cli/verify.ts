/**
 * `verify PLAN [--executed] [--model OUT.onnx]`: every tolerance, measured over all samples with its noise floor: by emulation,
 * or by running the exported model on the target.
 */
import { placementNotes, toleranceFindings, USUAL_DRAWS, type OutputMeasurement } from '../analysis/index.js';
import { accumulationReason, accumulationWords } from '../plan/index.js';
import { outputFigures } from '../report/index.js';
import { verifyExecuted, verifyPlan, type VerifiedPlan, type Work } from '../work/index.js';
import { diagnosticForm, writeDiagnostics } from './diagnostic-form.js';
import { placeDiagnostics } from './diagnostics.js';
import { executedDocument, executedTables, suspiciousSentences } from './executed-tables.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, type LoadedPlan } from './load.js';
import type { Output } from './output.js';
import type { Subcommand, SubcommandContext } from './subcommand.js';
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
    shared: ['output', 'cache', 'target', 'threads'],
    options: {
      executed: { type: 'boolean', help: 'run the exported model on the target instead of emulating it' },
      model: {
        type: 'string',
        value: 'OUT.onnx',
        help: 'with --executed: this model, which the plan was converted to',
      },
      draws: {
        type: 'string',
        value: 'N',
        help: `invisible changes of the input for the noise floor (default ${USUAL_DRAWS})`,
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
    if (parsed.text('model') !== undefined && !parsed.flag('executed')) {
      throw new CommandFailure(EXIT.usage, 'usage', '--model names what is run, and goes with --executed');
    }
    if (parsed.text('threads') !== undefined && !parsed.flag('executed')) {
      throw new CommandFailure(EXIT.usage, 'usage', '--threads says how it is run, and goes with --executed');
    }
    return withWork(loaded, plan, context, async (work) => {
      // How a target adds up is part of the work's plan.
      const accumulation = accumulationWords(work.plan.decisions);
      const verified = parsed.flag('executed')
        ? await verifyOnTarget(work, context, draws, loaded)
        : {
            ...resultOf(await verifyPlan(work, { draws }), loaded),
            tables: [],
            document: { mode: 'emulated', accumulation, sums: accumulationReason(work.plan) },
          };
      const { holds, errors, verdicts, outputs, findings, sessions, inferences, document } = verified;
      if (form === 'text') printVerdicts(verified, output);
      const sums = accumulationReason(work.plan);
      if (!parsed.flag('executed') && sums !== 'fp32') output.line(`sums were added up in ${sums}`);
      writeDiagnostics(form, placeDiagnostics(loaded.path, loaded.text, findings), output);
      if (errors > 0)
        output.problem(`the plan has ${errors === 1 ? 'an error' : `${errors} errors`}, so it does not hold`);
      output.document({
        holds,
        samples: work.samples.length,
        sessions,
        inferences,
        tolerances: toleranceDocuments(verdicts),
        outputs: outputs.map(({ name, worst }) => ({ name, ...worst })),
        ...document,
      });
      return holds ? EXIT.holds : EXIT.short;
    });
  },
};

type Verified = VerifiedPlan & { readonly tables: readonly string[]; readonly document: object };

/** What the two ways of verifying have in common, and what this one's document says beside it. */
async function verifyOnTarget(
  work: Work,
  { parsed, output }: SubcommandContext,
  draws: number,
  loaded: LoadedPlan,
): Promise<Verified> {
  const exported = parsed.text('model');
  const verified = resultOf(await verifyExecuted(work, { draws, exported }), loaded);
  const { placement, notes, measurement, verdicts } = verified;
  for (const note of [...notes, ...placementNotes(placement, work.target)]) output.note(note);
  const others = loaded.plan.model === undefined ? [] : loaded.plan.targets.map(({ name }) => name);
  for (const name of parsed.text('target') === undefined ? others : []) {
    if (name !== work.target)
      output.note(`this was ${work.target}; the plan must hold on ${name} as well: --target ${name}`);
  }
  for (const sentence of suspiciousSentences(verified, work.target)) output.note(sentence);
  return {
    ...verified,
    outputs: measurement.outputs,
    findings: toleranceFindings(work.plan, verdicts, 'executed'),
    tables: executedTables(verified, work.target),
    document: executedDocument(verified, work.target),
  };
}

function printVerdicts({ outputs, verdicts, tables }: Verified, output: Output): void {
  for (const line of outputTable(outputs)) output.line(line);
  output.line();
  for (const line of tables) output.line(line);
  if (tables.length > 0) output.line();
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
