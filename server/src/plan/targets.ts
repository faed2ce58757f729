/**
 * Where the model will run and what the tuner gains: `target`, `objective`, `accumulate`, and the statements that are
 * understood and not yet analysed. Knows no model.
 */
import type { Accumulation } from '../formats/index.js';
import { findOption, OBJECTIVES, TARGETS, type Diagnostic } from '../language/index.js';
import { diagnosticIn, type Placed } from './documents.js';
import { readAccumulation } from './numerics.js';
import type { PlanTarget } from './types.js';
import { listOf } from './wording.js';

export interface BoundTargets {
  /** At least one: `cpu` where the plan names none. */
  readonly targets: readonly PlanTarget[];
  readonly objective: string | undefined;
  /** In what the layers of a low format add up. */
  readonly accumulate: Accumulation | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function bindTargets(
  placed: readonly Placed[],
  available: readonly string[] | undefined,
): BoundTargets {
  const diagnostics: Diagnostic[] = [];
  const targets = new Map<string, PlanTarget>();
  let objective: string | undefined;
  let accumulate: Accumulation | undefined;
  for (const item of placed) {
    const { statement, file } = item;
    if (statement.kind === 'target') {
      const name = statement.name;
      if (!name || targets.has(name.text) || !TARGETS.some((target) => target.name === name.text)) {
        continue;
      }
      const threads = findOption(statement, 'threads')?.value;
      const count = threads?.kind === 'number' && Number.isSafeInteger(threads.value) && threads.value >= 1;
      targets.set(name.text, { name: name.text, threads: count ? threads.value : undefined });
      if (available && !available.includes(name.text)) {
        const offered = available.length === 0 ? 'none' : `only ${listOf(available, 'and')}`;
        const message = `This machine does not offer \`${name.text}\` (it offers ${offered}): nothing can be measured there.`;
        diagnostics.push(diagnosticIn(file, 'target-unavailable', 'warning', name.range, message));
      } else if (name.text !== 'cpu') {
        const message = `Latencies shown while you type are those of \`cpu\`; \`bench\` and \`verify --executed\` run on \`${name.text}\`.`;
        diagnostics.push(diagnosticIn(file, 'not-yet-analysed', 'information', name.range, message));
      }
    } else if (statement.kind === 'objective') {
      const known = OBJECTIVES.some((term) => term.name === statement.name?.text);
      objective ??= known ? statement.name?.text : undefined;
    } else if (statement.kind === 'accumulate') {
      accumulate = readAccumulation(statement.value) ?? accumulate;
    } else {
      diagnostics.push(...postponedStatement(item));
    }
  }
  if (targets.size === 0) {
    targets.set('cpu', { name: 'cpu', threads: undefined });
  }
  return { targets: [...targets.values()], objective, accumulate, diagnostics };
}

/** Statements that are part of the language and have no effect yet say so, each at its place. */
function postponedStatement({ statement, file }: Placed): readonly Diagnostic[] {
  const postponed = (message: string): readonly Diagnostic[] => [
    diagnosticIn(file, 'not-yet-analysed', 'information', statement.range, message),
  ];
  switch (statement.kind) {
    case 'latency':
      return postponed('Latencies taken elsewhere are not yet read: the product measures its own.');
    case 'metric':
      return postponed('Metrics of your own are not yet run: tolerances that use this one are left out.');
    case 'labels':
      return postponed('Labels are not yet read: there is no metric of your own to give them to.');
    default:
      return [];
  }
}
