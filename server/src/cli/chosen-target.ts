/** Which of a plan's targets a command takes that takes one. */
import type { BoundPlan } from '../plan/index.js';
import type { SubcommandContext } from './subcommand.js';

/** Says which target is taken where a plan has several and none is asked for, and how to ask. */
export function sayChosenTarget(
  { targets }: Pick<BoundPlan, 'targets'>,
  { parsed, output }: Pick<SubcommandContext, 'parsed' | 'output'>,
): void {
  const [first, second, ...more] = targets.map(({ name }) => name);
  if (first === undefined || second === undefined || parsed.text('target') !== undefined) return;
  const others = [second, ...more].map((name) => `--target ${name}`).join(' or ');
  output.note(`on ${first}, the first target of the plan; ${others} takes another`);
}
