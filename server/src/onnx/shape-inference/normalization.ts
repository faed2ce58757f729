/** Shapes of normalizations that give their statistics as further outputs. */
import { intAttribute } from '../attributes.js';
import type { Shape } from '../model.js';
import { normalizeAxis } from './dimension.js';
import type { ShapeRule } from './rule.js';
import { forAll } from './rule.js';

/** Y as X; mean and inverse deviation with 1 for each normalized axis (`axis` and all behind it). */
const layerNormalization: ShapeRule = (context) => {
  const shape = context.shape(0);
  const statistics =
    shape === undefined ? undefined : reduceFrom(shape, intAttribute(context.node, 'axis', -1));
  return [shape, statistics, statistics];
};

/** Y as X; the statistics, per channel, as the mean that goes in. */
const batchNormalization: ShapeRule = (context) => {
  const channels = context.shape(3) ?? context.shape(1);
  return [context.shape(0), channels, channels, channels, channels];
};

export const normalizationRules = [
  ...forAll(['LayerNormalization', 'SimplifiedLayerNormalization'], layerNormalization),
  ...forAll(['BatchNormalization'], batchNormalization),
];

function reduceFrom(shape: Shape, axis: number): Shape | undefined {
  const first = normalizeAxis(axis, shape.length);
  return first === undefined ? undefined : shape.map((dimension, index) => (index < first ? dimension : 1));
}
