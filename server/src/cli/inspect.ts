/** `inspect MODEL`: the structure of a model. Never reads weights. */
import {
  DataType,
  inferShapes,
  modelText,
  tensorByteLength,
  type Model,
  type Shape,
  type Tensor,
  type ValueInfo,
  type ValueType,
} from '../onnx/index.js';
import { findLayers, modelScopes, nodeRoles, type Layer } from '../plan/index.js';
import { formatSize } from '../report/index.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { openModelArgument } from './open-model.js';
import type { Subcommand } from './subcommand.js';
import { formatTable } from './table.js';

export const inspect: Subcommand = {
  specification: {
    name: 'inspect',
    arguments: 'MODEL',
    count: [1, 1],
    summary: 'The structure of a model: layers with types, shapes and weights. Weights are never read.',
    shared: ['output'],
    options: { text: { type: 'boolean', help: 'as ONNX text' } },
  },
  run: ({ parsed, output }): Promise<ExitStatus> => {
    const [path = ''] = parsed.positionals;
    const model = openModelArgument(path);
    const shapes = inferShapes(model, {});
    const layers = findLayers(model, shapes);
    const tensors = tensorsOf(model, shapes);
    const roles = nodeRoles(model);
    const notLayers = countBy(roles.filter((role) => role !== 'layer'));
    const opsets = Object.fromEntries(model.opsets);
    const structure = (): string[] => [
      `${path}: ${formatSize(model.source.length)}, IR ${model.irVersion}, by ${model.producer || 'an unnamed producer'}`,
      `operator sets: ${[...model.opsets].map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`).join(', ')}`,
      '',
      ...valueLines('input', model.graph.inputs),
      ...valueLines('output', model.graph.outputs),
      '',
      ...layerTable(layers, tensors),
      '',
      `${roles.length} nodes: ${countsText(layers, notLayers)}`,
    ];
    output.linesOf(() => (parsed.flag('text') ? modelText(model).lines : structure()));
    output.documentOf(() => ({
      model: {
        path,
        bytes: model.source.length,
        irVersion: model.irVersion,
        producer: model.producer,
        opsets,
      },
      inputs: model.graph.inputs.map(valueDocument),
      outputs: model.graph.outputs.map(valueDocument),
      layers: layers.map((layer) => layerDocument(layer, tensors)),
      nodes: roles.length,
      notLayers,
    }));
    return Promise.resolve(EXIT.holds);
  },
};

function countsText(layers: readonly Layer[], notLayers: Readonly<Record<string, number>>): string {
  const weighted = layers.filter((layer) => layer.weights.length > 0).length;
  const rest = Object.entries(notLayers).map(([role, count]) => `${count} ${role}`);
  return [`${layers.length} layers (${weighted} with weights)`, ...rest].join(', ');
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function typeName(type: ValueType | undefined): string {
  if (type === undefined) return 'unknown';
  switch (type.kind) {
    case 'tensor':
      return DataType[type.elementType].toLowerCase();
    case 'sparse':
      return `sparse ${DataType[type.elementType].toLowerCase()}`;
    case 'sequence':
    case 'optional':
      return `${type.kind}(${typeName(type.element)})`;
    case 'map':
    case 'opaque':
      return type.kind;
  }
}

function shapeText(shape: Shape | undefined): string {
  return shape === undefined ? '?' : `[${shape.map((size) => size ?? '?').join(',')}]`;
}

function valueDocument({ name, type }: ValueInfo): unknown {
  const shape = type?.kind === 'tensor' ? type.shape : undefined;
  return { name, type: typeName(type), shape: shape?.map((size) => size ?? null) ?? null };
}

function valueLines(title: string, values: readonly ValueInfo[]): string[] {
  return values.map(({ name, type }) => {
    const shape = type?.kind === 'tensor' ? ` ${shapeText(type.shape)}` : '';
    return `${title} ${name}: ${typeName(type)}${shape}`;
  });
}

function weightDocument(weight: Tensor): unknown {
  const { name, dataType, dims } = weight;
  return {
    name,
    format: DataType[dataType].toLowerCase(),
    shape: dims,
    bytes: tensorByteLength(weight) ?? 0,
  };
}

interface LayerTensor {
  /** Empty for one that is left out. */
  readonly name: string;
  readonly type: ValueType | undefined;
  readonly shape: Shape | undefined;
}

/** By number of the node: what it reads, and what it gives. */
interface LayerTensors {
  readonly inputs: (node: number) => readonly LayerTensor[];
  readonly outputs: (node: number) => readonly LayerTensor[];
}

/** Inside sub-graphs and functions shapes are what is declared there. */
function tensorsOf(model: Model, shapes: ReadonlyMap<string, Shape>): LayerTensors {
  const { nodes, tensors } = modelScopes(model);
  const describe = (id: string): LayerTensor => {
    const { name = '', type, scope } = tensors.get(id) ?? {};
    const declared = type?.kind === 'tensor' ? type.shape : undefined;
    return { name, type, shape: scope?.kind === 'main' ? shapes.get(name) : declared };
  };
  return {
    inputs: (node) => nodes[node]?.inputs.map(describe) ?? [],
    outputs: (node) => nodes[node]?.outputs.map(describe) ?? [],
  };
}

function layerDocument(
  { name, node, nodeIndex, weights, multiplyAdds }: Layer,
  tensors: LayerTensors,
): unknown {
  const value = ({ name: tensor, type, shape }: LayerTensor): unknown => ({
    name: tensor,
    type: typeName(type),
    shape: shape?.map((size) => size ?? null) ?? null,
  });
  return {
    name,
    op: node.opType,
    domain: node.domain,
    inputs: tensors.inputs(nodeIndex).map(value),
    outputs: tensors.outputs(nodeIndex).map(value),
    weights: weights.map(weightDocument),
    multiplyAdds: multiplyAdds ?? null,
  };
}

function layerTable(layers: readonly Layer[], tensors: LayerTensors): string[] {
  return formatTable(
    [
      { title: 'layer' },
      { title: 'operator' },
      { title: 'type' },
      { title: 'output shape' },
      { title: 'weights', align: 'right' },
      { title: 'multiply-adds', align: 'right' },
    ],
    layers.map(({ name, node, nodeIndex, weights, multiplyAdds }) => {
      const output = tensors.outputs(nodeIndex).find((one) => one.name !== '');
      const bytes = weights.reduce((sum, weight) => sum + (tensorByteLength(weight) ?? 0), 0);
      return [
        name,
        node.domain === '' ? node.opType : `${node.domain}.${node.opType}`,
        typeName(output?.type),
        shapeText(output?.shape),
        weights.length === 0 ? '' : formatSize(bytes),
        multiplyAdds === undefined ? '?' : multiplyAdds === 0 ? '' : String(multiplyAdds),
      ];
    }),
  );
}
