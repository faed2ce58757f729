/**
 * What converters take that put everything into one low format but for nodes and operators that are listed. Chooses what
 * is listed; knows no tool's spelling.
 */
import type { Layer, TracedPlan } from '../plan/index.js';
import type { Imported, ImportedDecision, Loss } from './kind.js';
import {
  commonLosses,
  isFp32,
  layerFormats,
  lossOf,
  lowDecision,
  type LayerFormat,
} from './layer-formats.js';
import { isOtherNode, layersByNode } from './node-names.js';

export interface BlockList {
  readonly low: 'fp16' | 'bf16';
  /** Operator types without their domains, all of whose layers stay. */
  readonly operators: readonly string[];
  /** Names of nodes that stay and are of no operator listed. */
  readonly nodes: readonly string[];
  readonly losses: readonly Loss[];
}

export interface ConverterAbilities {
  /** The low formats that it knows; the one with most layers is taken. */
  readonly low: readonly ('fp16' | 'bf16')[];
  /** Whether it converts what is inside of If, Loop and Scan. */
  readonly subgraphs: boolean;
}

/** The fewest entries that keep in FP32 what the plan keeps; what cannot be listed is a loss. */
export function blockList(plan: TracedPlan, abilities: ConverterAbilities): BlockList {
  const formats = layerFormats(plan);
  const low = mostUsed(formats, abilities.low);
  const converted = formats.filter(({ present }) => present === 'fp32');
  const [inside, outside] = [
    converted.filter((one) => !one.isInMainGraph && !abilities.subgraphs),
    converted.filter((one) => one.isInMainGraph || abilities.subgraphs),
  ];
  const kept = outside.filter(({ format }) => format !== low);
  const keptNames = new Set(kept.map(({ layer }) => layer.name));
  const operators = operatorsOf(outside, keptNames);
  const listed = kept.filter(({ layer }) => !operators.includes(layer.node.opType));
  const byName = layersByNode(plan);
  const isAlone = ({ layer }: LayerFormat): boolean =>
    (byName.get(layer.node.name) ?? []).every((one) => keptNames.has(one.name));
  const named = listed.filter((one) => one.layer.node.name !== '' && isAlone(one));
  return {
    low,
    operators,
    nodes: [...new Set(named.map(({ layer }) => layer.node.name))],
    losses: [
      ...commonLosses(formats),
      ...lossOf(
        'unnamed-node',
        listed.filter(({ layer }) => layer.node.name === ''),
        (count) => `${count} in FP32 whose nodes have no name cannot be listed, and become ${low}`,
      ),
      ...lossOf(
        'shared-name',
        listed.filter((one) => one.layer.node.name !== '' && !isAlone(one)),
        (count) =>
          `${count} in FP32 share the names of nodes in ${low}, cannot be listed alone, and become ${low}`,
      ),
      ...lossOf(
        'other-low-format',
        kept.filter(({ format }) => format === 'fp16' || format === 'bf16'),
        (count) => `${count} in another low format than ${low}: one conversion has one, and they stay FP32`,
      ),
      ...lossOf(
        'sub-graph',
        inside.filter(({ format }) => format !== 'fp32'),
        (count) => `${count} inside of If, Loop or Scan, which is left in FP32`,
      ),
      ...lossOf(
        'not-fp32',
        formats.filter(({ present, format }) => present !== 'fp32' && format !== present),
        (count) => `${count} not in FP32 in the model: only FP32 is converted`,
      ),
    ],
  };
}

function mostUsed(
  formats: readonly LayerFormat[],
  candidates: readonly ('fp16' | 'bf16')[],
): 'fp16' | 'bf16' {
  const count = (low: string): number => formats.filter(({ format }) => format === low).length;
  return candidates.reduce((best, one) => (count(one) > count(best) ? one : best), candidates[0] ?? 'fp16');
}

/** Operators with two layers or more, or with nodes that have no name, all of which stay. */
function operatorsOf(outside: readonly LayerFormat[], kept: ReadonlySet<string>): readonly string[] {
  const byOperator = new Map<string, Layer[]>();
  for (const { layer } of outside) {
    byOperator.set(layer.node.opType, [...(byOperator.get(layer.node.opType) ?? []), layer]);
  }
  return [...byOperator]
    .filter(
      ([, layers]) =>
        layers.every(({ name }) => kept.has(name)) &&
        (layers.length > 1 || layers.some(({ node }) => node.name === '')),
    )
    .map(([operator]) => operator)
    .sort();
}

/** What a list that was read keeps in FP32. */
export interface ReadBlockList {
  readonly low: 'fp16' | 'bf16';
  /** Whether a layer stays FP32. */
  readonly keeps: (layer: Layer) => boolean;
  /** Names of nodes in the list, to be missed where the model has none of that name. */
  readonly nodes: readonly string[];
}

/** Everything that is not kept is in the low format, as far as its operator allows. */
export function decideByList(plan: TracedPlan, { low, keeps, nodes }: ReadBlockList): Imported {
  const decisions = new Map<string, ImportedDecision>();
  for (const layer of plan.layers) {
    if (!isFp32(plan, layer)) continue;
    decisions.set(layer.name, keeps(layer) ? { format: 'fp32' } : lowDecision(plan, layer, low));
  }
  return { decisions, losses: unknownNodes(plan, nodes) };
}

/** Names that are not in the model: the list was made for another one. */
export function unknownNodes(plan: TracedPlan, nodes: readonly string[]): readonly Loss[] {
  const known = layersByNode(plan);
  const unknown = nodes.filter((name) => !known.has(name) && !isOtherNode(plan, name));
  if (unknown.length === 0) return [];
  const some = unknown.slice(0, 5).map((name) => JSON.stringify(name));
  const more = unknown.length > some.length ? ` and ${unknown.length - some.length} more` : '';
  return [
    { code: 'unknown-node', message: `The model has no node named ${some.join(', ')}${more}.`, layers: [] },
  ];
}
