/** Samples by the shapes of their inputs: graphs that are made for shapes are made once for all samples that have them. */
import type { Shape } from '../../onnx/index.js';
import type { Evaluation } from './evaluation.js';

/** Positions of the samples with the same shapes, by the first of them. */
export function samplesByShape({
  samples,
}: Pick<Evaluation, 'samples'>): ReadonlyMap<number, readonly number[]> {
  const firsts = new Map<string, number>();
  const groups = new Map<number, number[]>();
  for (const [index, { inputs }] of samples.entries()) {
    const key = Object.entries(inputs)
      .map(([name, { dims }]) => `${name} ${dims.join()}`)
      .join('\n');
    const first = firsts.get(key) ?? index;
    firsts.set(key, first);
    groups.set(first, [...(groups.get(first) ?? []), index]);
  }
  return groups;
}

/** Those of the shapes that have a number for each dimension. */
export function concreteShapes(shapes: ReadonlyMap<string, Shape>): ReadonlyMap<string, readonly number[]> {
  return new Map(
    [...shapes].flatMap(([name, shape]): [string, number[]][] => {
      const sizes = shape.filter((size) => typeof size === 'number');
      return sizes.length === shape.length ? [[name, sizes]] : [];
    }),
  );
}
