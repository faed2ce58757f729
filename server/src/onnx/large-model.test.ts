/** A model of 3 GB, nearly all of it one weight: read, edited and written without the weight being in memory. */
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { DataType } from './model.js';
import { encodeFresh, encodeModel } from './encode.js';
import { makeComputedTensor, makeGraph, makeNode, makeTensor } from './make.js';
import { pieceLength, piecesLength } from './pieces.js';
import { openModel } from './read-model.js';
import { tensorLocation } from './tensor-bytes.js';
import { modelOf } from './testing/models.js';
import { writePieces, type WritableFileSystem } from './write-pieces.js';

const folder = folderForTests();

const WEIGHT = 3 * 2 ** 30;
const MEGABYTE = 2 ** 20;

/** The weight is a hole in the file: it takes no room on the disk, and reads as zeros. */
function sparseModel(): string {
  const huge = makeComputedTensor('huge', DataType.UINT8, [WEIGHT], WEIGHT, () => []);
  const small = makeTensor('small', DataType.UINT8, [3], Uint8Array.of(1, 2, 3));
  const node = makeNode({ opType: 'Concat', inputs: ['huge', 'small'], outputs: ['y'] });
  const graph = makeGraph({ name: 'g', nodes: [node], inputs: [], outputs: [], initializers: [huge, small] });
  const path = join(folder, 'large.onnx');
  const file = openSync(path, 'w');
  let at = 0;
  for (const piece of encodeFresh({ irVersion: 8, opsets: new Map([['', 17]]), graph })) {
    if (piece.kind === 'bytes') writeSync(file, piece.bytes, 0, piece.bytes.length, at);
    at += pieceLength(piece);
    ftruncateSync(file, at);
  }
  closeSync(file);
  return path;
}

/** Takes everything and keeps nothing but the sum of the lengths. */
function sink(): { fileSystem: WritableFileSystem; written: () => number } {
  let written = 0;
  const nothing = (): Promise<void> => Promise.resolve();
  const file = {
    write: (bytes: Uint8Array) => {
      written += bytes.length;
      return Promise.resolve(bytes.length);
    },
    fsync: nothing,
    close: nothing,
  };
  const fileSystem = { open: () => Promise.resolve(file), rename: nothing, unlink: nothing };
  return { fileSystem, written: () => written };
}

describe('a model of 3 GB', () => {
  it('is read, edited and written in a few megabytes', async () => {
    const path = sparseModel();
    expect(statSync(path).size).toBeGreaterThan(WEIGHT);
    const before = process.memoryUsage.rss();

    const model = modelOf(openModel(path));
    expect(model.graph.initializers.map(({ name, dims }) => [name, dims])).toEqual([
      ['huge', [WEIGHT]],
      ['small', [3]],
    ]);
    const [huge, small] = model.graph.initializers;
    if (huge === undefined || small === undefined) throw new Error('the model has two initializers');
    expect(tensorLocation(huge, model)).toMatchObject({
      location: { relativePath: 'large.onnx', length: WEIGHT },
    });
    const read = process.memoryUsage.rss();
    expect(read - before).toBeLessThan(32 * MEGABYTE);

    const nodes = model.graph.nodes.map((node) => ({ ...node, name: 'named' }));
    const pieces = encodeModel(model, { graph: { ...model.graph, nodes } });
    expect(piecesLength(pieces)).toBe(model.source.length + 'named'.length + 2);
    const { fileSystem, written } = sink();
    expect(await writePieces(join(folder, 'copy.onnx'), pieces, fileSystem)).toEqual({
      length: piecesLength(pieces),
    });
    expect(written()).toBe(piecesLength(pieces));
    // Each chunk is a new buffer until the collector comes by: far less than the weight, not nothing.
    expect(process.memoryUsage.rss() - read).toBeLessThan(256 * MEGABYTE);
    model.source.close();
  });
});
