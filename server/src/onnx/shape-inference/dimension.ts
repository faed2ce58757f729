/**
 * Arithmetic on dimensions that may be numbers, symbols or unknown. Everything here keeps to what must be true:
 * where a result could differ, it is unknown.
 */
import type { Dimension, Shape } from '../model.js';

/** Two statements about one dimension: a number says most, then a symbol. */
export function refineDimension(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return a ?? b;
}

/** Two statements about one shape; the first wins where they contradict each other. */
export function refineShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (contradict(a, b)) return a;
  return a.map((dimension, index) => refineDimension(dimension, b[index]));
}

/** Whether two shapes cannot be the same: other ranks, or two different numbers in one place. */
export function contradict(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return true;
  return a.some((dimension, index) => {
    const other = b[index];
    return typeof dimension === 'number' && typeof other === 'number' && dimension !== other;
  });
}

/** What two shapes have in common: for values that may have either. */
export function commonShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (a?.length !== b?.length || a === undefined || b === undefined) return undefined;
  return a.map((dimension, index) => (dimension === b[index] ? dimension : undefined));
}

export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((dimension, index) => dimension === b[index]);
}

export function addDimensions(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  return b === 0 ? a : undefined;
}

export function multiplyDimensions(a: Dimension, b: Dimension): Dimension {
  if (a === 0 || b === 0) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 1) return b;
  return b === 1 ? a : undefined;
}

/** Product of all dimensions; a lone symbol among ones stays a symbol. */
export function product(dimensions: readonly Dimension[]): Dimension {
  return dimensions.reduce(multiplyDimensions, 1);
}

/** The number of elements, where every dimension is a number. */
export function elementCount(shape: Shape | undefined): number | undefined {
  if (shape === undefined) return undefined;
  const count = product(shape);
  return typeof count === 'number' ? count : undefined;
}

/** The dimensions as numbers, where every one is. */
export function knownShape(shape: Shape | undefined): readonly number[] | undefined {
  if (shape === undefined) return undefined;
  const known = shape.filter((dimension) => typeof dimension === 'number');
  return known.length === shape.length ? known : undefined;
}

/** Numpy's broadcasting of two dimensions, in a model that runs. */
function broadcastDimension(a: Dimension, b: Dimension): Dimension {
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  // Either may be 1 at run time: equal symbols agree all the same.
  return a === b ? a : undefined;
}

/** Numpy's broadcasting of any number of shapes; undefined where a rank is not known. */
export function broadcast(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  let result: Shape = [];
  for (const shape of shapes) {
    if (shape === undefined) return undefined;
    const rank = Math.max(result.length, shape.length);
    const left: Shape = result;
    result = Array.from({ length: rank }, (_, index) => {
      const a = left.length - rank + index;
      const b = shape.length - rank + index;
      return broadcastDimension(a < 0 ? 1 : left[a], b < 0 ? 1 : shape[b]);
    });
  }
  return result;
}

/** The axis counted from the front; undefined outside the rank. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const positive = axis < 0 ? axis + rank : axis;
  return positive >= 0 && positive < rank ? positive : undefined;
}

/** All axes counted from the front; undefined if one is outside the rank. */
export function normalizeAxes(axes: readonly number[], rank: number): readonly number[] | undefined {
  const normal = axes.map((axis) => normalizeAxis(axis, rank)).filter((axis) => axis !== undefined);
  return normal.length === axes.length ? normal : undefined;
}

/** The shape with one dimension replaced. */
export function withDimension(shape: Shape, axis: number, dimension: Dimension): Shape {
  return shape.map((old, index) => (index === axis ? dimension : old));
}

/** A shape of this rank of which nothing else is known. */
export function unknownOfRank(rank: number): Shape {
  return Array.from({ length: rank }, () => undefined);
}
