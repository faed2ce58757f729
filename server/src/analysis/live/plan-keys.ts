/**
 * What decides whether the work on a plan has to be done again: short texts that are equal where nothing has changed that
 * matters. Asked at every keystroke, with thousands of decisions.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { errorsAmong } from '../../language/index.js';
import type { BoundPlan } from '../../plan/index.js';
import { neededLabels } from '../samples/index.js';
import { decisionsText } from '../measurement/known-verdict.js';

export interface PlanKeys {
  /** The model and what feeds it. */
  readonly samples: string;
  /** What was measured of the tolerances: decisions, and tolerances without their limits. */
  readonly verdict: string;
  /** What is converted and timed. */
  readonly latency: string;
  /** Everything that starts work. */
  readonly job: string;
}

const known = new WeakMap<BoundPlan, PlanKeys>();
const modelNumbers = new WeakMap<object, number>();
let modelsSeen = 0;

/** The number of an open model; the same file opened again is another model. */
export function modelNumber(model: object): number {
  let number = modelNumbers.get(model);
  if (number === undefined) modelNumbers.set(model, (number = modelsSeen += 1));
  return number;
}

/** The same of a profile: it is the same object while its file stays the same. */
const profileNumber = modelNumber;

/** The keys of a plan; equal only within one run of the program. */
export function planKeys(plan: BoundPlan): PlanKeys {
  let keys = known.get(plan);
  if (keys === undefined) known.set(plan, (keys = makeKeys(plan)));
  return keys;
}

function makeKeys(plan: BoundPlan): PlanKeys {
  // Where an input is written does not matter, everything else about it does.
  const inputs = JSON.stringify(plan.inputs, (name, value: unknown) =>
    name === 'statement' ? undefined : value,
  );
  const labels = neededLabels(plan) ?? '';
  const samples = digest([modelNumber(plan.model), dirname(plan.path), inputs, labels]);
  const decisions = decisionsText(plan.decisions);
  const figures = plan.tolerances.map(({ output, metric, over }) => ({ output, metric, over }));
  const limits = plan.tolerances.map(({ operator, limit }) => [operator, String(limit)]);
  const verdict = digest([samples, decisions, JSON.stringify(figures)]);
  const sources = (plan.latencySources ?? []).map(({ profile, format }) => [profileNumber(profile), format]);
  const origin = [plan.targets, sources, plan.unreadLatencies ?? []];
  const latency = digest([samples, decisions, JSON.stringify(origin)]);
  const job = digest([verdict, latency, JSON.stringify(limits), errorsAmong(plan.diagnostics).length > 0]);
  return { samples, verdict, latency, job };
}

function digest(parts: readonly (string | number | boolean)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64');
}
