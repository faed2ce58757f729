/**
 * Which operators give numbers that a format holds wherever they are given such numbers: they choose, compare or change a
 * sign. Facts of the operators' definitions; knows no model beyond the one node, and no decision. What only moves values
 * is in movement.ts.
 */
import { floatAttribute, type Node } from '../../onnx/index.js';

/** Operators of the ONNX domain whose output elements are input elements up to their sign, or whole numbers near them. */
const PRESERVING: ReadonlySet<string> = new Set([
  'Abs',
  'Ceil',
  'Clip',
  'Floor',
  'GlobalMaxPool',
  'Max',
  'MaxPool',
  'MaxRoiPool',
  'MaxUnpool',
  'Min',
  'Neg',
  'ReduceMax',
  'ReduceMin',
  'Relu',
  'Round',
  'Sign',
  'ThresholdedRelu',
  'TopK',
]);

/**
 * Whether rounding the node's inputs leaves nothing of its output to be rounded. Bounds that are attributes stay as
 * they are: they must be representable themselves.
 *
 * @param isExact whether the format holds a number.
 */
export function preservesValues(node: Node, isExact: (value: number) => boolean): boolean {
  if (node.domain !== '' || !PRESERVING.has(node.opType)) return false;
  if (node.opType !== 'Clip') return true;
  return ['min', 'max'].every((name) => {
    const bound = floatAttribute(node, name);
    return bound === undefined || isExact(bound);
  });
}
