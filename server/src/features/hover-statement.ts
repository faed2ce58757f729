/** What a statement says and, where it decides layers, what it does in this plan. */
import { numbersIn, plannedSensitivities, type PlanNumbers } from '../analysis/index.js';
import { STATEMENTS } from '../language/index.js';
import {
  accumulationReason,
  type BoundStatement,
  summarizeDecisions,
  writeOperatorType,
} from '../plan/index.js';
import { describeSum, describeTolerances } from './hover-measured.js';
import { countText } from './format-figures.js';
import { describeProfile } from './hover-profile.js';
import { listed } from './hover-terms.js';
import type { OpenPlan } from './open-plan.js';
import type { Part } from './parts.js';
import { type Block, bold, code, paragraph, table } from './rich-text.js';
import { decidedNames, statementNumbers } from './statement-effect.js';

export function describeStatement(
  { role, statement }: Part,
  { plan }: OpenPlan,
  numbers: PlanNumbers,
): readonly Block[] {
  const bound = plan?.statements.find((one) => one.statement === statement);
  const effect =
    bound === undefined || plan === undefined
      ? []
      : describeEffect(
          bound,
          plan.decisions,
          describeSum(decidedNames(plan, bound), statementNumbers(plan, bound, numbers)),
        );
  const term = STATEMENTS.find(({ kind }) => kind === statement.kind);
  if (role !== 'keyword' || term === undefined) return effect;
  const options = term.options.length === 0 ? [] : [paragraph('Options: ', ...listed(term.options), '.')];
  const set = plan?.tolerances.filter(({ source }) => source.range === statement.range) ?? [];
  const measured = describeTolerances(set, numbers, plan === undefined ? '' : accumulationReason(plan));
  const source = describeSource({ statement }, { plan });
  return [paragraph(code(term.form)), paragraph(term.summary), ...effect, ...source, ...measured, ...options];
}

/** What is in the file that the statement names, where it is a profile. */
export function describeSource(
  { statement }: Pick<Part, 'statement'>,
  { plan }: Pick<OpenPlan, 'plan'>,
): readonly Block[] {
  if (plan === undefined || statement.kind !== 'latency') return [];
  const named = plan.latencySources?.find(
    ({ source }) => source.path === plan.path && source.range === statement.file?.range,
  );
  return named === undefined ? [] : describeProfile(named, plan);
}

type Decisions = NonNullable<OpenPlan['plan']>['decisions'];

function describeEffect(
  { matches, decides }: BoundStatement,
  decisions: Decisions,
  measured: readonly Block[],
): readonly Block[] {
  if (matches.length === 0) return [paragraph('Matches no layer of the model.')];
  const count = matches.length === 1 ? '1 layer' : `${matches.length} layers`;
  const decided = decides.flatMap((index) => decisions[index] ?? []);
  const { weighted, multiplyAdds } = summarizeDecisions(decided);
  const effect =
    decides.length === matches.length
      ? `Decides ${count}`
      : `Matches ${count} and decides ${decides.length}; later statements decide the rest`;
  const work = `${weighted} with weights, ${countText(multiplyAdds)} multiply-adds`;
  return [
    paragraph(`${effect} (${work}).`),
    ...(decided.length === 0 ? [] : measured),
    ...(decided.length === 0
      ? []
      : [
          table(
            ['layer', 'operator', 'format'],
            decided.map(({ layer, format }) => [
              code(layer.name),
              code(writeOperatorType(layer.node)),
              code(format),
            ]),
          ),
        ]),
  ];
}

/** The layers of an operator type, by the formats that they run in. */
export function describeOperator(
  operator: string,
  { plan }: OpenPlan,
  numbers: PlanNumbers,
): readonly Block[] {
  if (plan === undefined) return [];
  const decisions = plan.decisions.filter(({ layer }) => writeOperatorType(layer.node) === operator);
  if (decisions.length === 0) return [];
  const { formats, layers, weighted, multiplyAdds } = summarizeDecisions(decisions);
  return [
    paragraph(
      bold(operator),
      `: ${layers} ${layers === 1 ? 'layer' : 'layers'}, ${weighted} with weights, `,
      `${countText(multiplyAdds)} multiply-adds`,
    ),
    ...describeFormats(decisions, plan.decisions, numbers),
    table(
      ['format', 'layers', 'multiply-adds'],
      [...formats].map(([format, share]) => [
        code(format),
        String(share.layers),
        countText(share.multiplyAdds),
      ]),
    ),
  ];
}

/** The sums over layers, apart for each of the plan's low formats: each is told in its own. */
function describeFormats(decisions: Decisions, all: Decisions, numbers: PlanNumbers): readonly Block[] {
  const byFormat = new Map<PlanNumbers['format'], Decisions[number][]>();
  for (const decision of decisions) {
    const own = numbersIn(numbers, decision.format).format;
    const known = byFormat.get(own);
    if (known === undefined) byFormat.set(own, [decision]);
    else known.push(decision);
  }
  const isOne = byFormat.size === 1;
  return [...byFormat].flatMap(([format, decided]) => {
    const own = numbersIn(numbers, format);
    const sums = describeSum(
      decided.map(({ layer }) => layer.name),
      { ...own, sensitivity: plannedSensitivities(decided, all, own) },
    );
    return isOne || sums.length === 0 ? sums : [paragraph('Those in ', code(format), ':'), ...sums];
  });
}
