/** What layers take more beside casts, from runs of plans. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { precisionGraph } from '../../plan/index.js';
import { bindTo, POSE_MODEL, realModel } from '../testing/index.js';
import { moreBesideCasts, nodesBesideCasts, type RunOfLayer } from './beside-casts.js';

const run = fc.record<RunOfLayer>({
  name: fc.constantFrom('a', 'b', 'c'),
  operator: fc.constantFrom('Clip', 'Conv'),
  format: fc.constantFrom('fp32', 'fp16'),
  elements: fc.integer({ min: 1, max: 1e6 }),
  more: fc.integer({ min: -10, max: 1000 }),
});

describe('what a layer takes more beside a cast', () => {
  it('is what was measured of it, whatever others of its operator took', () => {
    fc.assert(
      fc.property(fc.array(run), fc.integer({ min: 1, max: 99 }), (others, own) => {
        const layer = { name: 'seen', operator: 'Clip', elements: 5 };
        const runs: RunOfLayer[] = [
          { ...layer, format: 'fp16', more: own },
          { ...layer, format: 'fp16', more: own + 4 },
        ];
        expect(moreBesideCasts([...others, ...runs])(layer, 'fp16')).toBeCloseTo(own + 2, 9);
      }),
    );
  });

  it('grows with the elements where only others of the operator were seen, each format by itself', () => {
    const runs: RunOfLayer[] = [
      { name: 'a', operator: 'Clip', format: 'fp16', elements: 1000, more: 2 },
      { name: 'b', operator: 'Clip', format: 'fp16', elements: 3000, more: 6 },
      { name: 'b', operator: 'Clip', format: 'fp32', elements: 3000, more: 0 },
    ];
    const more = moreBesideCasts(runs);
    expect(more({ name: 'unseen', operator: 'Clip', elements: 500 }, 'fp16')).toBeCloseTo(1, 9);
    expect(more({ name: 'unseen', operator: 'Clip', elements: 500 }, 'fp32')).toBe(0);
    expect(more({ name: 'unseen', operator: 'Conv', elements: 500 }, 'fp16')).toBe(0);
  });
});

it('both ends of a cast stand beside it, and nobody else', () => {
  const { plan } = bindTo(realModel(POSE_MODEL), 'default: fp32\nlayer "re_lu_6/Relu6": fp16\n');
  const beside = nodesBesideCasts(precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions));
  const named = plan.layers.filter(({ nodeIndex }) => beside.has(nodeIndex)).map(({ name }) => name);
  const [before, behind] = ['conv2d_6/Conv', 'depthwise_conv2d_3/DepthwiseConv'];
  expect(named).toEqual([before, 're_lu_6/Relu6', behind]);
});
