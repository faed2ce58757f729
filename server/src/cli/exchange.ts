/**
 * `exchange PLAN --to KIND` and `exchange PLAN --from KIND FILE`: a plan's decisions in the language of another tool, and back. In
 * place of the plan a model may stand: a plan that decides nothing yet.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import {
  EXCHANGE_KINDS,
  intoPlan,
  type ExchangeKind,
  type Imported,
  type ImportProblem,
  type Loss,
} from '../exchange/index.js';
import { nearest, parse, quote } from '../language/index.js';
import { openModel } from '../onnx/index.js';
import { bindPlan, type TracedPlan } from '../plan/index.js';
import { editFile, refuseErrors, replaceFile, usualPlanPath } from '../work/index.js';
import type { ParsedArguments } from './arguments.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan, needModel, type LoadedPlan } from './load.js';
import { lockPlan } from './lock-plan.js';
import type { Output } from './output.js';
import { diskFiles } from './plan-files.js';
import type { Subcommand, SubcommandContext } from './subcommand.js';
import { resultOf } from './work-failure.js';

const KINDS = EXCHANGE_KINDS.map(({ name }) => name).join('|');

export const exchange: Subcommand = {
  specification: {
    name: 'exchange',
    arguments: 'PLAN [FILE]',
    count: [1, 2],
    summary: [
      'Writes the decisions of a plan for another tool (--to KIND), or reads them from what another tool has (--from KIND FILE).',
      'In place of PLAN a model may stand. What the other side cannot say is a warning.',
      '',
      ...EXCHANGE_KINDS.map(({ name, summary }) => `  ${name.padEnd(22)}${summary}`),
    ].join('\n'),
    shared: ['output'],
    options: {
      to: { type: 'string', value: 'KIND', help: 'write for this tool, to standard output or to -o' },
      from: {
        type: 'string',
        value: 'KIND',
        help: 'read FILE of this tool, and print the plan with its decisions',
      },
      output: { type: 'string', short: 'o', value: 'FILE', help: 'the file to write: a new one for a plan' },
      write: { type: 'boolean', help: 'with --from: edit the plan file' },
    },
  },
  run: async (context): Promise<ExitStatus> => {
    const { parsed } = context;
    const [to, from] = [parsed.text('to'), parsed.text('from')];
    if ((to === undefined) === (from === undefined))
      throw usage('exchange wants either --to KIND or --from KIND FILE');
    if (to !== undefined) return await writeTo(kindNamed('to', to), context);
    return await readFrom(kindNamed('from', from ?? ''), context);
  },
};

function usage(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, 'usage', message);
}

function kindNamed(option: string, name: string): ExchangeKind {
  const kind = EXCHANGE_KINDS.find((one) => one.name === name);
  if (kind !== undefined) return kind;
  const [closest] = nearest(
    name,
    EXCHANGE_KINDS.map((one) => one.name),
    1,
  );
  const hint = closest === undefined ? '' : `; the nearest is ${closest}`;
  throw usage(`--${option} is one of ${KINDS.replaceAll('|', ', ')}, not "${name}"${hint}`);
}

async function writeTo(kind: ExchangeKind, { parsed, output }: SubcommandContext): Promise<ExitStatus> {
  if (parsed.positionals.length > 1)
    throw usage('--to wants a plan and no further file; -o names the file to write');
  if (parsed.flag('write')) throw usage('--write goes with --from; -o names the file to write');
  if (kind.exported === undefined) throw usage(kind.instead ?? `${kind.name} can only be read`);
  const { plan, loaded } = load(parsed, undefined, output);
  resultOf(refuseErrors(plan) ?? {}, loaded);
  const { text, losses } = kind.exported(plan);
  warn(losses, output);
  const target = parsed.text('output');
  if (target === undefined) {
    if (!output.options.json) output.raw(text);
  } else {
    refuseOver(resolve(target), plan);
    resultOf(await replaceFile(resolve(target), text));
    output.line(`wrote ${target}`);
  }
  output.document(documentOf(kind, 'to', target, text, plan, losses));
  return EXIT.holds;
}

/** What another tool reads is never written over what we read. */
function refuseOver(target: string, plan: TracedPlan): void {
  if (target !== plan.path && target !== plan.modelPath && !target.toLowerCase().endsWith('.precision'))
    return;
  throw new CommandFailure(
    EXIT.usage,
    'cannot-write',
    'this is the name of a plan or of its model; choose another',
    target,
  );
}

async function readFrom(kind: ExchangeKind, { parsed, output }: SubcommandContext): Promise<ExitStatus> {
  const file = parsed.positionals[1];
  if (file === undefined) throw usage('--from wants a plan and the FILE to read');
  const target = parsed.text('output');
  if (target !== undefined && parsed.flag('write')) throw usage('--write and -o exclude each other');
  const { plan, loaded, isNew } = load(parsed, target, output);
  if (isNew && parsed.flag('write')) throw usage('--write wants a plan to edit; -o names the plan to write');
  resultOf(refuseErrors(plan) ?? {}, loaded);
  const imported = importedFrom(kind, plan, file);
  if ('problem' in imported) {
    throw new CommandFailure(EXIT.usage, 'not-understood', imported.problem, resolve(file));
  }
  const { text, losses } = intoPlan(loaded.tree, plan, imported);
  warn(losses, output);
  if (parsed.flag('write')) {
    const whole = { range: { start: 0, end: loaded.text.length }, newText: text };
    resultOf(await editFile(loaded, [whole]));
    output.line(`wrote ${parsed.positionals[0] ?? ''}`);
  } else if (target !== undefined) {
    if (existsSync(target))
      throw new CommandFailure(
        EXIT.usage,
        'exists',
        'this file exists; choose another with -o',
        resolve(target),
      );
    resultOf(await replaceFile(resolve(target), text));
    output.line(`wrote ${target}`);
  } else if (!output.options.json) {
    output.raw(text);
  }
  const named = parsed.flag('write') ? loaded.path : target;
  if (named !== undefined) await lockPlan(named);
  const bound = bindPlan({ path: loaded.path, tree: parse(text), files: diskFiles() });
  output.document(documentOf(kind, 'from', named, text, bound.model === undefined ? plan : bound, losses));
  return EXIT.holds;
}

interface Subject {
  readonly plan: TracedPlan;
  readonly loaded: LoadedPlan;
  /** A model was given, so the plan is in no file. */
  readonly isNew: boolean;
}

/** @param target where a plan for a model will lie. */
function load(parsed: ParsedArguments, target: string | undefined, output: Output): Subject {
  const path = parsed.positionals[0] ?? '';
  if (!/\.onnx$/i.test(path)) {
    const loaded = loadPlan(path);
    return { plan: needModel(loaded, output), loaded, isNew: false };
  }
  const planPath = target === undefined ? usualPlanPath(path) : resolve(target);
  const modelPath = relative(dirname(planPath), resolve(path)).replaceAll('\\', '/');
  const text = `model ${quote(modelPath === '' ? basename(path) : modelPath)}\n`;
  const tree = parse(text);
  const plan = bindPlan({ path: planPath, tree, files: diskFiles() });
  if (plan.model === undefined) {
    const problem = plan.diagnostics.find((one) => one.severity === 'error');
    throw new CommandFailure(
      EXIT.usage,
      problem?.code ?? 'model-unreadable',
      problem?.message ?? 'no model',
      path,
    );
  }
  return { plan, loaded: { path: planPath, text, tree, plan }, isNew: true };
}

function importedFrom(kind: ExchangeKind, plan: TracedPlan, file: string): Imported | ImportProblem {
  if (kind.imported.from === 'text') return kind.imported.read(plan, readText(file));
  const opened = openModel(resolve(file));
  if ('problem' in opened) {
    throw new CommandFailure(EXIT.usage, opened.problem.code, opened.problem.message, resolve(file));
  }
  try {
    return kind.imported.read(plan, opened.model);
  } finally {
    opened.model.source.close();
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(EXIT.usage, 'file-unreadable', message, resolve(file));
  }
}

function warn(losses: readonly Loss[], output: Output): void {
  for (const { code, message, layers } of losses) {
    const some = layers.slice(0, 3).map((name) => quote(name));
    const more = layers.length > some.length ? ' ...' : '';
    output.problem(`warning ${code}: ${message}${some.length === 0 ? '' : ` (${some.join(', ')}${more})`}`);
  }
}

function documentOf(
  kind: ExchangeKind,
  direction: 'to' | 'from',
  target: string | undefined,
  text: string,
  { decisions }: TracedPlan,
  losses: readonly Loss[],
): object {
  const layers: Record<string, number> = {};
  for (const { format } of decisions) layers[format] = (layers[format] ?? 0) + 1;
  return {
    kind: kind.name,
    direction,
    output: target === undefined ? null : resolve(target),
    text,
    layers,
    warnings: losses.map(({ code, message, layers: about }) => ({ code, message, layers: about })),
  };
}
