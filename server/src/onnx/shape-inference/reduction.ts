/** Shapes of reductions and of ArgMax and ArgMin. */
import { intAttribute, intsAttribute } from '../attributes.js';
import type { Shape } from '../model.js';
import { normalizeAxes, unknownOfRank } from './dimension.js';
import type { NodeContext, ShapeRule } from './rule.js';
import { forAll, knownNumbers } from './rule.js';

/** The opset from which the axes are an input. */
const AXES_INPUT_SINCE = 18;

function reduction(inputSince: number): ShapeRule {
  return (context) => {
    const input = context.shape(0);
    if (input === undefined) return [];
    const keep = intAttribute(context.node, 'keepdims', 1) !== 0;
    const axes = reducedAxes(context, inputSince);
    if (axes === undefined) return [keep ? unknownOfRank(input.length) : undefined];
    if (axes.length > 0) return [reduceAxes(input, axes, keep)];
    if (context.opset >= inputSince && intAttribute(context.node, 'noop_with_empty_axes', 0) !== 0)
      return [input];
    return [reduceAxes(input, [...input.keys()], keep)];
  };
}

const argument: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  if (input === undefined) return [];
  return [reduceAxes(input, [intAttribute(node, 'axis', 0)], intAttribute(node, 'keepdims', 1) !== 0)];
};

export const reductionRules = [
  ...forAll(['ReduceSum'], reduction(13)),
  ...forAll(
    [
      ...['ReduceMax', 'ReduceMin', 'ReduceMean', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceLogSum'],
      ...['ReduceLogSumExp', 'ReduceSumSquare'],
    ],
    reduction(AXES_INPUT_SINCE),
  ),
  ...forAll(['ArgMax', 'ArgMin'], argument),
];

/** Empty for all axes; undefined where they are not known. */
function reducedAxes(context: NodeContext, inputSince: number): readonly number[] | undefined {
  if (context.opset < inputSince) return intsAttribute(context.node, 'axes') ?? [];
  return context.has(1) ? knownNumbers(context, 1) : [];
}

function reduceAxes(input: Shape, given: readonly number[], keep: boolean): Shape | undefined {
  const axes = normalizeAxes(given, input.length);
  if (axes === undefined) return undefined;
  if (keep) return input.map((dimension, index) => (axes.includes(index) ? 1 : dimension));
  return input.filter((_, index) => !axes.includes(index));
}
