/** Shapes of operators that lay the same elements out anew: Reshape, Transpose, Squeeze, DepthToSpace ... */
import { intAttribute, intsAttribute, stringAttribute } from '../attributes.js';
import type { Dimension, Shape } from '../model.js';
import { elementCount, normalizeAxes, product, unknownOfRank } from './dimension.js';
import type { NodeContext, ShapeRule } from './rule.js';
import { forAll, knownNumbers, partialNumbers } from './rule.js';

const reshape: ShapeRule = (context) => {
  const wanted = context.opset < 5 ? intsAttribute(context.node, 'shape') : partialNumbers(context, 1);
  if (wanted === undefined) return [];
  return [reshapeTo(context.shape(0), wanted, intAttribute(context.node, 'allowzero', 0) !== 0)];
};

/** The shape that Reshape makes of `input`; 0 copies a dimension unless `allowZero`, -1 stands for the rest. */
export function reshapeTo(input: Shape | undefined, wanted: readonly Dimension[], allowZero: boolean): Shape {
  const output = wanted.map((dimension, index): Dimension => {
    if (dimension === 0 && !allowZero) return input?.[index];
    return typeof dimension === 'number' && dimension < 0 ? undefined : dimension;
  });
  // One unknown is what is left of the elements, whether it was written as -1 or is not known otherwise.
  const open = output.flatMap((dimension, index) => (dimension === undefined ? [index] : []));
  const [rest] = open;
  if (input === undefined || rest === undefined || open.length > 1) return output;
  const others = output.filter((_, index) => index !== rest);
  output[rest] = quotient(input, others);
  return output;
}

/** The product of `all` over that of `part`, with equal symbols cancelled; unknown where it is no whole number. */
function quotient(all: readonly Dimension[], part: readonly Dimension[]): Dimension {
  const left = [...all];
  const divisor: Dimension[] = [];
  for (const dimension of part) {
    const same = typeof dimension === 'string' ? left.indexOf(dimension) : -1;
    if (same >= 0) left.splice(same, 1);
    else divisor.push(dimension);
  }
  const dividend = product(left);
  const by = product(divisor);
  if (by === 1) return dividend;
  if (typeof dividend !== 'number' || typeof by !== 'number' || by === 0) return undefined;
  const whole = dividend / by;
  return Number.isInteger(whole) ? whole : undefined;
}

const flatten: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  if (input === undefined) return [unknownOfRank(2)];
  const axis = intAttribute(node, 'axis', 1);
  const at = axis < 0 ? axis + input.length : axis;
  return [[product(input.slice(0, at)), product(input.slice(at))]];
};

const transpose: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const permutation = intsAttribute(node, 'perm');
  if (input === undefined) return [permutation === undefined ? undefined : unknownOfRank(permutation.length)];
  if (permutation === undefined) return [input.toReversed()];
  return [permutation.length === input.length ? permutation.map((axis) => input[axis]) : undefined];
};

const squeeze: ShapeRule = (context) => {
  const input = context.shape(0);
  if (input === undefined) return [];
  const given = axesOf(context, 13);
  if (given === 'unknown') return [];
  if (given === undefined) {
    // Without axes every 1 goes: only a shape of numbers says which.
    return [elementCount(input) === undefined ? undefined : input.filter((dimension) => dimension !== 1)];
  }
  const axes = normalizeAxes(given, input.length);
  return [axes === undefined ? undefined : input.filter((_, index) => !axes.includes(index))];
};

const unsqueeze: ShapeRule = (context) => {
  const input = context.shape(0);
  const given = axesOf(context, 13);
  if (input === undefined || given === undefined) return [];
  if (given === 'unknown') {
    const added = partialNumbers(context, 1)?.length;
    return [added === undefined ? undefined : unknownOfRank(input.length + added)];
  }
  const rank = input.length + given.length;
  const axes = normalizeAxes(given, rank);
  if (axes === undefined) return [];
  if (new Set(axes).size < axes.length) return [];
  const left = [...input];
  return [Array.from({ length: rank }, (_, index) => (axes.includes(index) ? 1 : left.shift()))];
};

/** [N, C / b^2, H * b, W * b] */
const depthToSpace: ShapeRule = ({ node, shape }) => {
  const block = intAttribute(node, 'blocksize');
  const input = shape(0);
  if (block === undefined || input?.length !== 4) return [];
  const [batch, channels, height, width] = input;
  return [[batch, divided(channels, block * block), times(height, block), times(width, block)]];
};

/** [N, C * b^2, H / b, W / b] */
const spaceToDepth: ShapeRule = ({ node, shape }) => {
  const block = intAttribute(node, 'blocksize');
  const input = shape(0);
  if (block === undefined || input?.length !== 4) return [];
  const [batch, channels, height, width] = input;
  return [[batch, times(channels, block * block), divided(height, block), divided(width, block)]];
};

/** [N, C, ...image_shape] from columns of [N, C * block elements, blocks]. */
const columnsToImage: ShapeRule = (context) => {
  const image = knownNumbers(context, 1);
  const block = knownNumbers(context, 2);
  if (image === undefined || block === undefined) return [];
  const [batch, columns] = context.shape(0) ?? [];
  return [
    [
      batch,
      divided(
        columns,
        block.reduce((all, size) => all * size, 1),
      ),
      ...image,
    ],
  ];
};

/** [N, C, ...spatial axes of the grid]. */
export const gridSample: ShapeRule = ({ shape }) => {
  const grid = shape(1);
  const [batch, channels] = shape(0) ?? [];
  return [grid === undefined ? undefined : [batch ?? grid[0], channels, ...grid.slice(1, -1)]];
};

/** [N, ...spatial sizes, number of them] from size = [N, C, ...spatial sizes]. */
const affineGrid: ShapeRule = (context) => {
  const size = partialNumbers(context, 1);
  if (size === undefined || size.length < 4) return [];
  return [[size[0], ...size.slice(2), size.length - 2]];
};

const einsum: ShapeRule = ({ node, shape }) => {
  const inputs = node.inputs.map((_, index) => shape(index));
  return [einsumShape(stringAttribute(node, 'equation', ''), inputs)];
};

/** The shape of an Einsum; undefined where the equation or a rank does not say. */
export function einsumShape(equation: string, inputs: readonly (Shape | undefined)[]): Shape | undefined {
  const parsed = parseEinsum(equation, inputs);
  return parsed?.output.map((label) => parsed.sizes.get(label));
}

export interface ParsedEinsum {
  /** The labels of each operand, one an axis; the axes of an ellipsis are `.1` (the last), `.2` and so on. */
  readonly terms: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly sizes: ReadonlyMap<string, Dimension>;
}

export function parseEinsum(
  equation: string,
  inputs: readonly (Shape | undefined)[],
): ParsedEinsum | undefined {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const texts = left.split(',');
  if (left === '' || texts.length !== inputs.length) return undefined;
  const terms: (readonly string[])[] = [];
  const sizes = new Map<string, Dimension>();
  for (const [index, text] of texts.entries()) {
    const shape = inputs[index];
    if (shape === undefined && text.includes('...')) return undefined;
    const labels = einsumLabels(
      text,
      shape === undefined ? 0 : shape.length - text.replace('...', '').length,
    );
    if (shape !== undefined && labels.length !== shape.length) return undefined;
    labels.forEach((label, axis) => {
      const before = sizes.get(label);
      const dimension = shape?.[axis];
      // A dimension of 1 broadcasts against any other of the same label.
      sizes.set(
        label,
        before === undefined || before === 1 ? (dimension ?? before) : larger(before, dimension),
      );
    });
    terms.push(labels);
  }
  const all = terms.flat();
  const ellipsis = [...sizes.keys()]
    .filter((label) => label.startsWith('.'))
    .sort()
    .reverse();
  if (right !== undefined) return { terms, sizes, output: einsumLabels(right, ellipsis.length) };
  const once = all.filter((label) => !label.startsWith('.') && all.indexOf(label) === all.lastIndexOf(label));
  return { terms, sizes, output: [...ellipsis, ...once.sort()] };
}

function einsumLabels(text: string, ellipsisRank: number): readonly string[] {
  const at = text.indexOf('...');
  if (at < 0) return Array.from(text);
  const ellipsis = Array.from(
    { length: Math.max(0, ellipsisRank) },
    (_, index) => `.${String(ellipsisRank - index)}`,
  );
  return [...Array.from(text.slice(0, at)), ...ellipsis, ...Array.from(text.slice(at + 3))];
}

function larger(a: Dimension, b: Dimension): Dimension {
  return typeof b === 'number' && b !== 1 ? b : a;
}

export const layoutRules = [
  ...forAll(['Reshape'], reshape),
  ...forAll(['Flatten'], flatten),
  ...forAll(['Transpose'], transpose),
  ...forAll(['Squeeze'], squeeze),
  ...forAll(['Unsqueeze'], unsqueeze),
  ...forAll(['DepthToSpace'], depthToSpace),
  ...forAll(['SpaceToDepth'], spaceToDepth),
  ...forAll(['Col2Im'], columnsToImage),
  ...forAll(['GridSample'], gridSample),
  ...forAll(['AffineGrid'], affineGrid),
  ...forAll(['Einsum'], einsum),
];

/** Axes of an attribute before `inputSince`, of the second input from then on. */
export function axesOf(context: NodeContext, inputSince: number): readonly number[] | 'unknown' | undefined {
  if (context.opset < inputSince) return intsAttribute(context.node, 'axes');
  return context.has(1) ? (knownNumbers(context, 1) ?? 'unknown') : undefined;
}

function times(dimension: Dimension, factor: number): Dimension {
  return typeof dimension === 'number' ? dimension * factor : undefined;
}

function divided(dimension: Dimension, by: number): Dimension {
  return typeof dimension === 'number' && dimension % by === 0 ? dimension / by : undefined;
}
