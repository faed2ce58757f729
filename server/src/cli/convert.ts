/** `convert PLAN -o OUT.onnx [--verify]`: writes the mixed-precision model. */
import { basename, relative, resolve } from 'node:path';
import { formatSize } from '../report/index.js';
import {
  exportModel,
  exportNeedsSamples,
  exportPlan,
  refuseErrors,
  removeStaleSession,
  runExported,
  tuneExportedSession,
  USUAL_TUNING_RUNS,
  type RanExported,
  type TunedSession,
  type Work,
} from '../work/index.js';
import { sayChosenTarget } from './chosen-target.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import { warnElsewhere } from './ran-elsewhere.js';
import type { Subcommand } from './subcommand.js';
import { resultOf } from './work-failure.js';
import { withWork } from './work.js';

export const convert: Subcommand = {
  specification: {
    name: 'convert',
    arguments: 'PLAN',
    count: [1, 1],
    summary: 'Writes the mixed-precision model: type-checked first, then written to a new file and renamed.',
    shared: ['output', 'target', 'threads'],
    options: {
      output: { type: 'string', short: 'o', value: 'OUT.onnx', help: 'the model to write' },
      'external-data': { type: 'boolean', help: 'write the weights to a file beside the model' },
      verify: { type: 'boolean', help: 'load and run what was written on every sample' },
      'tune-session': {
        type: 'boolean',
        help: 'find the fastest threads, optimisation level and options of the provider; they go to OUT.onnx.session.json',
      },
      runs: {
        type: 'string',
        value: 'N',
        help: `with --tune-session: timed runs of what is compared in the end (default ${USUAL_TUNING_RUNS})`,
      },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed, output, signal } = context;
    const target = parsed.text('output');
    if (target === undefined) throw usage('convert wants -o OUT.onnx');
    const goWith = {
      target: ['verify', 'tune-session'],
      threads: ['verify'],
      runs: ['tune-session'],
    } as const;
    for (const option of ['target', 'threads', 'runs'] as const) {
      if (parsed.text(option) === undefined || goWith[option].some((flag) => parsed.flag(flag))) continue;
      const flags = goWith[option].map((flag) => `--${flag}`).join(' or ');
      throw usage(`--${option} says how the written model is run, and goes with ${flags}`);
    }
    const timedRuns = parsed.integer('runs', USUAL_TUNING_RUNS);
    const loaded = loadPlan(parsed.positionals[0] ?? '');
    const plan = needModel(loaded, output);
    const unfit = refuseErrors(plan);
    if (unfit !== undefined) resultOf(unfit, loaded);
    const externalData = parsed.flag('external-data');
    const path = resolve(target);
    const exported = resultOf(
      (await exportNeedsSamples(plan))
        ? await withWork(loaded, plan, context, (work) => exportPlan(work, path, { externalData }))
        : await exportModel(plan, plan.decisions, path, { signal, externalData }),
      loaded,
    );
    const stale = await removeStaleSession(exported.path, signal);
    if (parsed.flag('verify') || parsed.flag('tune-session')) sayChosenTarget(plan, context);
    const verified = parsed.flag('verify')
      ? await withWork(loaded, plan, context, (work) => runs(work, exported.path, output))
      : null;
    const session = parsed.flag('tune-session')
      ? await withWork(loaded, plan, context, async (work) =>
          resultOf(await tuneExportedSession(work, exported.path, { runs: timedRuns })),
        )
      : null;
    warnElsewhere([...(verified?.ran.sentences ?? []), ...(session?.ran.sentences ?? [])], output);
    for (const warning of exported.warnings) output.problem(`warning ${warning.code}: ${warning.message}`);
    const layers = Object.entries(exported.layers).map(([format, count]) => `${count} ${format}`);
    output.line(
      `wrote ${relative(process.cwd(), exported.path)}: ${formatSize(exported.bytes)}, layers ${layers.join(', ')}, ` +
        `${exported.casts} casts${verified?.runs === true ? '; it loads, runs and keeps its signature' : ''}`,
    );
    if (session === null && stale !== undefined) output.note(stale);
    if (session !== null) printSession(session, output);
    output.document({
      output: exported.path,
      bytes: exported.bytes,
      layers: exported.layers,
      casts: exported.casts,
      warnings: exported.warnings.map((warning) => `${warning.code}: ${warning.message}`),
      verified: verified?.runs ?? null,
      elsewhere: (verified ?? session)?.ran.elsewhere ?? null,
      session:
        session === null
          ? null
          : { path: session.path, ...session.tuning, session: session.tuning.session ?? null },
    });
    return verified?.runs === false ? EXIT.short : EXIT.holds;
  },
};

function printSession({ path, sentences, tuning: { notes } }: TunedSession, output: Output): void {
  for (const sentence of sentences) output.line(sentence);
  output.line(`written to ${basename(path)}`);
  for (const note of notes) output.note(note);
}

function usage(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, 'usage', message);
}

/** Runs what was written and tells what is wrong with it. */
async function runs(work: Work, path: string, output: Output): Promise<RanExported> {
  const ran = resultOf(await runExported(work, path));
  for (const note of ran.notes) output.note(note);
  if (ran.wrong !== undefined) output.problem(`error signature: ${ran.wrong}`);
  return ran;
}
