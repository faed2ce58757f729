/**
 * `top1` and `top5`: the share of rows in which the class that the reference puts first is the first, or among the
 * first five, of the actual output. Of equal scores the earlier class comes first; NaN comes after everything. Sums:
 * rows that agree; rows.
 */
import { classAxis, classAxisProblem, forEachRow } from './class-axis.js';
import { at, share, type MetricDefinition } from './definition.js';

function score(values: Float32Array, index: number): number {
  const value = values[index] ?? NaN;
  return Number.isNaN(value) ? -Infinity : value;
}

/** The class that comes first in the row. */
function first(values: Float32Array, start: number, classes: number, stride: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if (score(values, start + c * stride) > score(values, start + best * stride)) best = c;
  }
  return best;
}

/** How many classes of the row come before `index`. */
function rank(values: Float32Array, start: number, classes: number, stride: number, index: number): number {
  const own = score(values, start + index * stride);
  let before = 0;
  for (let c = 0; c < classes; c++) {
    const other = score(values, start + c * stride);
    if (other > own || (other === own && c < index)) before++;
  }
  return before;
}

function topOf(places: number): MetricDefinition {
  return {
    better: '>=',
    over: 'pooled',
    best: 1,
    worst: 0,
    seesNonFinite: true,
    problem: classAxisProblem,
    sums(specification, reference, actual, dims) {
      const axis = classAxis(specification, dims);
      let agreeing = 0;
      let rows = 0;
      forEachRow(axis, (start) => {
        const wanted = first(reference, start, axis.classes, axis.inner);
        if (rank(actual, start, axis.classes, axis.inner, wanted) < places) agreeing++;
        rows++;
      });
      return [agreeing, rows];
    },
    value: (sums) => share(at(sums, 0), at(sums, 1), 1),
  };
}

export const top1 = topOf(1);
export const top5 = topOf(5);
