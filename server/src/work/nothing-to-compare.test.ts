/** Models that give out no floating-point numbers: nothing passes for measured, and the way out names a tensor. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { computeForTests, realModel } from '../analysis/testing/index.js';
import { DataType, makeGraph, makeNode, makeTensorType, makeValueInfo, type Model } from '../onnx/index.js';
import { graphBytes } from '../onnx/testing/index.js';
import { nothingToCompare } from './nothing-to-compare.js';

const { folder } = await computeForTests();

/** A choice among scores, and which of both the model gives out. */
function modelThatGives(...names: readonly ('label' | 'scores')[]): Model {
  const value = (name: string) =>
    makeValueInfo(name, makeTensorType(name === 'label' ? DataType.INT64 : DataType.FLOAT, undefined));
  const graph = makeGraph({
    name: 'choice',
    nodes: [
      makeNode({ opType: 'Tanh', inputs: ['x'], outputs: ['scores'] }),
      makeNode({ opType: 'ArgMax', inputs: ['scores'], outputs: ['chosen'] }),
      makeNode({ opType: 'Identity', inputs: ['chosen'], outputs: ['label'] }),
    ],
    initializers: [],
    inputs: [makeValueInfo('x', makeTensorType(DataType.FLOAT, [1, 4]))],
    outputs: names.map(value),
  });
  const path = join(folder, `${names.join('-')}.onnx`);
  writeFileSync(path, graphBytes(graph));
  return realModel(path);
}

describe('a model', () => {
  it('whose outputs are whole numbers has nothing to compare, and what they are computed from has', () => {
    const refused = nothingToCompare({ model: modelThatGives('label'), path: 'p.precision' });
    expect(refused?.problem).toMatchObject({
      kind: 'input',
      code: 'nothing-to-compare',
      message: expect.stringContaining('let the model give out "scores" too') as string,
    });
  });

  it('that gives out both is compared', () => {
    expect(
      nothingToCompare({ model: modelThatGives('label', 'scores'), path: 'p.precision' }),
    ).toBeUndefined();
  });
});
