import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataType, makeTensor } from '../onnx/index.js';
import type { Layer } from '../plan/index.js';
import { bareLayer } from './testing/additive-trials.js';
import { gain, rank } from './ranking.js';

function layerOf(index: number, multiplyAdds: number | undefined): Layer {
  return { ...bareLayer(index), multiplyAdds };
}

describe('the gain of a layer', () => {
  it('is what the objective counts', () => {
    const weights = [makeTensor('w', DataType.FLOAT, [4, 3], new Uint8Array(48))];
    const layer = { ...layerOf(0, 1200), weights };
    expect([gain(layer, 'macs'), gain(layer, 'size'), gain(layer, 'layers')]).toEqual([1200, 24, 1]);
    expect(gain(layerOf(1, undefined), 'macs')).toBe(0);
  });
});

describe('the ranking', () => {
  it('puts little harm for much gain first, and what cannot be borne last', () => {
    const candidates = [
      { layer: layerOf(0, 100), error: Infinity },
      { layer: layerOf(1, 100), error: 0.2 },
      { layer: layerOf(2, 400), error: 0.2 },
      { layer: layerOf(3, 100), error: 0.01 },
      { layer: layerOf(4, 100), error: 0 },
    ];
    expect(rank(candidates, 'macs').map((layer) => layer.nodeIndex)).toEqual([4, 3, 2, 1, 0]);
  });

  it('lets a harmless layer without a gain go before a harmful one with some', () => {
    const candidates = [
      { layer: layerOf(0, 1000), error: 0.5 },
      { layer: layerOf(1, 0), error: 0.001 },
    ];
    expect(rank(candidates, 'macs').map((layer) => layer.nodeIndex)).toEqual([1, 0]);
  });

  it('keeps graph order among equals, and every candidate, whatever their order', () => {
    const candidate = fc.record({
      index: fc.nat(1000),
      multiplyAdds: fc.option(fc.constantFrom(0, 10, 1000), { nil: undefined }),
      error: fc.constantFrom(0, 0.1, 0.5, Infinity),
    });
    const candidates = fc.uniqueArray(candidate, { selector: (one) => one.index });
    fc.assert(
      fc.property(candidates, fc.constantFrom('macs', 'size', 'layers'), (list, objective) => {
        const all = list.map(({ index, multiplyAdds, error }) => ({
          layer: layerOf(index, multiplyAdds),
          error,
        }));
        const ranked = rank(all, objective).map((layer) => layer.nodeIndex);
        expect(ranked.toSorted((a, b) => a - b)).toEqual(list.map((one) => one.index).sort((a, b) => a - b));
        expect(rank(all.toReversed(), objective).map((layer) => layer.nodeIndex)).toEqual(ranked);
      }),
    );
  });
});
