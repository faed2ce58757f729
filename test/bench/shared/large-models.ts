/**
 * Models of any number of bytes, written to disk a block at a time, with or without external data. Their weights are as
 * large as those of trained networks. Deterministic.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import {
  DataType,
  encodeFresh,
  makeComputedTensor,
  makeExternalTensor,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Graph,
  type Node,
  type Tensor,
} from '../../../server/src/onnx/index.js';
import { nameOf } from './generated.js';

/** Of what goes through the network. */
const WIDTH = 1024;
const BLOCK_ELEMENTS = 2 ** 20;
const DATA = 'weights.bin';

export interface LargeModel {
  readonly bytes: number;
  /** How many weights share the bytes: an even number. */
  readonly weights: number;
  /** In a file of their own beside the model, as all beyond 2 GB have to be. */
  readonly external: boolean;
}

/** Writes `model.onnx` into `folder`, a chain of products that widen and narrow again in turns, and gives its path. */
export function writeLargeModel(folder: string, { bytes, weights, external }: LargeModel): string {
  const inner = Math.round(bytes / weights / WIDTH / 4);
  const length = inner * WIDTH * 4;
  const initializers: Tensor[] = [];
  const nodes: Node[] = [];
  for (let at = 0; at < weights; at += 1) {
    const name = `w${at}`;
    const dims = at % 2 === 0 ? [WIDTH, inner] : [inner, WIDTH];
    initializers.push(
      external
        ? makeExternalTensor(name, DataType.FLOAT, dims, DATA, at * length, length)
        : makeComputedTensor(name, DataType.FLOAT, dims, length, unread),
    );
    const inputs = [at === 0 ? 'x' : `t${at - 1}`, name];
    nodes.push(makeNode({ opType: 'MatMul', name: nameOf(at), inputs, outputs: [`t${at}`] }));
  }
  const type = makeTensorType(DataType.FLOAT, [1, WIDTH]);
  const graph = makeGraph({
    name: 'large',
    nodes,
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo(`t${weights - 1}`, type)],
    initializers,
  });
  const file = path.join(folder, 'model.onnx');
  writeModel(file, graph);
  if (external) {
    withFile(path.join(folder, DATA), (data) => {
      writeWeights(data, weights * length);
    });
  }
  return file;
}

function unread(): never {
  throw new Error('the bytes of these weights are written by whoever writes the model');
}

function writeModel(file: string, graph: Graph): void {
  withFile(file, (descriptor) => {
    for (const piece of encodeFresh({ irVersion: 8, opsets: new Map([['', 17]]), graph })) {
      if (piece.kind === 'bytes') writeSync(descriptor, piece.bytes);
      else if (piece.kind === 'computed') writeWeights(descriptor, piece.length);
    }
  });
}

function withFile(file: string, write: (descriptor: number) => void): void {
  const descriptor = openSync(file, 'w');
  try {
    write(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

let block: Uint8Array | undefined;

/** The same million numbers, again and again: no conversion is quicker for having seen a number before. */
function writeWeights(descriptor: number, length: number): void {
  block ??= weightBlock();
  for (let done = 0; done < length; done += block.length) {
    writeSync(descriptor, block, 0, Math.min(block.length, length - done));
  }
}

/** Normally distributed, with a deviation of 0.02: a few in a thousand are subnormal in FP16, none is too large. */
function weightBlock(): Uint8Array {
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const values = Float32Array.from(
    { length: BLOCK_ELEMENTS },
    () => 0.02 * Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()),
  );
  return new Uint8Array(values.buffer);
}
