/** Shapes of operators that choose, join or repeat elements along axes: Concat, Split, Slice, Gather, Pad ... */
import { intAttribute, intsAttribute } from '../attributes.js';
import type { Dimension, Shape } from '../model.js';
import {
  addDimensions,
  broadcast,
  elementCount,
  multiplyDimensions,
  normalizeAxes,
  normalizeAxis,
  refineDimension,
  unknownOfRank,
  withDimension,
} from './dimension.js';
import type { ShapeRule, ValueContext } from './rule.js';
import { forAll, knownNumbers, partialNumbers } from './rule.js';

const concat: ShapeRule = ({ node, opset, shape }) => {
  const inputs = node.inputs.map((_, index) => shape(index));
  const known = inputs.filter((input) => input !== undefined);
  const [first] = known;
  const axis = first && normalizeAxis(intAttribute(node, 'axis', opset < 4 ? 1 : 0), first.length);
  if (first === undefined || axis === undefined || known.some((input) => input.length !== first.length))
    return [];
  return [
    first.map((_, index) => {
      if (index !== axis) return known.map((input) => input[index]).reduce(refineDimension);
      if (known.length < inputs.length) return undefined;
      return known.map((input) => input[axis]).reduce(addDimensions, 0);
    }),
  ];
};

const split: ShapeRule = (context) => {
  const { node, opset } = context;
  const input = context.shape(0);
  const axis = input && normalizeAxis(intAttribute(node, 'axis', 0), input.length);
  if (input === undefined || axis === undefined) return [];
  const given = opset >= 2 && opset < 13 ? intsAttribute(node, 'split') : undefined;
  const isInput = (opset >= 13 || opset < 2) && context.has(1);
  const sizes = isInput ? (knownNumbers(context, 1) ?? []) : given;
  const parts = node.outputs.length;
  return node.outputs.map((_, index) => {
    if (sizes !== undefined) return withDimension(input, axis, sizes[index]);
    return withDimension(input, axis, evenPart(input[axis], parts, index));
  });
};

/** Equal parts, the last one smaller where the axis does not divide (num_outputs, from opset 18). */
function evenPart(size: Dimension, parts: number, index: number): Dimension {
  if (typeof size !== 'number') return undefined;
  const part = Math.ceil(size / parts);
  return index < parts - 1 ? part : size - part * (parts - 1);
}

const slice: ShapeRule = (context) => {
  const input = context.shape(0);
  if (input === undefined) return [];
  const ranges = sliceRanges(context, input.length);
  if (ranges === undefined) return [unknownOfRank(input.length)];
  return [
    input.map((dimension, axis) => {
      const range = ranges.get(axis);
      return range === undefined ? dimension : sliceLength(dimension, range);
    }),
  ];
};

export interface SliceRange {
  readonly start: Dimension;
  readonly end: Dimension;
  readonly step: Dimension;
}

/** What Slice takes of each axis that it names; undefined where the axes are not known. */
export function sliceRanges(
  context: ValueContext,
  rank: number,
): ReadonlyMap<number, SliceRange> | undefined {
  const { node } = context;
  const fromAttributes = context.opset < 10;
  const read = (input: number, attribute: string): readonly Dimension[] | undefined =>
    fromAttributes ? intsAttribute(node, attribute) : partialNumbers(context, input);
  const given = fromAttributes
    ? intsAttribute(node, 'axes')
    : context.has(3)
      ? knownNumbers(context, 3)
      : undefined;
  if (given === undefined && !fromAttributes && context.has(3)) return undefined;
  const starts = read(1, 'starts');
  const ends = read(2, 'ends');
  const steps = !fromAttributes && context.has(4) ? (partialNumbers(context, 4) ?? []) : undefined;
  const count = given?.length ?? starts?.length ?? ends?.length;
  if (count === undefined) return undefined;
  const axes = normalizeAxes(given ?? Array.from({ length: count }, (_, index) => index), rank);
  return (
    axes &&
    new Map(
      axes.map((axis, index) => {
        const step = steps === undefined ? 1 : steps[index];
        return [axis, { start: starts?.[index], end: ends?.[index], step }];
      }),
    )
  );
}

/** The indexes that a range takes of an axis of this length. */
export function sliceIndexes(length: number, range: SliceRange): readonly number[] | undefined {
  const { start, end, step } = range;
  if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return undefined;
  if (isAmbiguous(end, step)) return undefined;
  const from = start < 0 ? start + length : start;
  const to = end < 0 ? end + length : end;
  const indexes: number[] = [];
  if (step > 0) {
    for (let at = clamp(from, 0, length); at < clamp(to, 0, length); at += step) indexes.push(at);
  } else {
    for (let at = clamp(from, 0, length - 1); at > clamp(to, -1, length - 1); at += step) indexes.push(at);
  }
  return indexes;
}

function sliceLength(dimension: Dimension, range: SliceRange): Dimension {
  const { start, end, step } = range;
  if (typeof dimension !== 'number') {
    // The whole axis, whatever its length.
    const isWhole = start === 0 && step === 1 && typeof end === 'number' && end >= 2 ** 31 - 1;
    return isWhole ? dimension : undefined;
  }
  if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return undefined;
  if (isAmbiguous(end, step)) return undefined;
  const from = start < 0 ? start + dimension : start;
  const to = end < 0 ? end + dimension : end;
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? dimension : dimension - 1;
  return Math.max(0, Math.ceil((clamp(to, low, high) - clamp(from, 0, high)) / step));
}

/**
 * Backwards to the largest integer: nothing by the standard, all down to the first element in ONNX Runtime.
 * A step of 0 is an error in both.
 */
function isAmbiguous(end: number, step: number): boolean {
  return step === 0 || (step < 0 && end >= 2 ** 31 - 1);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

const gather: ShapeRule = ({ node, shape }) => {
  const data = shape(0);
  const indices = shape(1);
  const axis = data && normalizeAxis(intAttribute(node, 'axis', 0), data.length);
  if (data === undefined || indices === undefined || axis === undefined) return [];
  return [[...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]];
};

const gatherElements: ShapeRule = ({ shape }) => [shape(1)];

const gatherND: ShapeRule = ({ node, opset, shape }) => {
  const data = shape(0);
  const indices = shape(1);
  const depth = indices?.at(-1);
  if (data === undefined || indices === undefined || typeof depth !== 'number') return [];
  const batch = opset < 12 ? 0 : intAttribute(node, 'batch_dims', 0);
  return [[...indices.slice(0, -1), ...data.slice(batch + depth)]];
};

const pad: ShapeRule = (context) => {
  const { node, opset } = context;
  const input = context.shape(0);
  if (input === undefined) return [];
  // ONNX Runtime's own has them as an input from its first version on.
  const isAttribute = node.domain === '' && opset < 11;
  const pads = isAttribute
    ? intsAttribute(node, opset < 2 ? 'paddings' : 'pads')
    : partialNumbers(context, 1);
  const given = opset >= 18 && context.has(3) ? knownNumbers(context, 3) : [...input.keys()];
  const axes = given && normalizeAxes(given, input.length);
  if (pads === undefined || axes === undefined || pads.length !== 2 * axes.length)
    return [unknownOfRank(input.length)];
  return [
    input.map((dimension, index) => {
      const at = axes.indexOf(index);
      if (at < 0) return dimension;
      return addDimensions(dimension, addDimensions(pads[at], pads[at + axes.length]));
    }),
  ];
};

/** Numpy's broadcasting of the input and the wanted shape. */
const expand: ShapeRule = (context) => {
  const wanted = partialNumbers(context, 1);
  return [wanted === undefined ? undefined : broadcast([context.shape(0), wanted])];
};

const tile: ShapeRule = (context) => {
  const input = context.shape(0);
  if (input === undefined || context.opset < 6) return [];
  const repeats = partialNumbers(context, 1);
  if (repeats?.length !== input.length) return [unknownOfRank(input.length)];
  return [input.map((dimension, axis) => multiplyDimensions(dimension, repeats[axis]))];
};

/** How many are taken is known at run time only. */
const compress: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const given = intAttribute(node, 'axis');
  if (given === undefined) return [unknownOfRank(1)];
  const axis = input && normalizeAxis(given, input.length);
  return [axis === undefined ? undefined : withDimension(input ?? [], axis, undefined)];
};

const topK: ShapeRule = (context) => {
  const input = context.shape(0);
  const axis = input && normalizeAxis(intAttribute(context.node, 'axis', -1), input.length);
  if (input === undefined || axis === undefined) return [];
  const count = context.opset < 10 ? intAttribute(context.node, 'k') : context.value(1)?.elements[0];
  const output = withDimension(input, axis, count);
  return [output, output];
};

const oneHot: ShapeRule = (context) => {
  const indices = context.shape(0);
  if (indices === undefined) return [];
  const axis = normalizeAxis(intAttribute(context.node, 'axis', -1), indices.length + 1);
  if (axis === undefined) return [];
  const depth = context.value(1)?.elements[0];
  return [[...indices.slice(0, axis), depth, ...indices.slice(axis)]];
};

/** The size that the `shape` input gives to each axis it names. */
const centerCropPad: ShapeRule = (context) => {
  const input = context.shape(0);
  const sizes = partialNumbers(context, 1);
  if (input === undefined || sizes === undefined) return [];
  const axes = normalizeAxes(intsAttribute(context.node, 'axes') ?? [...input.keys()], input.length);
  if (axes?.length !== sizes.length) return [unknownOfRank(input.length)];
  return [input.map((dimension, index) => (axes.includes(index) ? sizes[axes.indexOf(index)] : dimension))];
};

/** Values, then first places, inverse and counts: one dimension each. */
const unique: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const given = intAttribute(node, 'axis');
  const axis = input && given !== undefined ? normalizeAxis(given, input.length) : undefined;
  const inverse = given === undefined ? elementCount(input) : axis === undefined ? undefined : input?.[axis];
  const found: Shape = [undefined];
  const values =
    given === undefined ? found : input && axis !== undefined && withDimension(input, axis, undefined);
  return [values === false ? undefined : values, found, [inverse], found];
};

/** `border` cut off left, top, right and bottom (opset 1, of ONNX Runtime). */
const crop: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const border = intsAttribute(node, 'border');
  if (input?.length !== 4 || border?.length !== 4) return [];
  const scale = intsAttribute(node, 'scale');
  const [left = 0, top = 0, right = 0, bottom = 0] = border;
  const [batch, channels, height, width] = input;
  if (scale?.length === 2) return [[batch, channels, scale[0], scale[1]]];
  return [[batch, channels, addDimensions(height, -top - bottom), addDimensions(width, -left - right)]];
};

export const selectionRules = [
  ...forAll(['Concat'], concat),
  ...forAll(['Split'], split),
  ...forAll(['Slice'], slice),
  ...forAll(['Gather'], gather),
  ...forAll(['GatherElements'], gatherElements),
  ...forAll(['GatherND'], gatherND),
  ...forAll(['Pad'], pad),
  ...forAll(['Expand'], expand),
  ...forAll(['Tile'], tile),
  ...forAll(['Compress'], compress),
  ...forAll(['TopK'], topK),
  ...forAll(['OneHot'], oneHot),
  ...forAll(['CenterCropPad'], centerCropPad),
  ...forAll(['Unique'], unique),
  ...forAll(['Crop'], crop),
];
