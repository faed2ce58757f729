/**
 * Which operators only move or copy values, and which inputs are read as shapes. Facts of the operators' definitions;
 * knows no model beyond the one node that it is asked about, and no decision.
 */
import { stringAttribute, type Node } from '../../onnx/index.js';

export { drawsRandomNumbers } from '../../onnx/index.js';

/** Operators of the ONNX domain whose output elements are input elements (or a constant's), unchanged. */
const MOVEMENT: ReadonlySet<string> = new Set([
  'Cast',
  'CastLike',
  'CenterCropPad',
  'Compress',
  'Concat',
  'DepthToSpace',
  'Dropout',
  'Expand',
  'Flatten',
  'Gather',
  'GatherElements',
  'GatherND',
  'Identity',
  'OneHot',
  'Pad',
  'Reshape',
  'ReverseSequence',
  'Scatter',
  'ScatterElements',
  'ScatterND',
  'Slice',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Trilu',
  'Unsqueeze',
  'Where',
]);

/** The same of ONNX Runtime's own operators, `com.microsoft`. */
const CONTRIBUTED_MOVEMENT: ReadonlySet<string> = new Set([
  'ExpandDims',
  'GatherND',
  'Pad',
  'SampleOp',
  'Trilu',
  'UnfoldTensor',
  'Unique',
]);

/** Operators on sequences and optional values: they move tensors, but the container keeps its element type. */
const CONTAINER_MOVEMENT: ReadonlySet<string> = new Set([
  'ConcatFromSequence',
  'Optional',
  'OptionalGetElement',
  'SequenceAt',
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceErase',
  'SequenceInsert',
  'SplitToSequence',
]);

/** Inputs that say how something is laid out: shapes, axes, positions, counts. By operator of the ONNX domain. */
const SHAPE_INPUTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['AffineGrid', [1]],
  ['BlackmanWindow', [0]],
  ['CenterCropPad', [1]],
  ['Col2Im', [1, 2]],
  ['ConstantOfShape', [0]],
  ['CumSum', [1]],
  ['DFT', [1, 2]],
  ['Expand', [1]],
  ['HammingWindow', [0]],
  ['HannWindow', [0]],
  ['MaxUnpool', [2]],
  ['NonMaxSuppression', [2]],
  ['OneHot', [1]],
  ['Pad', [1, 3]],
  ['ReduceL1', [1]],
  ['ReduceL2', [1]],
  ['ReduceLogSum', [1]],
  ['ReduceLogSumExp', [1]],
  ['ReduceMax', [1]],
  ['ReduceMean', [1]],
  ['ReduceMin', [1]],
  ['ReduceProd', [1]],
  ['ReduceSum', [1]],
  ['ReduceSumSquare', [1]],
  ['Reshape', [1]],
  ['Resize', [2, 3]],
  ['STFT', [1, 3]],
  ['Slice', [1, 2, 3, 4]],
  ['Split', [1]],
  ['SplitToSequence', [1]],
  ['Squeeze', [1]],
  ['Tile', [1, 2]],
  ['TopK', [1]],
  ['Trilu', [1]],
  ['Unsqueeze', [1]],
  ['Upsample', [1]],
]);

/** The same of `com.microsoft`. */
const CONTRIBUTED_SHAPE_INPUTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['CropAndResize', [3]],
  ['ExpandDims', [1]],
  ['Pad', [1]],
  ['Trilu', [1]],
]);

const CONTRIBUTED = 'com.microsoft';

/** Whether an operator of the ONNX domain can only move or copy values: some attributes and inputs make it compute. */
export function isMovementOperator(opType: string): boolean {
  return MOVEMENT.has(opType) || CONTAINER_MOVEMENT.has(opType);
}

/** Whether the node only moves or copies values. */
export function isMovement(node: Node): boolean {
  if (node.domain === CONTRIBUTED) return CONTRIBUTED_MOVEMENT.has(node.opType);
  if (node.domain !== '') return false;
  if (CONTAINER_MOVEMENT.has(node.opType)) return true;
  if (!MOVEMENT.has(node.opType)) return false;
  switch (node.opType) {
    // With a reduction the values are added or compared.
    case 'ScatterElements':
    case 'ScatterND':
      return stringAttribute(node, 'reduction', 'none') === 'none';
    // One that can train scales what it keeps.
    case 'Dropout':
      return (node.inputs[2] ?? '') === '';
    default:
      return true;
  }
}

/**
 * Whether the node's format may follow its neighbours': movement, but not of containers of tensors, nor where the type
 * is taken from an input; and ConstantOfShape, which repeats one value in whatever type that is stored.
 */
export function isFreeMovement(node: Node): boolean {
  if (node.domain === '' && node.opType === 'ConstantOfShape') return true;
  if (node.domain === '' && (CONTAINER_MOVEMENT.has(node.opType) || node.opType === 'CastLike')) return false;
  return isMovement(node);
}

/** Whether the node reads this input as a shape, an axis, a position or a count, never as values. */
export function isShapeInput(node: Node, input: number): boolean {
  if (node.domain !== '' && node.domain !== CONTRIBUTED) return false;
  const inputs = node.domain === '' ? SHAPE_INPUTS : CONTRIBUTED_SHAPE_INPUTS;
  return inputs.get(node.opType)?.includes(input) === true;
}

/** Whether the node tells the shape of its input and nothing of its values. */
export function tellsShape(node: Node): boolean {
  return node.domain === '' && (node.opType === 'Shape' || node.opType === 'Size');
}
