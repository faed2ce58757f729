/** Folding of element-wise operators: arithmetic, comparison, logic and choice, in the element type's arithmetic. */
import { intAttribute } from './attributes.js';
import type { Fold, PartialTensor } from './constants-fold.js';
import { flatIndex, positionOf } from './constants-fold.js';
import type { Dimension } from './model.js';
import { DataType } from './model.js';
import { addDimensions, multiplyDimensions } from './shape-inference/dimension.js';

type Operation = (a: Dimension, b: Dimension, dataType: DataType) => Dimension;

/** On numbers alone; symbols and unknown elements stay unknown. */
function onNumbers(operation: (a: number, b: number) => number): Operation {
  // Two arguments and no more: `Math.max` would count the type among its operands.
  return (a, b, dataType) =>
    typeof a === 'number' && typeof b === 'number' ? rounded(operation(a, b), dataType) : undefined;
}

const add: Operation = (a, b, dataType) => rounded(addDimensions(a, b), dataType);

const subtract: Operation = (a, b, dataType) => {
  if (typeof a === 'number' && typeof b === 'number') return rounded(a - b, dataType);
  return b === 0 ? a : undefined;
};

const multiply: Operation = (a, b, dataType) => rounded(multiplyDimensions(a, b), dataType);

const divide: Operation = (a, b, dataType) => {
  if (b === 1) return a;
  if (typeof a !== 'number' || typeof b !== 'number') return undefined;
  if (isReal(dataType)) return rounded(a / b, dataType);
  return b === 0 ? undefined : Math.trunc(a / b);
};

/** The sign is the divisor's, as in Python; with `fmod` the dividend's, as in C. */
function remainder(sameSignAsDividend: boolean): Operation {
  return onNumbers((a, b) => {
    if (b === 0) return NaN;
    const rest = a % b;
    return sameSignAsDividend || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
  });
}

/** Symbols are sizes: equal ones are equal, and none is negative. */
const equal: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 1 : 0;
  if (typeof a === 'string' && a === b) return 1;
  const number = typeof a === 'number' ? a : b;
  const symbol = typeof a === 'string' ? a : b;
  return typeof number === 'number' && typeof symbol === 'string' && number < 0 ? 0 : undefined;
};

function compare(holds: (a: number, b: number) => boolean): Operation {
  return (a, b) => (typeof a === 'number' && typeof b === 'number' ? (holds(a, b) ? 1 : 0) : undefined);
}

const and: Operation = (a, b) => (a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : undefined);
const or: Operation = (a, b) => (a === 1 || b === 1 ? 1 : a === 0 && b === 0 ? 0 : undefined);

function elementwise(operation: Operation, result?: DataType): Fold {
  return ({ node, opset, dims, value }) => {
    const values = node.inputs.map((_, index) => value(index));
    const inputs = values.filter((input) => input !== undefined);
    const [first] = inputs;
    // Before opset 7 the second operand broadcast by rules of its own.
    if (first === undefined || inputs.length < values.length || opset < 7) return undefined;
    const elements = mapIndexes(dims, (position) =>
      inputs
        .slice(1)
        .reduce<Dimension>(
          (left, right) => operation(left, elementAt(right, position), first.dataType),
          elementAt(first, position),
        ),
    );
    return { dataType: result ?? first.dataType, dims, elements };
  };
}

function unary(operation: (a: number) => number): Fold {
  return ({ dims, value }) => {
    const input = value(0);
    if (input === undefined) return undefined;
    const elements = input.elements.map((element) =>
      typeof element === 'number' ? rounded(operation(element), input.dataType) : undefined,
    );
    return { dataType: input.dataType, dims, elements };
  };
}

/** Rounding of something that is whole already changes nothing, symbols included. */
function toWhole(operation: (a: number) => number): Fold {
  return ({ dims, value }) => {
    const input = value(0);
    if (input === undefined) return undefined;
    const elements = input.elements.map((element) =>
      typeof element === 'number' ? operation(element) : element,
    );
    return { dataType: input.dataType, dims, elements };
  };
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const isHalf = value - floor === 0.5;
  return isHalf ? 2 * Math.round(value / 2) : Math.round(value);
}

const where: Fold = ({ dims, value }) => {
  const [condition, chosen, otherwise] = [value(0), value(1), value(2)];
  if (condition === undefined || chosen === undefined || otherwise === undefined) return undefined;
  const elements = mapIndexes(dims, (position) => {
    const [yes, no] = [elementAt(chosen, position), elementAt(otherwise, position)];
    const choice = elementAt(condition, position);
    if (choice === undefined) return yes === no ? yes : undefined;
    return choice === 0 ? no : yes;
  });
  return { dataType: chosen.dataType, dims, elements };
};

export const arithmeticFolds: readonly (readonly [string, Fold])[] = [
  ['Add', elementwise(add)],
  ['Sum', elementwise(add)],
  ['Sub', elementwise(subtract)],
  ['Mul', elementwise(multiply)],
  ['Div', elementwise(divide)],
  ['Mod', (context) => elementwise(remainder(intAttribute(context.node, 'fmod', 0) !== 0))(context)],
  ['Max', elementwise(onNumbers(Math.max))],
  ['Min', elementwise(onNumbers(Math.min))],
  ['Equal', elementwise(equal, DataType.BOOL)],
  [
    'Greater',
    elementwise(
      compare((a, b) => a > b),
      DataType.BOOL,
    ),
  ],
  [
    'GreaterOrEqual',
    elementwise(
      compare((a, b) => a >= b),
      DataType.BOOL,
    ),
  ],
  [
    'Less',
    elementwise(
      compare((a, b) => a < b),
      DataType.BOOL,
    ),
  ],
  [
    'LessOrEqual',
    elementwise(
      compare((a, b) => a <= b),
      DataType.BOOL,
    ),
  ],
  ['And', elementwise(and)],
  ['Or', elementwise(or)],
  ['Not', unary((a) => (a === 0 ? 1 : 0))],
  ['Neg', unary((a) => -a)],
  ['Abs', unary(Math.abs)],
  ['Sqrt', unary(Math.sqrt)],
  ['Floor', toWhole(Math.floor)],
  ['Ceil', toWhole(Math.ceil)],
  ['Round', toWhole(roundHalfToEven)],
  ['Where', where],
];

function isReal(dataType: DataType): boolean {
  return dataType === DataType.FLOAT || dataType === DataType.DOUBLE;
}

/** The value as the element type holds it; unknown where it would not be exact. */
function rounded(value: Dimension, dataType: DataType): Dimension {
  if (typeof value !== 'number') return value;
  if (dataType === DataType.FLOAT) return Math.fround(value);
  if (dataType === DataType.DOUBLE || dataType === DataType.BOOL) return value;
  return Number.isSafeInteger(value) ? value : undefined;
}

function elementAt(tensor: PartialTensor, position: readonly number[]): Dimension {
  return tensor.elements[flatIndex(position, tensor.dims)];
}

function mapIndexes(
  dims: readonly number[],
  element: (position: readonly number[]) => Dimension,
): readonly Dimension[] {
  const count = dims.reduce((all, length) => all * length, 1);
  return Array.from({ length: count }, (_, index) => element(positionOf(index, dims)));
}
