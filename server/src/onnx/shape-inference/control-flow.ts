/** Shapes across If, Loop and Scan: what holds in both branches, and what holds after any number of rounds. */
import { graphAttribute, intAttribute, intsAttribute } from '../attributes.js';
import type { Dimension, Graph, Shape } from '../model.js';
import { commonShape, normalizeAxis, refineDimension, sameShape } from './dimension.js';
import type { NodeContext, ShapeRule, Shapes } from './rule.js';
import { forAll } from './rule.js';

const branches: ShapeRule = ({ node, inside }) => {
  const thenBranch = graphAttribute(node, 'then_branch');
  const elseBranch = graphAttribute(node, 'else_branch');
  if (thenBranch === undefined || elseBranch === undefined) return [];
  const [chosen, otherwise] = [inside(thenBranch, []), inside(elseBranch, [])];
  return node.outputs.map((_, index) => commonShape(chosen[index], otherwise[index]));
};

const loop: ShapeRule = (context) => {
  const body = graphAttribute(context.node, 'body');
  if (body === undefined) return [];
  const initial = context.node.inputs.slice(2).map((_, index) => context.shape(index + 2));
  const { carried, results } = rounds(context, body, initial, (state) => [[], [], ...state], 1);
  // How many rounds there are may depend on the condition.
  const collected = results.slice(1 + initial.length).map((shape) => shape && [undefined, ...shape]);
  return [...carried, ...collected];
};

const scan: ShapeRule = (context) => {
  const { node, opset } = context;
  const body = graphAttribute(node, 'body');
  // Version 8 has a batch axis and optional lengths; nothing writes it any more.
  if (body === undefined || opset < 9) return [];
  const inputs = node.inputs.map((_, index) => context.shape(index));
  const count = intAttribute(node, 'num_scan_inputs', inputs.length);
  const initial = inputs.slice(0, inputs.length - count);
  const sequences = inputs.slice(inputs.length - count);
  const axes = intsAttribute(node, 'scan_input_axes');
  let length: Dimension;
  const elements = sequences.map((sequence, index) => {
    const axis = sequence && normalizeAxis(axes?.[index] ?? 0, sequence.length);
    if (sequence === undefined || axis === undefined) return undefined;
    length = refineDimension(length, sequence[axis]);
    return sequence.filter((_, at) => at !== axis);
  });
  const { carried, results } = rounds(context, body, initial, (state) => [...state, ...elements], 0);
  const outputAxes = intsAttribute(node, 'scan_output_axes');
  const collected = results.slice(initial.length).map((shape, index) => {
    const axis = shape && normalizeAxis(outputAxes?.[index] ?? 0, shape.length + 1);
    return shape && axis !== undefined ? [...shape.slice(0, axis), length, ...shape.slice(axis)] : undefined;
  });
  return [...carried, ...collected];
};

export const controlFlowRules = [
  ...forAll(['If'], branches),
  ...forAll(['Loop'], loop),
  ...forAll(['Scan'], scan),
];

/**
 * Shapes of what is carried from round to round, and of a round's results: starts from the initial shapes and
 * gives up what a round changes, until a round changes nothing.
 */
function rounds(
  context: NodeContext,
  body: Graph,
  initial: Shapes,
  feed: (state: Shapes) => Shapes,
  firstState: number,
): { readonly carried: Shapes; readonly results: Shapes } {
  let carried: Shapes = initial;
  // Each round that changes something gives up a dimension or a rank: it ends before this.
  const most = initial.reduce((all, shape) => all + (shape?.length ?? 0) + 1, 1);
  for (let round = 0; round < most; round++) {
    const results = context.inside(body, feed(carried));
    const next = carried.map((shape, index) => commonShape(shape, results[firstState + index]));
    if (next.every((shape, index) => sameShape(shape, carried[index]))) return { carried, results };
    carried = next;
  }
  const unknown: readonly (Shape | undefined)[] = initial.map(() => undefined);
  return { carried: unknown, results: context.inside(body, feed(unknown)) };
}
