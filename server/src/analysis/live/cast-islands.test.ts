/** Islands of a format, on random networks, against their definition word for word. */
import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finish, makeNode, type Model } from '../../onnx/index.js';
import type { LayerDecision, TracedPlan } from '../../plan/index.js';
import { folderForTests } from '../../testing/index.js';
import { bindTo, writeModel } from '../testing/index.js';
import { castIslandSteps } from './cast-islands.js';

const MOST_IN_ISLAND = 3;
const MOST_LAYERS = 12;
const folder = folderForTests();

/** For each layer what it reads, 0 for the input and n + 1 for the nth layer. */
const networks = fc
  .array(fc.tuple(fc.nat(3), fc.nat(MOST_LAYERS)), { minLength: 1, maxLength: MOST_LAYERS })
  .map((list) => list.map(([back, any], at) => [Math.max(0, at - Math.max(0, back - 2)), any % (at + 1)]));

type Network = readonly (readonly number[])[];

function modelOf(network: Network): Model {
  const value = (number: number): string => (number === 0 ? 'x' : `t${number - 1}`);
  return writeModel(join(folder, 'm.onnx'), {
    nodes: network.map((reads, at) =>
      makeNode({ opType: 'Add', name: `l${at}`, inputs: reads.map(value), outputs: [`t${at}`] }),
    ),
    inputs: { x: [1, 4] },
    outputs: { [value(network.length)]: [1, 4] },
  });
}

function decided(network: Network, low: readonly boolean[]): TracedPlan {
  const statements = network.map((_, at) => `layer "l${at}": ${low[at] === true ? 'fp16' : 'fp32'}\n`);
  return bindTo(modelOf(network), statements.join('')).plan;
}

/** The names of the layers in islands. */
function islands({ decisions }: TracedPlan, network: Network, may: readonly boolean[]): string[] {
  const isLow = (at: number): boolean => decisions[at]?.format === 'fp16';
  const readers = (at: number): number[] =>
    network.flatMap((reads, reader) => (reads.includes(at + 1) ? [reader] : []));
  const sources = (at: number): number[] =>
    (network[at] ?? []).flatMap((one) => (one === 0 ? [] : [one - 1]));
  return network.flatMap((_, start) => {
    const group = new Set([start]);
    for (const at of group) {
      for (const next of [...sources(at), ...readers(at)]) if (isLow(next) === isLow(start)) group.add(next);
    }
    const all = [...group];
    const readsBorder = all.some((at) => network[at]?.includes(0) === true);
    const feedsBorder = group.has(network.length - 1);
    const isEntered = all.some((at) => sources(at).some((one) => !group.has(one)));
    const isLeft = all.some((at) => readers(at).some((one) => !group.has(one)));
    const hasShores = isLow(start)
      ? (isEntered || readsBorder) && (isLeft || feedsBorder)
      : isEntered && isLeft && !readsBorder && !feedsBorder;
    const isIsland = all.length <= MOST_IN_ISLAND && all.every((at) => may[at] === true) && hasShores;
    return isIsland ? [`l${start}`] : [];
  });
}

describe('islands', () => {
  it('are few connected layers of one kind between layers of the other', () => {
    const many = fc.array(fc.boolean(), { minLength: MOST_LAYERS, maxLength: MOST_LAYERS });
    const mostly = fc.array(fc.integer({ min: 0, max: 5 }), {
      minLength: MOST_LAYERS,
      maxLength: MOST_LAYERS,
    });
    let found = 0;
    fc.assert(
      fc.property(networks, many, mostly, (network, low, chosen) => {
        const may = chosen.map((one) => one > 0);
        const plan = decided(network, low);
        const candidates = plan.decisions.filter((_, at) => may[at] === true);
        const names = finish(castIslandSteps(plan, candidates, 'fp16')).map(nameOf);
        found += names.length;
        expect(names).toEqual(islands(plan, network, may));
      }),
    );
    expect(found).toBeGreaterThan(0);
  });
});

function nameOf({ layer }: LayerDecision): string {
  return layer.name;
}
