/**
 * `onnxPrecision.server.convert` [uri, outputPath?, { overwrite }?]: writes the mixed-precision model to a new file and, where
 * models are run, loads and runs it to prove that it works. The original is never written over, another model only with
 * `overwrite: true`, and never external data that is not that other model's.
 */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { formatSize } from '../../report/index.js';
import {
  exportModel,
  exportNeedsSamples,
  exportPlan,
  type ExportedModel,
  isRefused,
  openWork,
  type Refused,
  removeStaleSession,
  runExported,
} from '../../work/index.js';
import { pathOfUri, uriOfPath } from '../document-path.js';
import type { CommandCall, ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { type CommandOutcome, outcomeOf } from './outcome.js';
import { isTarget, type PlanTarget, planTarget, refusePlanErrors } from './plan-target.js';
import type { ProgressWork } from './with-progress.js';
import { workCommand } from './work-command.js';

export interface ConvertResult {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** How many layers have each format. */
  readonly layers: Readonly<Record<string, number>>;
  readonly casts: number;
  /** `code: message` of each warning of the conversion. */
  readonly warnings: readonly string[];
  /** Whether the written model loads, keeps its signature and runs on every sample; null where that was not tried. */
  readonly runs: boolean | null;
}

export function convertCommand(context: CommandContext): ServerCommand {
  return workCommand<ConvertResult>(
    {
      name: 'convert',
      title: 'Converting',
      run: async (call, work) => {
        const target = await planTarget(call);
        if (!isTarget(target)) return target;
        const output = outputOf(call, target);
        const unfit = refusePlanErrors(target.plan);
        if (unfit !== undefined) return unfit;
        const replaces = isOverwrite(call.words[1]) ? 'model' : 'nothing';
        const exported = await writeModel(context, target, output, work, replaces);
        if (isRefused(exported)) return outcomeOf(exported.problem);
        const stale = await removeStaleSession(output, work.signal);
        return outcomeOfExported(exported, await proofOf(context, target, output, work), stale);
      },
    },
    context,
  );
}

/** Writes the model; where integer formats need scales, from what runs over the samples. */
async function writeModel(
  context: CommandContext,
  { plan }: PlanTarget,
  output: string,
  { signal, progress }: ProgressWork,
  replaces: 'model' | 'nothing',
): Promise<ExportedModel | Refused> {
  if (context.parts.runsInference && (await exportNeedsSamples(plan))) {
    const { store } = context;
    const written = await context.compute(signal, async (runtime) => {
      const work = await openWork(plan, { runtime, signal, progress, store });
      return isRefused(work) ? work : await exportPlan(work, output, { replaces });
    });
    if (written !== undefined) return written;
  }
  return await exportModel(plan, plan.decisions, output, { signal, replaces });
}

/** Where to: what the editor says, otherwise beside the model. */
function outputOf({ words: [output] }: CommandCall, { plan: { modelPath } }: PlanTarget): string {
  return typeof output === 'string' ? resolve(pathOfUri(output) ?? output) : usualOutput(modelPath);
}

/** Where the model goes that a plan is converted to, if nothing else is said. */
export function usualOutput(modelPath: string): string {
  const extension = extname(modelPath);
  return join(dirname(modelPath), `${basename(modelPath, extension)}_mixed${extension || '.onnx'}`);
}

function isOverwrite(options: unknown): boolean {
  return (
    typeof options === 'object' && options !== null && 'overwrite' in options && options.overwrite === true
  );
}

interface Proof {
  readonly runs: boolean | null;
  /** To be said after what was written. */
  readonly sentence: string;
}

/** Runs what was written. That it could not be tried is said, and takes nothing back. */
async function proofOf(
  context: CommandContext,
  { plan }: PlanTarget,
  path: string,
  { signal, progress }: ProgressWork,
): Promise<Proof> {
  if (!context.parts.runsInference) {
    return { runs: null, sentence: 'it was not run, since this workspace is not trusted' };
  }
  const { store } = context;
  const proof = await context.compute(signal, async (runtime): Promise<Proof> => {
    const work = await openWork(plan, { runtime, signal, progress, store });
    const ran = isRefused(work) ? work : await runExported(work, path);
    if (isRefused(ran)) {
      const { kind, message } = ran.problem;
      if (kind === 'cancelled') return NOT_WAITED_FOR;
      return { runs: kind === 'runtime' ? false : null, sentence: `it was not run: ${message}` };
    }
    if (ran.wrong !== undefined) return { runs: false, sentence: `it does not fit: ${ran.wrong}` };
    return {
      runs: true,
      sentence: ['it loads, runs and keeps its signature', ...ran.ran.sentences, ...ran.notes].join('; '),
    };
  });
  return proof ?? NOT_WAITED_FOR;
}

const NOT_WAITED_FOR: Proof = { runs: null, sentence: 'whether it runs was not waited for' };

function outcomeOfExported(
  { path, bytes, externalBytes, layers, casts, warnings }: ExportedModel,
  { runs, sentence }: Proof,
  stale: string | undefined,
): CommandOutcome<ConvertResult> {
  const counts = Object.entries(layers).map(([format, count]) => `${count} ${format}`);
  const size = formatSize(bytes + externalBytes);
  const said = [
    `wrote ${basename(path)} (${size}, layers ${counts.join(', ')}, ${casts} casts)`,
    sentence,
    ...warnings.map(({ message }) => message),
    ...(stale === undefined ? [] : [stale]),
  ];
  return {
    status: 'done',
    severity: runs === true && warnings.length === 0 ? 'information' : 'warning',
    // Some are sentences.
    message: said.map((one) => one.replace(/\.$/, '')).join('; '),
    written: uriOfPath(path),
    result: {
      path,
      bytes: bytes + externalBytes,
      layers,
      casts,
      warnings: warnings.map(({ code, message }) => `${code}: ${message}`),
      runs,
    },
  };
}
