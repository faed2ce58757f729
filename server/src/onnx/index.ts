/** ONNX model files: wire index, graph, operator schemas, type and shape inference, writer. */
export type * from './model.js';
export { DataType } from './model.js';
export { bufferSource, fileSource, readInto, SourceFault } from './source.js';
export { finish, isStep, type Steps } from './steps.js';
export { openModel, openModelSteps, readModel, type ModelResult } from './read-model.js';
export { readTensorFile, type TensorFileResult } from './read-tensor-file.js';
export { elementBits, elementCount, tensorByteLength } from './tensor-size.js';
export { type TensorProblem } from './external-files.js';
export {
  modelFolder,
  storedRange,
  tensorBytes,
  tensorLocation,
  weightsFolder,
  type BytesResult,
  type TensorLocation,
} from './tensor-bytes.js';
export { tensorValues, type TensorValues, type ValuesResult } from './tensor-values.js';
export {
  makeAttribute,
  makeComputedTensor,
  makeExternalTensor,
  makeGraph,
  madeLike,
  makeNode,
  makeTensor,
  makeValueInfo,
  makeTensorType,
  withNode,
  type AttributeContent,
  type GraphParts,
  type NodeChanges,
  type NodeParts,
} from './make.js';
export {
  encodeFresh,
  encodeFreshSteps,
  encodeModel,
  encodeModelSteps,
  type ModelChanges,
  type ModelParts,
} from './encode.js';
export { encodeBytes, piecesLength, type Piece } from './pieces.js';
export {
  writePieces,
  type WritableFile,
  type WritableFileSystem,
  type WriteOptions,
  type WriteProblem,
  type WriteResult,
} from './write-pieces.js';
export { contentHash, type HashResult } from './content-hash.js';
export { sampleBytes } from './sample-bytes.js';
export { externalLocations } from './external-locations.js';
export { externalProblems } from './external-problems.js';
export {
  allowsType,
  dataTypeName,
  inputFollowsMainType,
  inputParameter,
  isFloatingType,
  mainTypeVariable,
  NEWEST_KNOWN_OPSET,
  operatorSchema,
  outputFollowsMainType,
  outputParameter,
  type OperatorParameter,
  type OperatorSchema,
} from './schemas.js';
export { typeAttributeName, typeFromAttributes } from './type-attributes.js';
export { sameType, typeName } from './value-type.js';
export {
  inferTypes,
  inferTypesSteps,
  nodeName,
  type InferredTypes,
  type TypeInferenceSource,
  type TypeProblem,
  type TypeProblemCode,
} from './type-inference.js';
export {
  inferScopedShapes,
  inferShapes,
  inferShapesSteps,
  type ShapeOptions,
} from './shape-inference/infer-shapes.js';
export { modelText, nodeLines, type ModelText } from './model-text.js';
export { multiplyAdds } from './multiply-adds.js';
export { parseEinsum } from './shape-inference/layout.js';
export { capturedNames, indexGraph, type GraphIndex, type Reader } from './graph-index.js';
export { calledFunction, functionBody } from './functions.js';
export {
  dataTypeAttribute,
  floatAttribute,
  floatsAttribute,
  graphAttribute,
  hasAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  subgraphsOf,
  tensorAttribute,
} from './attributes.js';
export { drawsRandomNumbers } from './seeded.js';
export { referredTensor, variantSteps, type Variant, type VariantParts } from './variant.js';
export { foldNode, readSmallTensor } from './constants.js';
export { type PartialTensor } from './constants-fold.js';
