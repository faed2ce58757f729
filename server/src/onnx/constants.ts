/**
 * Folding of the small tensors that shapes are computed from: Shape, Gather, Concat, arithmetic and the like, on
 * values of which some elements may be symbols or unknown. Shapes of the results come from shape inference.
 * Knows nothing of graphs: who asks gives the inputs' values.
 */
import { dataTypeAttribute, intAttribute } from './attributes.js';
import { arithmeticFolds } from './constants-arithmetic.js';
import type { Fold, FoldContext, PartialTensor } from './constants-fold.js';
import { flatIndex, MOST_FOLDED_ELEMENTS, positionOf } from './constants-fold.js';
import type { Dimension, Shape, Tensor } from './model.js';
import { DataType } from './model.js';
import { knownShape, normalizeAxes, normalizeAxis } from './shape-inference/dimension.js';
import { shapeRange } from './shape-inference/generation.js';
import { sliceIndexes, sliceRanges } from './shape-inference/selection.js';
import { elementCount } from './tensor-size.js';
import { tensorValues } from './tensor-values.js';

/** Types whose elements are numbers as they are read, and small enough to be exact. */
const FOLDED_TYPES = new Set<DataType>([
  ...[DataType.FLOAT, DataType.DOUBLE, DataType.INT8, DataType.UINT8, DataType.INT16, DataType.UINT16],
  ...[DataType.INT32, DataType.UINT32, DataType.INT64, DataType.UINT64, DataType.BOOL],
]);

/**
 * The elements of a stored tensor, if it is small and of a plain number type.
 *
 * @param folder the model's, for external data (`modelFolder`).
 */
export function readSmallTensor(tensor: Tensor, folder: string | undefined): PartialTensor | undefined {
  if (!FOLDED_TYPES.has(tensor.dataType) || elementCount(tensor) > MOST_FOLDED_ELEMENTS) return undefined;
  const read = tensorValues(tensor, folder);
  if ('problem' in read) return undefined;
  const elements = Array.from<number | bigint | string, number>(read.values, Number);
  return elements.length === elementCount(tensor)
    ? { dataType: tensor.dataType, dims: tensor.dims, elements }
    : undefined;
}

/** The value of one output of a node, as far as it follows from its inputs' values; undefined if nothing does. */
export function foldNode(context: FoldContext): PartialTensor | undefined {
  if (context.node.domain !== '') return undefined;
  return FOLDS.get(context.node.opType)?.(context);
}

const identity: Fold = ({ dims, value }) => {
  const input = value(0);
  return input?.elements.length === dims.reduce((all, size) => all * size, 1)
    ? { ...input, dims }
    : undefined;
};

const shapeOf: Fold = ({ node, opset, dims, shape }) => {
  const input = shape(0);
  if (input === undefined) return undefined;
  const start = opset < 15 ? 0 : intAttribute(node, 'start', 0);
  const end = opset < 15 ? undefined : intAttribute(node, 'end');
  const elements = input.slice(...shapeRange(start, end, input.length));
  return { dataType: DataType.INT64, dims, elements };
};

const size: Fold = ({ shape }) => {
  const input = shape(0);
  const elements = [input === undefined ? undefined : product(input)];
  return { dataType: DataType.INT64, dims: [], elements };
};

const concat: Fold = ({ node, dims, value, shape }) => {
  const values = node.inputs.map((_, index) => value(index));
  const first = values.find((input) => input !== undefined);
  const inputs = values.map((input, index) => input ?? unknownTensor(shape(index)));
  const known = inputs.filter((input) => input !== undefined);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), dims.length);
  if (first === undefined || axis === undefined || known.length < inputs.length) return undefined;
  const elements = dims.reduce((all, dim) => all * dim, 1);
  const joined = Array.from({ length: elements }, (_, index): Dimension => {
    const position = [...positionOf(index, dims)];
    for (const input of known) {
      const length = input.dims[axis] ?? 0;
      const at = position[axis] ?? 0;
      if (at < length) return input.elements[flatIndex(position, input.dims)];
      position[axis] = at - length;
    }
    return undefined;
  });
  return { dataType: first.dataType, dims, elements: joined };
};

const gather: Fold = ({ node, dims, value }) => {
  const data = value(0);
  const indices = value(1);
  const axis = data && normalizeAxis(intAttribute(node, 'axis', 0), data.dims.length);
  if (data === undefined || indices === undefined || axis === undefined) return undefined;
  const length = data.dims[axis] ?? 0;
  return mapPositions(data.dataType, dims, (position) => {
    const chosen =
      indices.elements[flatIndex(position.slice(axis, axis + indices.dims.length), indices.dims)];
    const at = typeof chosen === 'number' ? normalizeAxis(chosen, length) : undefined;
    if (at === undefined) return undefined;
    const source = [...position.slice(0, axis), at, ...position.slice(axis + indices.dims.length)];
    return data.elements[flatIndex(source, data.dims)];
  });
};

const slice: Fold = (context) => {
  const data = context.value(0);
  const ranges = data && sliceRanges(context, data.dims.length);
  if (data === undefined || ranges === undefined) return undefined;
  const chosen = data.dims.map((length, axis) => {
    const range = ranges.get(axis);
    return range === undefined ? [...Array(length).keys()] : sliceIndexes(length, range);
  });
  const indexes = chosen.filter((axis) => axis !== undefined);
  if (indexes.length < chosen.length) return undefined;
  return mapPositions(data.dataType, context.dims, (position) => {
    const source = position.map((at, axis) => indexes[axis]?.[at] ?? 0);
    return data.elements[flatIndex(source, data.dims)];
  });
};

const split: Fold = (context) => {
  const { node, output, dims, shape } = context;
  const data = context.value(0);
  const axis = data && normalizeAxis(intAttribute(node, 'axis', 0), data.dims.length);
  if (data === undefined || axis === undefined) return undefined;
  let start: number | undefined = 0;
  for (let before = 0; before < output; before++) {
    const length: Dimension = context.outputShape(before)?.[axis];
    start = typeof length === 'number' && start !== undefined ? start + length : undefined;
  }
  const first = start;
  if (first === undefined || shape(0) === undefined) return undefined;
  return mapPositions(data.dataType, dims, (position) => {
    const source = position.map((at, index) => (index === axis ? at + first : at));
    return data.elements[flatIndex(source, data.dims)];
  });
};

const transpose: Fold = ({ node, dims, value }) => {
  const data = value(0);
  if (data === undefined) return undefined;
  const attribute = node.attributes.find((candidate) => candidate.name === 'perm');
  const reversed = [...data.dims.keys()].reverse();
  const permutation = attribute?.kind === 'ints' ? attribute.value : reversed;
  return mapPositions(data.dataType, dims, (position) => {
    const source = data.dims.map((_, axis) => position[permutation.indexOf(axis)] ?? 0);
    return data.elements[flatIndex(source, data.dims)];
  });
};

const constantOfShape: Fold = ({ node, dims, value, attributeTensor }) => {
  if (value(0) === undefined) return undefined;
  const attribute = node.attributes.find((candidate) => candidate.name === 'value');
  const tensor = attribute?.kind === 'tensor' ? attributeTensor(attribute.value) : undefined;
  if (attribute !== undefined && tensor === undefined) return undefined;
  const dataType = tensor?.dataType ?? DataType.FLOAT;
  const element = tensor === undefined ? 0 : tensor.elements[0];
  return mapPositions(dataType, dims, () => element);
};

/** Repeats what broadcasts: Expand. */
const expand: Fold = ({ dims, value }) => {
  const data = value(0);
  return (
    data && mapPositions(data.dataType, dims, (position) => data.elements[flatIndex(position, data.dims)])
  );
};

const tile: Fold = ({ dims, value }) => {
  const data = value(0);
  return (
    data &&
    mapPositions(data.dataType, dims, (position) => {
      const source = position.map((at, axis) => at % (data.dims[axis] ?? 1));
      return data.elements[flatIndex(source, data.dims)];
    })
  );
};

const range: Fold = ({ dims, value }) => {
  const start = value(0);
  const first = start?.elements[0];
  const step = value(2)?.elements[0];
  if (start === undefined || typeof first !== 'number' || typeof step !== 'number') return undefined;
  if (start.dataType === DataType.FLOAT) return undefined;
  return mapPositions(start.dataType, dims, ([index = 0]) => first + index * step);
};

/** The product, sum, largest or smallest over the axes given, or all. */
function reduce(combine: (a: number, b: number) => number, initial: number): Fold {
  return (context) => {
    const data = context.value(0);
    const axes = data && reducedAxes(context, data.dims.length);
    if (data === undefined || axes === undefined || data.dataType === DataType.FLOAT) return undefined;
    const kept = data.dims.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const results: Dimension[] = Array.from(
      { length: kept.reduce((all, length) => all * length, 1) },
      () => initial,
    );
    data.elements.forEach((element, index) => {
      const at = flatIndex(positionOf(index, data.dims), kept);
      const before = results[at];
      results[at] =
        typeof before === 'number' && typeof element === 'number' ? combine(before, element) : undefined;
    });
    return { dataType: data.dataType, dims: context.dims, elements: results };
  };
}

function reducedAxes(context: FoldContext, rank: number): readonly number[] | undefined {
  const attribute = context.node.attributes.find((candidate) => candidate.name === 'axes');
  const input = context.has(1)
    ? context.value(1)?.elements.filter((axis) => typeof axis === 'number')
    : undefined;
  if (context.has(1) && input === undefined) return undefined;
  const given = attribute?.kind === 'ints' ? attribute.value : input;
  if (given !== undefined && given.length > 0) return normalizeAxes(given, rank);
  if (intAttribute(context.node, 'noop_with_empty_axes', 0) !== 0) return [];
  return Array.from({ length: rank }, (_, axis) => axis);
}

const cast: Fold = ({ node, dims, value }) => {
  const data = value(0);
  const to = dataTypeAttribute(node, 'to');
  if (data === undefined || to === undefined || !FOLDED_TYPES.has(to)) return undefined;
  return {
    dataType: to,
    dims,
    elements: data.elements.map((element) =>
      typeof element === 'number' ? castNumber(element, to) : element,
    ),
  };
};

function castNumber(element: number, to: DataType): number | undefined {
  if (to === DataType.FLOAT) return Math.fround(element);
  if (to === DataType.DOUBLE) return element;
  if (to === DataType.BOOL) return element === 0 ? 0 : 1;
  const whole = Math.trunc(element);
  // Beyond 32 bits, or a negative number to an unsigned type, the result depends on the machine.
  return Math.abs(whole) < 2 ** 31 && (to === DataType.INT64 || to === DataType.INT32) ? whole : undefined;
}

function mapPositions(
  dataType: DataType,
  dims: readonly number[],
  element: (position: readonly number[]) => Dimension,
): PartialTensor {
  const count = dims.reduce((all, length) => all * length, 1);
  return {
    dataType,
    dims,
    elements: Array.from({ length: count }, (_, index) => element(positionOf(index, dims))),
  };
}

/** A tensor of which only the number of elements is known. */
function unknownTensor(shape: Shape | undefined): PartialTensor | undefined {
  const dims = knownShape(shape);
  if (dims === undefined || elementCount({ dims }) > MOST_FOLDED_ELEMENTS) return undefined;
  return mapPositions(DataType.UNDEFINED, dims, () => undefined);
}

function product(elements: readonly Dimension[]): Dimension {
  return elements.every((element) => typeof element === 'number')
    ? elements.reduce((all, element) => all * element, 1)
    : undefined;
}

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ...['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((name) => [name, identity] as const),
  ['Shape', shapeOf],
  ['Size', size],
  ['Concat', concat],
  ['Gather', gather],
  ['Slice', slice],
  ['Split', split],
  ['Transpose', transpose],
  ['ConstantOfShape', constantOfShape],
  ['Expand', expand],
  ['Tile', tile],
  ['Range', range],
  ['Cast', cast],
  ['ReduceProd', reduce((a, b) => a * b, 1)],
  ['ReduceSum', reduce((a, b) => a + b, 0)],
  ['ReduceMax', reduce(Math.max, -Infinity)],
  ['ReduceMin', reduce(Math.min, Infinity)],
  ...arithmeticFolds,
]);
