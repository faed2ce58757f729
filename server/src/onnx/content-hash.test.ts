import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { DataType, type Model, type Node } from './model.js';
import { contentHash } from './content-hash.js';
import { makeAttribute, makeExternalTensor, makeGraph, makeNode } from './make.js';
import { openModel } from './read-model.js';
import { graphBytes, modelOf, realModels } from './testing/models.js';

const folder = folderForTests();

async function hashOf(model: Model): Promise<string> {
  const result = await contentHash(model);
  if ('problem' in result) throw new Error(result.problem.message);
  return result.hash;
}

/** A model whose external data are those of an initializer, and of a constant within a sub-graph. */
function externalModel(): Model {
  const constant = (location: string): Node => {
    const value = makeExternalTensor('', DataType.FLOAT, [1], location, 0, 4);
    return makeNode({
      opType: 'Constant',
      inputs: [],
      outputs: ['c'],
      attributes: [makeAttribute('value', { kind: 'tensor', value })],
    });
  };
  const inner = makeGraph({ name: 'inner', nodes: [constant('inner.bin')], inputs: [], outputs: [] });
  const choice = makeNode({
    opType: 'If',
    inputs: ['c'],
    outputs: ['y'],
    attributes: [makeAttribute('then_branch', { kind: 'graph', value: inner })],
  });
  const initializers = [makeExternalTensor('w', DataType.FLOAT, [1], 'outer.bin', 0, 4)];
  const graph = makeGraph({ name: 'g', nodes: [choice], inputs: [], outputs: [], initializers });
  const path = join(folder, 'model.onnx');
  writeFileSync(path, graphBytes(graph));
  return modelOf(openModel(path));
}

describe('the hash of the content', () => {
  it.each(realModels().slice(0, 3))('is the SHA-256 of the file: %s', async (path) => {
    const model = modelOf(openModel(path));
    expect(await hashOf(model)).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
    model.source.close();
  });

  it('depends on every file of external data', async () => {
    const model = externalModel();
    const [inner, outer] = [join(folder, 'inner.bin'), join(folder, 'outer.bin')];
    writeFileSync(inner, 'abcd');
    writeFileSync(outer, 'efgh');
    const first = await hashOf(model);
    expect(await hashOf(model)).toBe(first);
    writeFileSync(inner, 'abcx');
    const second = await hashOf(model);
    writeFileSync(inner, 'efgh');
    writeFileSync(outer, 'abcd');
    const third = await hashOf(model);
    expect(new Set([first, second, third]).size).toBe(3);
    rmSync(inner);
    expect(await contentHash(model)).toMatchObject({ problem: { code: 'external-data-missing' } });
    model.source.close();
  });

  it('can be cancelled', async () => {
    const [path] = realModels();
    const model = modelOf(openModel(path ?? ''));
    await expect(contentHash(model, AbortSignal.abort())).rejects.toThrow(/abort/i);
    model.source.close();
  });
});
