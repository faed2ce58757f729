// What folding chooses as a default where layers have options of their own.
import { expect, it } from 'vitest';
import { foldLayers, type LayerToDecide } from './fold.js';

const OPERATORS = ['Conv', 'Add', 'Relu'];

/** Layers of which each third is decided alike and all others by themselves; `looked` counts how often they are asked. */
function scaled(count: number, looked: () => void): readonly LayerToDecide[] {
  return Array.from({ length: count }, (_, at): LayerToDecide => ({
    get format() {
      looked();
      return at % 3 === 0 ? 'int8 { quantize: mse }' : `fp8_e4m3 { scale: ${at} }`;
    },
    operator: OPERATORS[at % 2] ?? '',
    below: undefined,
    above: undefined,
    alone: false,
  }));
}

it('is what most layers have, options included, in a time that grows as their number does', () => {
  const looks = [300, 3000].map((count) => {
    let total = 0;
    const layers = scaled(count, () => (total += 1));
    const { defaultFormat, exceptions } = foldLayers(layers, undefined, true);
    expect(defaultFormat).toBe('int8 { quantize: mse }');
    expect(exceptions).toHaveLength((2 * count) / 3);
    return total / count;
  });
  const [few = 0, many = 0] = looks;
  expect(many).toBeLessThan(2 * few);
});
