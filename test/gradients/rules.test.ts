// Every gradient rule against central differences; prints operator, cases, worst relative error.
import { afterAll, describe, expect, it } from 'vitest';
import { DIFFERENTIABLE } from '../../server/src/gradients/index.js';
import { elementwiseCases } from './cases/elementwise.js';
import { activationCases } from './cases/activation.js';
import { convolutionCases } from './cases/convolution.js';
import { matmulCases } from './cases/matmul.js';
import { normalizationCases } from './cases/normalization.js';
import { poolingCases } from './cases/pooling.js';
import { layoutCases } from './cases/layout.js';
import { indexingCases } from './cases/indexing.js';
import { reductionCases } from './cases/reduction.js';
import { softmaxCases } from './cases/softmax.js';
import { resizeCases } from './cases/resize.js';
import { einsumCases } from './cases/einsum.js';
import { recurrentCases } from './cases/recurrent.js';
import { attentionCases } from './cases/attention.js';
import { BOUNDS, checkGradients, type GradientCheck } from './check-gradients.js';
import type { GradientCase } from './gradient-case.js';

const families: Readonly<Record<string, readonly GradientCase[]>> = {
  elementwise: elementwiseCases,
  activation: activationCases,
  convolution: convolutionCases,
  matmul: matmulCases,
  normalization: normalizationCases,
  pooling: poolingCases,
  attention: attentionCases,
  recurrent: recurrentCases,
  einsum: einsumCases,
  resize: resizeCases,
  softmax: softmaxCases,
  reduction: reductionCases,
  indexing: indexingCases,
  layout: layoutCases,
};

const outcomes: { readonly operator: string; readonly check: GradientCheck }[] = [];

afterAll(() => {
  console.log(table());
});

describe.each(Object.entries(families))('gradients of %s operators', (_, cases) => {
  it.each(cases.map((one) => ({ ...one, label: labelOf(one) })))('$label', async (one) => {
    const check = await checkGradients(one);
    outcomes.push({ operator: one.operator, check });
    expect(check.worst, `gradient of ${check.input}, ${check.precision}`).toBeLessThan(
      BOUNDS[check.precision],
    );
  });
});

it('every operator with a rule is checked', () => {
  const checked = new Set(Object.values(families).flatMap((cases) => cases.map(({ operator }) => operator)));
  expect(DIFFERENTIABLE.filter((operator) => !checked.has(operator))).toEqual([]);
});

function labelOf({ operator, text, opset }: GradientCase): string {
  const nodes = text.split('\n').filter((line) => / = \S+\(/.test(line));
  return `${operator}${opset === undefined ? '' : ` of opset ${opset}`}: ${nodes.join('; ').trim()}`;
}

function table(): string {
  const operators = [...new Set(outcomes.map(({ operator }) => operator))].sort();
  const rows = operators.map((operator) => {
    const checks = outcomes.filter((outcome) => outcome.operator === operator).map(({ check }) => check);
    const worst = (precision: 'FP64' | 'FP32'): string => {
      const errors = checks.filter((check) => check.precision === precision).map((check) => check.worst);
      return errors.length === 0 ? '' : Math.max(...errors).toExponential(1);
    };
    return [operator, String(checks.length), worst('FP64'), worst('FP32')];
  });
  const all = [['operator', 'cases', 'worst in FP64', 'worst in FP32'], ...rows];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(column === 0 ? 48 : 15))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}
