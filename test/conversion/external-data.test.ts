// Where the weights of a converted model go: into its file, into a file beside it, or nowhere because they stay where
// they are; and how much of them is in memory meanwhile.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { convert, type Conversion, type ConvertOptions } from '../../server/src/convert/index.js';
import {
  DataType,
  encodeBytes,
  externalLocations,
  openModel,
  piecesLength,
  writePieces,
  type ByteSource,
  type Model,
  type Tensor,
  type WritableFileSystem,
} from '../../server/src/onnx/index.js';
import { foldersForTests } from '../../server/src/testing/index.js';
import { modelOf, modelOfBytes } from './graph-text.js';
import { graphFor, sameBytes, type Wish } from './plans.js';
import { bitsOf, fakeInput, runModel } from './run-model.js';

const newFolder = foldersForTests();
const LOCATION = 'model.data';
const FIRST_LOW: Wish = { y: 'fp16', '*': 'original' };

/** Two weights, of 8 KB and 4.8 KB, and a small one. */
function twoWeights(): Model {
  return modelOf(
    `input x: float[1,512]
     init w: float[512,4] = 0.1 -0.2 0.3
     init v: float[4,300] = 0.7 -0.1
     init b: float[300] = 0.5 0.25
     init c: float[1] = 3
     y = MatMul(x, w)
     z = MatMul(y, v)
     r = Add(z, b)
     s = Add(r, c)
     output s: float[1,300]`,
  );
}

function converted(model: Model, wish: Wish, options: ConvertOptions): Conversion {
  const conversion = convert(graphFor(model, wish), options);
  if ('problems' in conversion) throw new Error(conversion.problems[0]?.message);
  return conversion;
}

/** By name: in which file each initializer of the main graph lies; empty for the model's. */
function places(conversion: Conversion): Record<string, string> {
  const { graph } = modelOfBytes(encodeBytes(conversion.pieces));
  const placeOf = ({ data }: Tensor): string => (data.kind === 'external' ? data.location : '');
  return Object.fromEntries(graph.initializers.map((tensor) => [tensor.name, placeOf(tensor)]));
}

/** A new folder with these files. */
function folderWith(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = newFolder();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

function folderOf(conversion: Conversion): string {
  const { pieces, external } = conversion;
  return folderWith({
    'model.onnx': encodeBytes(pieces),
    ...(external === undefined ? {} : { [external.location]: encodeBytes(external.pieces) }),
  });
}

function openIn(folder: string): Model {
  const opened = openModel(join(folder, 'model.onnx'));
  if ('problem' in opened) throw new Error(opened.problem.message);
  onTestFinished(() => {
    opened.model.source.close();
  });
  return opened.model;
}

/** What a model in a folder computes, to the last bit. */
async function bitsIn(folder: string, conversion: Conversion, feeds: Record<string, ort.Tensor>) {
  return bitsOf(await runModel(encodeBytes(conversion.pieces), feeds, folder));
}

describe('a model longer than a file can be', () => {
  const necessary = (largestFile: number): ConvertOptions => ({
    externalLocation: LOCATION,
    externalWeights: 'necessary',
    largestFile,
  });

  it('has its weights in external data without being asked, and computes the same', async () => {
    const model = twoWeights();
    const whole = converted(model, FIRST_LOW, necessary(2 ** 31 - 1));
    expect(whole.external).toBeUndefined();
    const limit = whole.summary.bytes - 1;
    const split = converted(model, FIRST_LOW, necessary(limit));
    expect(split.summary.bytes).toBeLessThan(1024);
    expect(places(split)).toEqual({ w: LOCATION, v: LOCATION, b: LOCATION, c: '' });
    // At the limit itself it is one file.
    expect(converted(model, FIRST_LOW, necessary(limit + 1)).external).toBeUndefined();
    const feeds = { x: fakeInput([1, 512]) };
    expect(await bitsIn(folderOf(split), split, feeds)).toEqual(await bitsIn(folderOf(whole), whole, feeds));
  });

  it.each([
    ['because there is no name for such a file', { largestFile: 4000 }],
    ['because what is too small for external data is too long already', necessary(10)],
  ])('is refused with the way out, %s', (_, options) => {
    const conversion = convert(graphFor(twoWeights(), FIRST_LOW), options);
    expect(conversion).toMatchObject({ problems: [{ code: 'too-large' }] });
  });
});

describe('the file of external data', () => {
  it('holds weights of sub-graphs too, which are found there', async () => {
    const model = modelOf(
      `input x: float[1,64]
       input c: bool[]
       graph then
         init w: float[64,64] = 0.1 -0.2 0.3
         t = MatMul(x, w)
         output t: float[1,64]
       end
       graph else
         init v: float[64,64] = 0.4 -0.3
         e = MatMul(x, v)
         output e: float[1,64]
       end
       z = If(c) {"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}
       output z: float[1,64]`,
    );
    const inside = converted(model, { '*': 'fp16' }, {});
    const outside = converted(model, { '*': 'fp16' }, { externalLocation: LOCATION });
    expect(outside.external && piecesLength(outside.external.pieces)).toBeGreaterThanOrEqual(2 * 2 * 64 * 64);
    for (const chosen of [true, false]) {
      const feeds = { x: fakeInput([1, 64]), c: new ort.Tensor('bool', [chosen], []) };
      expect(await bitsIn(folderOf(outside), outside, feeds)).toEqual(
        await bitsIn(folderOf(inside), inside, feeds),
      );
    }
  });

  it('has its large weights at memory pages and no two of them in one place', () => {
    const model = modelOf(
      `input x: float[1,256]
       init a: float[256,257] = 0.1
       init b: float[257,3] = 0.2
       init c: float[3,100] = 0.3
       init d: float[100,999] = 0.4
       y = MatMul(x, a)
       z = MatMul(y, b)
       s = MatMul(z, c)
       t = MatMul(s, d)
       output t: float[1,999]`,
    );
    const conversion = converted(model, FIRST_LOW, { externalLocation: LOCATION });
    const { graph } = modelOfBytes(encodeBytes(conversion.pieces));
    let end = 0;
    for (const { data, name } of graph.initializers) {
      if (data.kind !== 'external') throw new Error(`${name} is in the model`);
      const length = data.length ?? 0;
      expect(data.offset).toBeGreaterThanOrEqual(end);
      expect(data.offset % (length >= 65_536 ? 4096 : 64)).toBe(0);
      end = data.offset + length;
    }
    expect(conversion.external && piecesLength(conversion.external.pieces)).toBe(end);
  });
});

describe('a model with external data', () => {
  it('keeps its weights external: what is converted goes to a file of its own, the rest stays where it is', async () => {
    const original = converted(twoWeights(), { '*': 'original' }, { externalLocation: 'weights.bin' });
    const folder = folderOf(original);
    const options = { externalLocation: LOCATION, externalWeights: 'converted' } as const;
    const conversion = converted(openIn(folder), FIRST_LOW, options);
    expect(places(conversion)).toEqual({ w: LOCATION, v: 'weights.bin', b: 'weights.bin', c: '' });
    expect(conversion.external && piecesLength(conversion.external.pieces)).toBe(2 * 512 * 4);
    expect(conversion.summary.warnings.map(({ code }) => code)).toEqual(['external-data-kept']);
    writeFileSync(join(folder, LOCATION), encodeBytes(conversion.external?.pieces ?? []));

    const feeds = { x: fakeInput([1, 512]) };
    const alone = converted(twoWeights(), FIRST_LOW, {});
    expect(await bitsIn(folder, conversion, feeds)).toEqual(await bitsIn(folder, alone, feeds));
  });

  it('can have all of them copied, so that nothing of the original is needed', () => {
    const folder = folderOf(
      converted(twoWeights(), { '*': 'original' }, { externalLocation: 'weights.bin' }),
    );
    const conversion = converted(openIn(folder), FIRST_LOW, { externalLocation: LOCATION });
    const files = folderOf(conversion);
    expect([...externalLocations(openIn(files))]).toEqual([LOCATION]);
    expect(conversion.summary.warnings).toEqual([]);
    // They are what a model without external data would have there.
    const direct = converted(twoWeights(), FIRST_LOW, { externalLocation: LOCATION });
    const [copied, written] = [conversion, direct].map((one) => encodeBytes(one.external?.pieces ?? []));
    expect(copied && written && sameBytes(copied, written)).toBe(true);
  });
});

describe('memory', () => {
  const MEGABYTE = 2 ** 20;

  it.each([8, 64])('of a conversion does not grow with a weight, of %d MB', async (megabytes) => {
    const elements = (megabytes * MEGABYTE) / 4;
    const { source, largestRead } = endless(elements * 4);
    const { model } = largeModel(source, elements);
    const conversion = converted(model, { '*': 'fp16' }, {});
    const { fileSystem, largestWrite, mostMemory } = sink();
    const before = process.memoryUsage().arrayBuffers;
    const written = await writePieces('/nowhere/mixed.onnx', conversion.pieces, fileSystem);
    expect(written).toEqual({ length: conversion.summary.bytes });
    expect(conversion.summary.bytes).toBeGreaterThan(elements * 2);
    expect(largestRead()).toBeLessThanOrEqual(MEGABYTE);
    expect(largestWrite()).toBeLessThanOrEqual(MEGABYTE);
    expect(mostMemory() - before).toBeLessThan(4 * MEGABYTE);
  });
});

/** A source of that many zeros that remembers the most that it was asked for at once. */
function endless(length: number): { readonly source: ByteSource; readonly largestRead: () => number } {
  let largest = 0;
  const source: ByteSource = {
    path: undefined,
    length,
    read: (_, wanted) => {
      largest = Math.max(largest, wanted);
      return new Uint8Array(wanted);
    },
    readInto: (_, target) => {
      largest = Math.max(largest, target.length);
      target.fill(0);
    },
    close: () => undefined,
  };
  return { source, largestRead: () => largest };
}

/** A product with one weight that lies in `source`. */
function largeModel(source: ByteSource, elements: number): { readonly model: Model } {
  const dims = [1024, elements / 1024];
  const model = modelOf(
    `input x: float[1,1024]
     init w: float[1] = 1
     y = MatMul(x, w)
     output y: float[1,${dims[1]}]`,
  );
  const data = { kind: 'bytes', source, range: { offset: 0, length: elements * 4 } } as const;
  const weight: Tensor = { name: 'w', dataType: DataType.FLOAT, dims, data, message: undefined };
  return { model: { ...model, graph: { ...model.graph, initializers: [weight] } } };
}

/** Takes all that is written and keeps nothing but how much it was at most, and what memory was held then. */
function sink() {
  let largest = 0;
  let most = 0;
  const nothing = (): Promise<void> => Promise.resolve();
  const write = (bytes: Uint8Array): Promise<number> => {
    largest = Math.max(largest, bytes.length);
    most = Math.max(most, process.memoryUsage().arrayBuffers);
    return Promise.resolve(bytes.length);
  };
  const open = () => Promise.resolve({ write, fsync: nothing, close: nothing });
  const fileSystem: WritableFileSystem = { open, rename: nothing, unlink: nothing };
  return { fileSystem, largestWrite: () => largest, mostMemory: () => most };
}
