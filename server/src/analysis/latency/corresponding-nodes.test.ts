import { describe, expect, it } from 'vitest';
import { convert } from '../../convert/index.js';
import { bufferSource, encodeBytes, readModel, type Model } from '../../onnx/index.js';
import {
  findLayers,
  layerInFormat,
  nodeRoles,
  precisionGraph,
  type LayerDecision,
} from '../../plan/index.js';
import { correspondingNodes } from './corresponding-nodes.js';
import { POSE_MODEL, realModel } from '../testing/index.js';

/** The model with every other layer in FP16. */
function mixed(model: Model, overflow: LayerDecision['overflow']): Model {
  const layers = findLayers(model);
  const decisions = layers.map((layer, index) => ({
    ...layerInFormat(layer, index % 2 === 0 ? 'fp16' : 'original'),
    overflow,
  }));
  const converted = convert(precisionGraph(model, nodeRoles(model), layers, decisions));
  if ('problems' in converted) throw new Error(converted.problems[0]?.message);
  const read = readModel(bufferSource(encodeBytes(converted.pieces)));
  if ('problem' in read) throw new Error(read.problem.message);
  return read.model;
}

describe.each([
  ['inf', ['Cast']],
  ['saturate', ['Cast', 'Clip']],
] as const)('nodes of a converted model, %s beyond the range', (overflow, kinds) => {
  const original = realModel(POSE_MODEL);
  const converted = mixed(original, overflow);
  const found = correspondingNodes(original, converted);

  it('are led back to the nodes that they were, each once', () => {
    expect(new Set(found.values()).size).toBe(found.size);
    expect(found.size).toBe(original.graph.nodes.length);
    for (const [at, before] of found) {
      expect(converted.graph.nodes[at]?.opType).toBe(original.graph.nodes[before]?.opType);
      expect(converted.graph.nodes[at]?.name).toBe(original.graph.nodes[before]?.name);
    }
  });

  it('that were added are led nowhere', () => {
    const added = converted.graph.nodes.filter((_, at) => !found.has(at));
    expect(added.length).toBeGreaterThan(0);
    expect(new Set(added.map((node) => node.opType))).toEqual(new Set(kinds));
  });
});
