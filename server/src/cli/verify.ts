/**
 * `verify PLAN [--executed] [--model OUT.onnx]`: every tolerance, measured over all samples with its noise floor: by emulation,
 * or by running the exported model on each of the plan's targets.
 */
import { placementNotes, toleranceFindings, USUAL_DRAWS, type OutputMeasurement } from '../analysis/index.js';
import { accumulationReason, accumulationWords, type BoundPlan } from '../plan/index.js';
import { outputFigures } from '../report/index.js';
import { missingAmong, verifyExecuted, verifyPlan, type VerifiedPlan, type Work } from '../work/index.js';
import { diagnosticForm, writeDiagnostics } from './diagnostic-form.js';
import { placeDiagnostics } from './diagnostics.js';
import { executedDocument, executedTables, suspiciousSentences } from './executed-tables.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, type LoadedPlan } from './load.js';
import type { Output } from './output.js';
import { warnElsewhere } from './ran-elsewhere.js';
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
      executed: {
        type: 'boolean',
        help: 'run the exported model on each target of the plan instead of emulating it',
      },
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
    const isExecuted = parsed.flag('executed');
    const found: Verified[] = [];
    const targets = isExecuted ? executedTargets(plan, parsed) : [parsed.text('target')];
    const later = targets.slice(1).filter((target) => target !== undefined);
    for (const target of targets) {
      const verified = await withWork(
        loaded,
        plan,
        context,
        async (work) => {
          if (!isExecuted) return await verifyByEmulation(work, draws, loaded);
          // That this machine lacks one is said before another has been run for minutes.
          const missing = found.length === 0 ? await missingAmong(work, plan, later) : undefined;
          if (missing !== undefined) resultOf(missing, loaded);
          return await verifyOnTarget(work, context, draws, loaded);
        },
        { target, isAgain: found.length > 0 },
      );
      if (form === 'text') {
        if (found.length > 0) output.line();
        if (targets.length > 1)
          output.line(`target ${target ?? ''}: ${verified.holds ? 'holds' : 'does not hold'}`);
        printVerdicts(verified, output);
      }
      found.push(verified);
    }
    const findings = found.flatMap((one) => one.findings);
    writeDiagnostics(form, placeDiagnostics(loaded.path, loaded.text, findings), output);
    const errors = found[0]?.errors ?? 0;
    if (errors > 0)
      output.problem(`the plan has ${errors === 1 ? 'an error' : `${errors} errors`}, so it does not hold`);
    const holds = found.every((one) => one.holds);
    const sum = (of: (one: Verified) => number): number => found.reduce((total, one) => total + of(one), 0);
    const [first, ...others] = found.map((one) => documentOf(one));
    output.document({
      holds,
      samples: found[0]?.samples ?? 0,
      sessions: sum((one) => one.sessions),
      inferences: sum((one) => one.inferences),
      ...first,
      ...(isExecuted ? { others: others.map((one, at) => ({ holds: found[at + 1]?.holds, ...one })) } : {}),
    });
    return holds ? EXIT.holds : EXIT.short;
  },
};

type Verified = VerifiedPlan & {
  readonly samples: number;
  readonly tables: readonly string[];
  /** The last line of the text. */
  readonly remark: string | undefined;
  /** What the document says beside what it says of any verification. */
  readonly document: object;
};

/** The target that is asked for, or all that the plan must hold on. */
function executedTargets({ targets }: BoundPlan, parsed: SubcommandContext['parsed']): readonly string[] {
  const wanted = parsed.text('target');
  return wanted === undefined ? targets.map(({ name }) => name) : [wanted];
}

function documentOf({ verdicts, outputs, document }: Verified): object {
  return {
    tolerances: toleranceDocuments(verdicts),
    outputs: outputs.map(({ name, worst }) => ({ name, ...worst })),
    ...document,
  };
}

async function verifyByEmulation(work: Work, draws: number, loaded: LoadedPlan): Promise<Verified> {
  const sums = accumulationReason(work.plan);
  return {
    ...resultOf(await verifyPlan(work, { draws }), loaded),
    samples: work.samples.length,
    tables: [],
    remark: sums === 'fp32' ? undefined : `sums were added up in ${sums}`,
    // How a target adds up is part of the work's plan.
    document: { mode: 'emulated', accumulation: accumulationWords(work.plan.decisions), sums },
  };
}

async function verifyOnTarget(
  work: Work,
  { parsed, output }: SubcommandContext,
  draws: number,
  loaded: LoadedPlan,
): Promise<Verified> {
  const exported = parsed.text('model');
  const verified = resultOf(await verifyExecuted(work, { draws, exported }), loaded);
  const { placement, notes, measurement, verdicts } = verified;
  for (const note of notes) output.note(note);
  if (verified.unlike !== undefined) output.problem(`warning not-the-conversion: ${verified.unlike}`);
  warnElsewhere(placementNotes(placement, work.target), output);
  for (const sentence of suspiciousSentences(verified, work.target)) output.note(sentence);
  return {
    ...verified,
    samples: work.samples.length,
    outputs: measurement.outputs,
    findings: toleranceFindings(work.plan, verdicts, work.target),
    tables: executedTables(verified, work.target),
    remark: undefined,
    document: executedDocument(verified, work.target),
  };
}

function printVerdicts({ outputs, verdicts, tables, remark }: Verified, output: Output): void {
  for (const line of outputTable(outputs)) output.line(line);
  output.line();
  for (const line of tables) output.line(line);
  if (tables.length > 0) output.line();
  if (verdicts.length === 0) output.line('the plan states no tolerance, so there is nothing that could fail');
  else for (const line of toleranceTable(verdicts)) output.line(line);
  if (remark !== undefined) output.line(remark);
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
