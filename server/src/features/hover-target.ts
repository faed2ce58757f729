/** What hovers say of a target: what it is, what this machine has of it, and how it was found to add up. Knows what was found; finds nothing. */
import { TARGETS } from '../language/index.js';
import { accumulationText } from '../plan/index.js';
import type { OpenPlan } from './open-plan.js';
import { type Block, bold, code, paragraph } from './rich-text.js';

/** Nothing for a name that is no target. */
export function describeTarget(name: string, { files, plan }: OpenPlan): readonly Block[] {
  const term = TARGETS.find((target) => target.name === name);
  if (term === undefined) return [];
  const blocks = [paragraph(bold(name), ': ', term.summary)];
  const stated = plan?.targets.find((target) => target.name === name);
  const found = files.findTarget(stated ?? { name, threads: undefined });
  if (found === undefined) return blocks;
  const here = found.usable ? 'On this machine' : 'Not on this machine';
  blocks.push(paragraph(bold(here), ': ', [found.summary, found.advice].filter(Boolean).join(' ')));
  const groups = new Map<string, string[]>();
  for (const [operator, accumulation] of found.sums) {
    const how = accumulationText(accumulation);
    groups.set(how, [...(groups.get(how) ?? []), operator]);
  }
  for (const [how, operators] of groups) {
    blocks.push(paragraph(bold('FP16 layers are added up'), ' in ', code(how), `: ${operators.join(', ')}.`));
  }
  return blocks;
}
