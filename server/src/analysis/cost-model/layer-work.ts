/** What each layer of a plan computes and moves in one run, from shapes. Runs nothing. */
import { multiplyAdds, type Shape } from '../../onnx/index.js';
import type { BoundPlan, Layer } from '../../plan/index.js';
import { shapeElements } from '../ranges/ranges.js';
import type { LayerWork } from './roofline.js';

/** By tensor: its elements, as far as the shapes tell. */
export function elementsOfShapes(shapes: ReadonlyMap<string, Shape>): ReadonlyMap<string, number> {
  return new Map([...shapes].map(([name, shape]) => [name, shapeElements(shape) ?? 0]));
}

/** By the layer's name. */
export function layerWork(
  { layers }: BoundPlan,
  shapes: ReadonlyMap<string, Shape>,
): ReadonlyMap<string, LayerWork> {
  const elements = elementsOfShapes(shapes);
  return new Map(layers.map((layer) => [layer.name, workOf(layer, shapes, elements)]));
}

function workOf(
  { node, weights, multiplyAdds: counted }: Layer,
  shapes: ReadonlyMap<string, Shape>,
  elements: ReadonlyMap<string, number>,
): LayerWork {
  const held = weights.reduce((sum, { dims }) => sum + dims.reduce((product, size) => product * size, 1), 0);
  const moved = [...node.inputs, ...node.outputs].reduce((sum, name) => sum + (elements.get(name) ?? 0), 0);
  return { multiplyAdds: counted ?? multiplyAdds(node, shapes) ?? 0, elements: moved + held };
}
