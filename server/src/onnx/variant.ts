/**
 * A small model in memory whose weights stay in the original file: tensors by byte range, small ones inline. Knows
 * how such a model is put together; what its nodes are for is the caller's.
 */
import { encodeFreshSteps } from './encode.js';
import { makeExternalTensor, makeGraph, makeTensor } from './make.js';
import type { Graph, Model, Node, Tensor, ValueInfo } from './model.js';
import { encodeBytesSteps } from './pieces.js';
import { seeded } from './seeded.js';
import type { Steps } from './steps.js';
import { modelFolder, tensorBytes, tensorLocation } from './tensor-bytes.js';
import { tensorByteLength } from './tensor-size.js';

export interface Variant {
  /** The model's file. Locations of weights are relative to `weightsFolder` of the original model. */
  readonly bytes: Uint8Array;
  /** The same as a model, for whoever wants to look at it. */
  readonly model: Model;
}

/** Initializers may stand outside the inputs, and every operator of today's opsets is known, from here on. */
const LEAST_IR_VERSION = 8;
/** Shapes and scalars are read when a session is made: they are cheaper in the model than beside it. */
const LEAST_EXTERNAL_BYTES = 1024;

/** The tensor under another name, as a range of the original's files where it is worth it. */
export function referredTensor(name: string, tensor: Tensor, model: Model): Tensor {
  const isLarge = (tensorByteLength(tensor) ?? 0) >= LEAST_EXTERNAL_BYTES;
  const found = isLarge ? tensorLocation(tensor, model) : undefined;
  const location = found !== undefined && 'location' in found ? found.location : undefined;
  if (location !== undefined) {
    const { relativePath, offset, length } = location;
    return makeExternalTensor(name, tensor.dataType, tensor.dims, relativePath, offset, length);
  }
  const read = tensorBytes(tensor, modelFolder(model));
  // What cannot be read is handed on as it is: the runtime refuses it and says which tensor it was.
  return 'bytes' in read ? makeTensor(name, tensor.dataType, tensor.dims, read.bytes) : { ...tensor, name };
}

export interface VariantParts {
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/**
 * A variant of the model with another graph, a few nodes at a time; opsets, functions and sparse initializers are the
 * model's. What draws random numbers has a seed in it.
 */
export function* variantSteps(model: Model, parts: VariantParts): Steps<Variant> {
  const { graph } = model;
  const made: Graph = {
    ...makeGraph({ name: graph.name, ...parts, nodes: seeded(parts.nodes) }),
    // Sparse initializers can only be taken over with the message that holds them.
    ...(graph.sparseInitializers.length > 0
      ? { sparseInitializers: graph.sparseInitializers, message: graph.message }
      : {}),
  };
  const irVersion = Math.max(model.irVersion, LEAST_IR_VERSION);
  const { opsets } = model;
  const functions = model.functions.map((one) => {
    const nodes = seeded(one.nodes);
    return nodes === one.nodes ? one : { ...one, nodes };
  });
  const variant: Model = {
    source: model.source,
    producer: '',
    message: undefined,
    irVersion,
    opsets,
    functions,
    graph: made,
  };
  const pieces = yield* encodeFreshSteps({ irVersion, opsets, functions, graph: made });
  yield;
  return { bytes: yield* encodeBytesSteps(pieces), model: variant };
}
