/**
 * Where the model will run and what the tuner gains: `target`, `objective`, `accumulate`, and the statements that are
 * understood and not yet analysed. Knows no model.
 */
import type { Accumulation } from '../../formats/index.js';
import {
  findOption,
  MOST_THREADS,
  OBJECTIVES,
  providerOptions,
  TARGETS,
  type Diagnostic,
  type Fix,
  type TargetStatement,
  type TextRange,
  type Value,
  type ValueShape,
  type Word,
} from '../../language/index.js';
import { diagnosticIn, type Placed } from '../text/documents.js';
import { readAccumulation } from '../roundings/numerics.js';
import type { PlanFiles, PlanTarget } from '../types.js';

export interface BoundTargets {
  /** At least one: `cpu` where the plan names none. */
  readonly targets: readonly PlanTarget[];
  readonly objective: string | undefined;
  /** In what the layers of a low format add up. */
  readonly accumulate: Accumulation | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function bindTargets(placed: readonly Placed[], findTarget: PlanFiles['findTarget']): BoundTargets {
  const diagnostics: Diagnostic[] = [];
  const targets = new Map<string, PlanTarget>();
  const shown: { readonly name: string; readonly file: Placed['file']; readonly range: TextRange }[] = [];
  let objective: string | undefined;
  let accumulate: Accumulation | undefined;
  for (const item of placed) {
    const { statement, file } = item;
    if (statement.kind === 'target') {
      const name = statement.name;
      if (!name || targets.has(name.text) || !TARGETS.some((target) => target.name === name.text)) {
        continue;
      }
      const target = targetOf(statement, name.text);
      targets.set(name.text, target);
      const found = findTarget?.(target);
      if (found?.usable === false) {
        const message = [found.summary, found.advice].filter(Boolean).join(' ');
        const problem = diagnosticIn(file, 'target-unavailable', 'warning', name.range, message);
        const taken = new Set(placed.flatMap((one) => targetName(one) ?? []));
        diagnostics.push({ ...problem, fixes: usableInstead(statement, name, findTarget, taken) });
      } else {
        shown.push({ name: name.text, file, range: name.range });
      }
    } else if (statement.kind === 'objective') {
      const known = OBJECTIVES.some((term) => term.name === statement.name?.text);
      objective ??= known ? statement.name?.text : undefined;
    } else if (statement.kind === 'accumulate') {
      accumulate = readAccumulation(statement.value) ?? accumulate;
    }
  }
  if (!placed.some((one) => one.statement.kind === 'latency')) {
    const timed = timedTarget([...targets.values()]);
    for (const { name, file, range } of shown) {
      if (name === timed) continue;
      const message = `Latencies shown while you type are those of \`${timed}\`; \`bench\` and \`verify --executed\` run on \`${name}\`.`;
      diagnostics.push(diagnosticIn(file, 'not-yet-analysed', 'information', range, message));
    }
  }
  if (targets.size === 0) {
    targets.set('cpu', { name: 'cpu', threads: undefined, isAssumed: true });
  }
  return { targets: [...targets.values()], objective, accumulate, diagnostics };
}

/** The target on which an editor times layers: the first of those whose profiles tell how long a layer took, or else the CPU. */
export function timedTarget(targets: readonly Pick<PlanTarget, 'name'>[]): 'cpu' | 'webgpu' {
  return targets.find(({ name }) => name === 'cpu' || name === 'webgpu')?.name === 'webgpu'
    ? 'webgpu'
    : 'cpu';
}

function targetName({ statement }: Placed): string | undefined {
  return statement.kind === 'target' ? statement.name?.text : undefined;
}

/** What the statement says, without what its diagnostics say is wrong. */
function targetOf(statement: TargetStatement, name: string): PlanTarget {
  const options = providerOptions(name).flatMap(({ name: option, value: shape }) => {
    const read = readOption(findOption(statement, option)?.value, shape);
    return read === undefined ? [] : [[option, read] as const];
  });
  return {
    name,
    threads: threadsOf(statement),
    ...(options.length === 0 ? {} : { options: Object.fromEntries(options) }),
  };
}

function threadsOf(statement: TargetStatement): number | undefined {
  const threads = findOption(statement, 'threads')?.value;
  const counts =
    threads?.kind === 'number' &&
    Number.isSafeInteger(threads.value) &&
    threads.value >= 1 &&
    threads.value <= MOST_THREADS;
  return counts ? threads.value : undefined;
}

/** Undefined for a value that the option does not take, which the text's diagnostics say. */
function readOption(
  value: Value | undefined,
  shape: ValueShape,
): string | number | boolean | readonly string[] | undefined {
  switch (value?.kind) {
    case 'word': {
      const { text } = value;
      if (shape.kind !== 'choice' || !shape.words.includes(text)) return undefined;
      return text === 'true' || text === 'false' ? text === 'true' : text;
    }
    case 'number':
      return shape.kind === 'integer' &&
        Number.isSafeInteger(value.value) &&
        value.value >= (shape.least ?? 0) &&
        value.value <= (shape.most ?? Infinity)
        ? value.value
        : undefined;
    case 'list': {
      if (shape.kind !== 'strings') return undefined;
      const texts = value.items.flatMap((item) => (item.kind === 'string' ? [item.value] : []));
      return texts.length === value.items.length ? texts : undefined;
    }
    default:
      return undefined;
  }
}

/** The targets that this machine has, in place of one that it has not; options of that one's provider go with it. */
function usableInstead(
  statement: TargetStatement,
  { range: { start } }: Word,
  findTarget: PlanFiles['findTarget'],
  taken: ReadonlySet<string>,
): readonly Fix[] {
  const threads = threadsOf(statement);
  const kept = threads === undefined ? '' : ` { threads: ${threads} }`;
  return TARGETS.flatMap(({ name }): Fix[] => {
    if (taken.has(name) || findTarget?.({ name, threads: undefined })?.usable !== true) return [];
    const edit = { range: { start, end: statement.range.end }, newText: `${name}${kept}` };
    return [{ title: `Target \`${name}\`, which this machine has`, edits: [edit] }];
  });
}
