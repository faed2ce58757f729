import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bufferSource,
  contentHash,
  DataType,
  makeExternalTensor,
  makeGraph,
  openModel,
  readModel,
  type Model,
  type ModelResult,
} from '../onnx/index.js';
import { graphBytes } from '../onnx/testing/index.js';
import { foldersForTests } from '../testing/index.js';
import { fingerprint } from './model-fingerprint.js';
import { openStore, type Store } from './open-store.js';

const newFolder = foldersForTests();
/** A time long past, in seconds, as files have that nobody is writing. */
const LONG_AGO = 1_700_000_000;

function modelOf(result: ModelResult): Model {
  if ('problem' in result) throw new Error(result.problem.message);
  return result.model;
}

function modelBytes(graphName: string): Uint8Array {
  const initializers = [makeExternalTensor('w', DataType.FLOAT, [2], 'weights.bin', 0, 8)];
  const graph = makeGraph({ name: graphName, nodes: [], inputs: [], outputs: [], initializers });
  return graphBytes(graph);
}

function write(path: string, content: string | Uint8Array, seconds = LONG_AGO): void {
  writeFileSync(path, content);
  utimesSync(path, seconds, seconds);
}

interface Setting {
  readonly model: string;
  readonly weights: string;
  readonly store: Store;
  readonly storeFolder: string;
}

/** A model with external data, both long unchanged, and an empty store. */
function setting(): Setting {
  const folder = newFolder();
  const storeFolder = newFolder();
  const [model, weights] = [join(folder, 'model.onnx'), join(folder, 'weights.bin')];
  write(model, modelBytes('first'));
  write(weights, 'abcdefgh');
  return { model, weights, storeFolder, store: openStore({ folder: storeFolder }) };
}

/** The fingerprint of the model at a path, and whether its bytes were read for it. */
async function look(path: string, store: Store): Promise<{ hash: string; read: boolean }> {
  const opened = modelOf(openModel(path));
  const { source } = opened;
  let read = false;
  const watched: Model['source'] = {
    path: source.path,
    length: source.length,
    read(offset, length) {
      read = true;
      return source.read(offset, length);
    },
    changed: () => source.changed?.() ?? true,
    close() {
      source.close();
    },
  };
  const result = await fingerprint({ ...opened, source: watched }, store);
  const expected = await contentHash(opened);
  source.close();
  expect(result).toEqual(expected);
  if ('problem' in result) throw new Error(result.problem.message);
  return { hash: result.hash, read };
}

describe('the fingerprint of a model', () => {
  it('is remembered, by other processes as well', async () => {
    const { model, store, storeFolder } = setting();
    expect((await look(model, store)).read).toBe(true);
    expect((await look(model, store)).read).toBe(false);
    await store.close();
    expect((await look(model, openStore({ folder: storeFolder }))).read).toBe(false);
  });

  it('is another one when a file has the same size and another time', async () => {
    const { model, weights, store } = setting();
    const { hash: first } = await look(model, store);
    write(weights, 'ABCDEFGH', LONG_AGO + 1);
    const second = await look(model, store);
    expect(second).toEqual({ hash: expect.any(String) as unknown, read: true });
    write(model, modelBytes('other'), LONG_AGO + 1);
    const third = await look(model, store);
    expect(third.read).toBe(true);
    expect(new Set([first, second.hash, third.hash]).size).toBe(3);
    await store.close();
  });

  it('is another one when the time was set back after a change', async () => {
    const { model, weights, store } = setting();
    const { hash } = await look(model, store);
    const { ctimeMs } = statSync(weights);
    // The clock of a file system may stand still for some milliseconds.
    while (statSync(weights).ctimeMs === ctimeMs) write(weights, 'ABCDEFGH');
    expect(statSync(weights).mtimeMs).toBe(LONG_AGO * 1000);
    expect((await look(model, store)).hash).not.toBe(hash);
    await store.close();
  });

  it('is another one when a different file of the same size and time takes the place', async () => {
    const { model, weights, store } = setting();
    await look(model, store);
    write(`${weights}.new`, 'ABCDEFGH');
    renameSync(`${weights}.new`, weights);
    expect(statSync(weights).mtimeMs).toBe(LONG_AGO * 1000);
    expect((await look(model, store)).read).toBe(true);
    await store.close();
  });

  it('is not remembered of a file that was modified just now', async () => {
    const { model, weights, store } = setting();
    write(weights, 'abcdefgh', Date.now() / 1000);
    await look(model, store);
    expect((await look(model, store)).read).toBe(true);
    await store.close();
  });

  it('is that of the file that was opened, not of the one that has taken its place', async () => {
    const { model, store } = setting();
    const opened = modelOf(openModel(model));
    const expected = await contentHash(opened);
    write(`${model}.new`, modelBytes('other'));
    renameSync(`${model}.new`, model);
    expect(await fingerprint(opened, store)).toEqual(expected);
    opened.source.close();
    expect((await look(model, store)).hash).not.toBe('hash' in expected ? expected.hash : '');
    await store.close();
  });

  it('is not taken from a file by a model in memory that bears its path', async () => {
    const { model, store } = setting();
    const { hash } = await look(model, store);
    const inMemory = modelOf(readModel(bufferSource(modelBytes('other'), model)));
    expect(await fingerprint(inMemory, store)).toEqual(await contentHash(inMemory));
    expect(await fingerprint(inMemory, store)).not.toEqual({ hash });
    await store.close();
  });

  it('is a problem while external data are missing, remembered or not', async () => {
    const { model, weights, store } = setting();
    await look(model, store);
    rmSync(weights);
    const opened = modelOf(openModel(model));
    expect(await fingerprint(opened, store)).toMatchObject({ problem: { code: 'external-data-missing' } });
    opened.source.close();
    await store.close();
  });

  it('can be cancelled', async () => {
    const { model, store } = setting();
    const opened = modelOf(openModel(model));
    await expect(fingerprint(opened, store, AbortSignal.abort())).rejects.toThrow(/abort/i);
    opened.source.close();
    await store.close();
  });
});
