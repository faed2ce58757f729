/**
 * Landmarks inside an output, for `nme` and `pck`: how far each has moved, as a share of a length that the reference
 * gives. Coordinates are the first `dims` of each `stride` values.
 */
import type { LandmarkLayout, MetricSpecification } from './metric.js';

/** Values that one set of landmarks takes at least. */
function valuesNeeded({ last, stride, dims, normalize }: LandmarkLayout): number {
  const points = normalize.kind === 'torso' ? [last, ...normalize.points] : [last];
  return Math.max(...points) * stride + dims;
}

function elementsOf(dims: readonly number[]): number {
  return dims.reduce((elements, dim) => elements * dim, 1);
}

/**
 * Sets of landmarks in a tensor: one for each element of the first axis if a whole set fits in it (a batch, or several
 * people), otherwise one.
 */
function setsIn(layout: LandmarkLayout, dims: readonly number[]): number {
  const first = dims[0] ?? 1;
  const fits = dims.length > 1 && first > 0 && elementsOf(dims) / first >= valuesNeeded(layout);
  return fits ? first : 1;
}

/** Why a tensor of these dims does not hold such landmarks. */
export function landmarksProblem(
  { name, landmarks }: MetricSpecification,
  dims: readonly number[],
): string | undefined {
  if (landmarks === undefined)
    return `${name} needs to know where the landmarks are: points, stride, dims, normalize`;
  const { first, last, stride, dims: coordinates } = landmarks;
  if (last < first) return `the points ${first}..${last} are none`;
  if (coordinates < 1 || stride < coordinates) {
    return `a stride of ${stride} does not hold ${coordinates} coordinates`;
  }
  const elements = elementsOf(dims);
  const needed = valuesNeeded(landmarks);
  if (elements === 0 || elements >= needed) return undefined;
  return `the output has ${elements} values, and the landmarks need ${needed}`;
}

/** The coordinates of the point half-way between two landmarks. */
function midpoint(
  values: Float32Array,
  layout: LandmarkLayout,
  start: number,
  a: number,
  b: number,
): number[] {
  return Array.from({ length: layout.dims }, (_, d) => {
    const first = values[start + a * layout.stride + d] ?? 0;
    const second = values[start + b * layout.stride + d] ?? 0;
    return (first + second) / 2;
  });
}

/** The sides of the smallest box round the landmarks that count. Landmarks that are not finite are left out. */
function boxSides(values: Float32Array, layout: LandmarkLayout, start: number): number[] {
  return Array.from({ length: layout.dims }, (_, d) => {
    let low = Infinity;
    let high = -Infinity;
    for (let point = layout.first; point <= layout.last; point++) {
      const value = values[start + point * layout.stride + d] ?? 0;
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return high < low ? 0 : high - low;
  });
}

/**
 * The length that distances are divided by: from mid-shoulders to mid-hips (`torso`), the geometric mean of the sides
 * of the box round the landmarks (`bbox`; the root of width times height in two dimensions), its diagonal, or a
 * number.
 */
function unitLength(reference: Float32Array, layout: LandmarkLayout, start: number): number {
  const { normalize } = layout;
  switch (normalize.kind) {
    case 'torso': {
      const [a, b, c, d] = normalize.points;
      const shoulders = midpoint(reference, layout, start, a, b);
      const hips = midpoint(reference, layout, start, c, d);
      return Math.hypot(...shoulders.map((value, i) => value - (hips[i] ?? 0)));
    }
    case 'bbox':
      return boxSides(reference, layout, start).reduce((area, side) => area * side, 1) ** (1 / layout.dims);
    case 'diagonal':
      return Math.hypot(...boxSides(reference, layout, start));
    case 'constant':
      return normalize.value;
  }
}

/** The distance between two landmarks at the same offset; what is the same infinity or NaN in both is equal. */
function distanceAt(reference: Float32Array, actual: Float32Array, offset: number, dims: number): number {
  let sum = 0;
  for (let d = 0; d < dims; d++) {
    const difference = (actual[offset + d] ?? 0) - (reference[offset + d] ?? 0);
    if (Number.isFinite(difference)) sum += difference * difference;
  }
  return Math.sqrt(sum);
}

/**
 * The distance that every landmark has moved, divided by the unit length of its set. Where that length is zero or not
 * finite, a landmark that has not moved is at 0 and any other infinitely far.
 */
export function normalisedDistances(
  layout: LandmarkLayout,
  reference: Float32Array,
  actual: Float32Array,
  dims: readonly number[],
): Float64Array {
  if (reference.length === 0) return new Float64Array(0);
  const sets = setsIn(layout, dims);
  const points = layout.last - layout.first + 1;
  const setLength = reference.length / sets;
  const distances = new Float64Array(sets * points);
  for (let set = 0; set < sets; set++) {
    const start = set * setLength;
    const unit = unitLength(reference, layout, start);
    const usable = unit > 0 && unit < Infinity;
    for (let point = 0; point < points; point++) {
      const offset = start + (layout.first + point) * layout.stride;
      const distance = distanceAt(reference, actual, offset, layout.dims);
      distances[set * points + point] = distance === 0 ? 0 : usable ? distance / unit : Infinity;
    }
  }
  return distances;
}
