/** Layers are known again in a model that was exported anew: real models and generated ones, under other names. */
import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, openModel, type Model } from '../../onnx/index.js';
import { modelOf, realModels } from '../../onnx/testing/index.js';
import { makeModel } from '../testing/fixture.js';
import { knowModel } from '../knowledge.js';
import { layerRecordSteps, type LayerRecord } from './layer-records.js';
import {
  arbitraryChange,
  arbitraryNetwork,
  changedNetwork,
  networkModel,
} from '../testing/arbitrary-network.js';
import { NAMINGS, renamed } from '../testing/renamed.js';
import { sameLayersSteps } from './same-layers.js';

function recordsOf(model: Model): readonly LayerRecord[] {
  return finish(layerRecordSteps(knowModel(model), 'contents'));
}

/** Every pair has the same operator, the same weights and the same place: what it reads is what the other's pairs are. */
function checkPairs(before: readonly LayerRecord[], after: readonly LayerRecord[], pairs: Int32Array): void {
  const described = (records: readonly LayerRecord[], index: number, number: (layer: number) => number) => {
    const record = records[index];
    return {
      operator: record?.operator,
      weights: record?.weights,
      parameters: record?.parameters,
      from: record?.from.map(({ layer, path }) => [layer === undefined ? undefined : number(layer), path]),
      to: record?.to,
    };
  };
  pairs.forEach((other, index) => {
    expect(described(after, other, (layer) => layer)).toEqual(
      described(before, index, (layer) => pairs[layer] ?? -1),
    );
  });
}

describe('layers of a model that was exported again', () => {
  for (const path of realModels()) {
    it(`are known by operator, weights and place: ${basename(path)}`, () => {
      const model = modelOf(openModel(path));
      const before = recordsOf(model);
      for (const naming of Object.values(NAMINGS)) {
        const after = recordsOf(renamed(model, naming));
        const pairs = finish(sameLayersSteps(before, after));
        expect([...pairs].filter((other) => other < 0)).toEqual([]);
        checkPairs(before, after, pairs);
      }
    });
  }
});

describe('layers of a model that was changed and exported again', () => {
  it('are never taken for others', () => {
    fc.assert(
      fc.property(arbitraryNetwork, arbitraryChange, (network, change) => {
        const after = changedNetwork(network, change);
        const [old, fresh] = [networkModel(network), networkModel(after)];
        const [before, now] = [recordsOf(old.model), recordsOf(fresh.model)];
        const pairs = finish(sameLayersSteps(before, now));
        const origins: Origins = {
          before: (layer) => old.origins.get(before[layer]?.name ?? ''),
          now: (layer) => fresh.origins.get(now[layer]?.name ?? ''),
        };
        pairs.forEach((other, index) => {
          // Whoever keeps its name is left alone, whatever became of it.
          if (other < 0 || before[index]?.name === now[other]?.name) return;
          if (origins.before(index) !== origins.now(other))
            expect(areTwins(before[index], now[other], origins)).toBe(true);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('are all known where nothing but names has changed', () => {
    fc.assert(
      fc.property(arbitraryNetwork, (network) => {
        const [old, fresh] = [networkModel(network), networkModel({ ...network, names: 'numbered' })];
        const [before, now] = [recordsOf(old.model), recordsOf(fresh.model)];
        const pairs = finish(sameLayersSteps(before, now));
        expect([...pairs].filter((other) => other < 0)).toEqual([]);
        checkPairs(before, now, pairs);
      }),
    );
  });
});

/** Chains that end in the model's output; a weight is written behind its operator: `MatMul:1`. */
function chain(text: string, names: string): readonly LayerRecord[] {
  const steps = text.split(' ').map((word, index) => {
    const [operator = '', weight] = word.split(':');
    return {
      origin: index,
      operator,
      reads: [index],
      weight: weight === undefined ? undefined : Number(weight),
    };
  });
  const { model } = networkModel({ steps, outputs: [steps.length], names: 'own', training: 0 });
  return recordsOf(renamed(model, () => '')).map((record, index) => ({
    ...record,
    name: `${names}${index}`,
  }));
}

/** `a0=b1`: the first layer of the old chain is the second of the new one. */
function checkSame(before: string, after: string, expected: string): void {
  const pairs = finish(sameLayersSteps(chain(before, 'a'), chain(after, 'b')));
  expect([...pairs].map((other, index) => (other < 0 ? `a${index}` : `a${index}=b${other}`)).join(' ')).toBe(
    expected,
  );
}

describe('of layers in a row', () => {
  it('those are known whose weights or surroundings tell them', () => {
    checkSame('MatMul:1 Relu MatMul:2 Tanh', 'Exp MatMul:1 Relu MatMul:2 Tanh', 'a0=b1 a1=b2 a2=b3 a3=b4');
    checkSame('MatMul:1 Relu MatMul:2 Tanh', 'MatMul:2 Tanh', 'a0 a1 a2=b0 a3=b1');
    checkSame('MatMul:1 Relu MatMul:2 Tanh', 'MatMul:5 Relu MatMul:6 Tanh', 'a0=b0 a1=b1 a2=b2 a3=b3');
  });

  it('none is known on which two signs disagree', () => {
    checkSame(
      'Sigmoid Relu Relu Relu Tanh',
      'Sigmoid Relu Relu Relu Relu Tanh',
      'a0=b0 a1=b1 a2 a3=b4 a4=b5',
    );
  });

  it('none is known by one side alone where the other side is another operator', () => {
    checkSame('MatMul:1 Relu Relu', 'MatMul:2 Relu', 'a0 a1 a2');
    checkSame('Relu Relu MatMul:1', 'Relu MatMul:2', 'a0 a1 a2');
  });
});

it('keeps the order of twins, which nothing tells apart', () => {
  const twins = (names: readonly [string, string]) =>
    recordsOf(
      makeModel(`
        input x float 4
        Relu "${names[0]}" x -> a
        Relu "${names[1]}" x -> b
        Tanh "t" x -> y
        output y float 4
      `),
    );
  expect([...finish(sameLayersSteps(twins(['a', 'b']), twins(['c', 'd'])))]).toEqual([0, 1, 2]);
  expect([...finish(sameLayersSteps(twins(['a', 'b']), twins(['b', 'a'])))]).toEqual([1, 0, 2]);
});

/** Layers that do the same to the same: it makes no difference which of them is meant. */
function areTwins(old: LayerRecord | undefined, now: LayerRecord | undefined, origins: Origins): boolean {
  const reads = (record: LayerRecord | undefined, originOf: (layer: number) => unknown): string =>
    JSON.stringify(
      record?.from.map(({ layer, path }) => [layer === undefined ? 'input' : originOf(layer), path]),
    );
  return (
    old?.operator === now?.operator &&
    JSON.stringify(old?.weights) === JSON.stringify(now?.weights) &&
    reads(old, origins.before) === reads(now, origins.now)
  );
}

/** Which layer of the network a layer of either model was made from. */
interface Origins {
  readonly before: (layer: number) => number | undefined;
  readonly now: (layer: number) => number | undefined;
}
