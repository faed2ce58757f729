/** What a statement says and, where it decides layers, what it does in this plan. */
import { STATEMENTS } from '../language/index.js';
import { type BoundStatement, summarizeDecisions, writeName, writeOperatorType } from '../plan/index.js';
import { listed } from './hover-terms.js';
import type { OpenPlan } from './open-plan.js';
import type { Part } from './parts.js';
import { type Block, bold, code, paragraph, table } from './rich-text.js';

export function describeStatement({ role, statement }: Part, { plan }: OpenPlan): readonly Block[] {
  const bound = plan?.statements.find((one) => one.statement === statement);
  const effect = bound === undefined || plan === undefined ? [] : describeEffect(bound, plan.decisions);
  const term = STATEMENTS.find(({ kind }) => kind === statement.kind);
  if (role !== 'keyword' || term === undefined) return effect;
  const options = term.options.length === 0 ? [] : [paragraph('Options: ', ...listed(term.options), '.')];
  return [paragraph(code(term.form)), paragraph(term.summary), ...effect, ...options];
}

type Decisions = NonNullable<OpenPlan['plan']>['decisions'];

function describeEffect({ matches, decides }: BoundStatement, decisions: Decisions): readonly Block[] {
  if (matches.length === 0) return [paragraph('Matches no layer of the model.')];
  const count = matches.length === 1 ? '1 layer' : `${matches.length} layers`;
  const decided = decisions.filter((_, index) => decides.includes(index));
  const { weighted, multiplyAdds } = summarizeDecisions(decided);
  const effect =
    decides.length === matches.length
      ? `Decides ${count}`
      : `Matches ${count} and decides ${decides.length}; later statements decide the rest`;
  const work = `${weighted} with weights, ${multiplyAdds.toLocaleString('en-US')} multiply-adds`;
  return [
    paragraph(`${effect} (${work}).`),
    ...(decided.length === 0
      ? []
      : [
          table(
            ['layer', 'operator', 'format'],
            decided.map(({ layer, format }) => [
              code(writeName(layer.name)),
              code(writeOperatorType(layer.node)),
              code(format),
            ]),
          ),
        ]),
  ];
}

/** The layers of an operator type, by the formats that they run in. */
export function describeOperator(operator: string, { plan }: OpenPlan): readonly Block[] {
  const decisions = (plan?.decisions ?? []).filter(({ layer }) => writeOperatorType(layer.node) === operator);
  if (decisions.length === 0) return [];
  const { formats, layers, weighted, multiplyAdds } = summarizeDecisions(decisions);
  return [
    paragraph(
      bold(operator),
      `: ${layers} ${layers === 1 ? 'layer' : 'layers'}, ${weighted} with weights, `,
      `${multiplyAdds.toLocaleString('en-US')} multiply-adds`,
    ),
    table(
      ['format', 'layers', 'multiply-adds'],
      [...formats].map(([format, share]) => [
        code(format),
        String(share.layers),
        share.multiplyAdds.toLocaleString('en-US'),
      ]),
    ),
  ];
}
