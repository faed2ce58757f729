// Which roundings a layer has where nothing else is low, and that nobody goes through all of a model for each layer.
import { expect, it } from 'vitest';
import { findLayers, LayerStand, roundingEvents } from '../../plan/index.js';
import { POSE_MODEL, realModel } from '../testing/index.js';
import { sketchedErrors } from './index.js';

const model = realModel(POSE_MODEL);
const layers = findLayers(model);

it.each(['fp16', 'bf16', 'int8'] as const)('a layer alone does all of its roundings in %s', (format) => {
  const events = roundingEvents(model, layers, format);
  const stands = new Uint8Array(layers.length);
  const triggered = new Uint8Array(events.events.length);
  for (const [place, { name }] of layers.entries()) {
    stands[place] = LayerStand.low;
    events.trigger(stands, triggered);
    stands[place] = LayerStand.exact;
    const own = events.events.map(({ layer }) => (layer === place ? 1 : 0));
    expect([name, ...triggered]).toEqual([name, ...own]);
  }
});

it('tells the errors of layers from their own roundings, and walks through no plan for any of them', () => {
  const events = roundingEvents(model, layers, 'fp16');
  let walks = 0;
  const counted = { ...events, trigger: () => (walks += 1) };
  const sketch = { format: 'fp16', events: counted, outputs: ['y'], probes: 8, samples: [] } as const;
  expect(sketchedErrors(sketch, layers, [])).toHaveLength(layers.length);
  expect(walks).toBe(0);
});
