/** Layers are known again in a model that was exported anew: real models and generated ones, under other names. */
import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, openModel, type Model } from '../onnx/index.js';
import { modelOf, realModels } from '../onnx/testing/index.js';
import { knowModel } from './knowledge.js';
import { layerRecordSteps, type LayerRecord } from './layer-records.js';
import { arbitraryChange, arbitraryNetwork, changedNetwork, networkModel } from './arbitrary-network.js';
import { NAMINGS, renamed } from './renamed.js';
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
        pairs.forEach((other, index) => {
          // Whoever keeps its name is left alone, whatever became of it.
          if (other < 0 || before[index]?.name === now[other]?.name) return;
          const [from, to] = [
            old.origins.get(before[index]?.name ?? ''),
            fresh.origins.get(now[other]?.name ?? ''),
          ];
          if (from !== to) expect(areTwins(before, now, pairs, index, other)).toBe(true);
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

/** Layers that do the same to the same: it makes no difference which of them is meant. */
function areTwins(
  before: readonly LayerRecord[],
  after: readonly LayerRecord[],
  pairs: Int32Array,
  index: number,
  other: number,
): boolean {
  const [old, now] = [before[index], after[other]];
  const from = old?.from.map(({ layer, path }) => [layer === undefined ? undefined : pairs[layer], path]);
  return (
    old?.operator === now?.operator &&
    JSON.stringify(old?.weights) === JSON.stringify(now?.weights) &&
    JSON.stringify(from) === JSON.stringify(now?.from.map(({ layer, path }) => [layer, path]))
  );
}
