/**
 * A model in mixed precision that exists already, ours or another tool's, as decisions for the model in FP32 that it was made
 * of: a layer has the format that its node computes in there. Casts and copies of constants are not decisions.
 */
import type { DataType, Model } from '../onnx/index.js';
import {
  formatOfType,
  indexNodeNames,
  modelScopes,
  nodeType,
  presentType,
  type Layer,
  type TracedPlan,
} from '../plan/index.js';
import type { ExchangeKind, Imported, ImportedDecision, ImportProblem } from './kind.js';
import { lossOf } from './layer-formats.js';

export const mixedModel: ExchangeKind = {
  name: 'mixed-model',
  summary: 'an ONNX model with layers in FP16 or BF16, made of the model in FP32 that the plan names',
  instead: 'To write the mixed-precision model use `onnx-precision convert PLAN -o OUT.onnx`.',
  imported: { from: 'model', read },
};

export interface LayersInMixed {
  /** In which type each layer that is found computes; undefined where that is not known. */
  readonly types: ReadonlyMap<Layer, DataType | undefined>;
  /** Those that no node of the model has become. */
  readonly missing: readonly Layer[];
}

/** What has become of a plan's layers in a model that was made of the plan's. */
export function layersInMixed({ layers }: Pick<TracedPlan, 'layers'>, mixed: Model): LayersInMixed {
  const find = nodeFinder(mixed);
  const types = new Map<Layer, DataType | undefined>();
  const missing: Layer[] = [];
  for (const layer of layers) {
    const at = find(layer);
    if (at === undefined) missing.push(layer);
    else types.set(layer, nodeType(mixed, at));
  }
  return { types, missing };
}

function read(plan: TracedPlan, mixed: Model): Imported | ImportProblem {
  const { types, missing } = layersInMixed(plan, mixed);
  const decisions = new Map<string, ImportedDecision>();
  const otherwise: Layer[] = [];
  for (const [layer, type] of types) {
    const format = type === undefined ? undefined : formatOfType(type);
    if (format !== undefined) decisions.set(layer.name, { format });
    else if (type !== presentType(plan.model, layer)) otherwise.push(layer);
  }
  if (decisions.size === 0) {
    return { problem: "This model has no layer of the same name and operator as one of the plan's model." };
  }
  return {
    decisions,
    losses: [
      ...lossOf(
        'not-found',
        missing,
        (count) => `${count} not found in the mixed model: the plan stays as it is there`,
      ),
      ...lossOf('no-such-format', otherwise, (count) => `${count} in a type that is no format of layers`),
    ],
  };
}

/**
 * Finds the node that a layer has become: by the name that plans know it by, or by a tensor that it writes, which converters
 * that name unnamed nodes keep. It must be of the same operator.
 */
function nodeFinder(mixed: Model): (layer: Layer) => number | undefined {
  const names = indexNodeNames(mixed);
  const { nodes } = modelScopes(mixed);
  const writers = new Map<string, number>();
  nodes.forEach(({ node, scope }, at) => {
    if (scope.place === 0) for (const output of node.outputs) writers.set(output, at);
  });
  const isLike = (at: number | undefined, { node }: Layer): boolean => {
    const found = at === undefined ? undefined : nodes[at]?.node;
    return found?.opType === node.opType && found.domain === node.domain;
  };
  return (layer) => {
    const named = names.find(layer.name);
    const byName = named.kind === 'node' ? named.node : undefined;
    if (isLike(byName, layer)) return byName;
    const written = layer.node.outputs.find((output) => output !== '') ?? '';
    const byOutput = writers.get(written);
    return isLike(byOutput, layer) ? byOutput : undefined;
  };
}
