/** `inspect MODEL`: the structure of a model. Never reads weights. */
import {
  DataType,
  inferShapes,
  inferTypes,
  tensorByteLength,
  type Shape,
  type Tensor,
  type ValueInfo,
  type ValueType,
} from '../onnx/index.js';
import { findLayers, nodeRoles, type Layer } from '../plan/index.js';
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
    options: {},
  },
  run: ({ parsed, output }): Promise<ExitStatus> => {
    const [path = ''] = parsed.positionals;
    const model = openModelArgument(path);
    const shapes = inferShapes(model, {});
    const { types } = inferTypes(model);
    const layers = findLayers(model, shapes);
    const roles = nodeRoles(model);
    const notLayers = countBy(roles.filter((role) => role !== 'layer'));
    const opsets = Object.fromEntries(model.opsets);
    output.line(
      `${path}: ${formatSize(model.source.length)}, IR ${model.irVersion}, by ${model.producer || 'an unnamed producer'}`,
    );
    output.line(
      `operator sets: ${[...model.opsets].map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`).join(', ')}`,
    );
    output.line();
    for (const line of valueLines('input', model.graph.inputs)) output.line(line);
    for (const line of valueLines('output', model.graph.outputs)) output.line(line);
    output.line();
    for (const line of layerTable(layers, types, shapes)) output.line(line);
    output.line();
    const weighted = layers.filter((layer) => layer.weights.length > 0).length;
    const rest = Object.entries(notLayers).map(([role, count]) => `${count} ${role}`);
    output.line(
      `${model.graph.nodes.length} nodes: ${[`${layers.length} layers (${weighted} with weights)`, ...rest].join(', ')}`,
    );
    output.document({
      model: {
        path,
        bytes: model.source.length,
        irVersion: model.irVersion,
        producer: model.producer,
        opsets,
      },
      inputs: model.graph.inputs.map(valueDocument),
      outputs: model.graph.outputs.map(valueDocument),
      layers: layers.map((layer) => layerDocument(layer, types, shapes)),
      nodes: model.graph.nodes.length,
      notLayers,
    });
    return Promise.resolve(EXIT.holds);
  },
};

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

function layerDocument(
  { name, node, weights, multiplyAdds }: Layer,
  types: ReadonlyMap<string, ValueType>,
  shapes: ReadonlyMap<string, Shape>,
): unknown {
  const value = (tensor: string): unknown => ({
    name: tensor,
    type: typeName(types.get(tensor)),
    shape: shapes.get(tensor)?.map((size) => size ?? null) ?? null,
  });
  return {
    name,
    op: node.opType,
    domain: node.domain,
    inputs: node.inputs.map(value),
    outputs: node.outputs.map(value),
    weights: weights.map(weightDocument),
    multiplyAdds: multiplyAdds ?? null,
  };
}

function layerTable(
  layers: readonly Layer[],
  types: ReadonlyMap<string, ValueType>,
  shapes: ReadonlyMap<string, Shape>,
): string[] {
  return formatTable(
    [
      { title: 'layer' },
      { title: 'operator' },
      { title: 'type' },
      { title: 'output shape' },
      { title: 'weights', align: 'right' },
      { title: 'multiply-adds', align: 'right' },
    ],
    layers.map(({ name, node, weights, multiplyAdds }) => {
      const output = node.outputs.find((one) => one !== '') ?? '';
      const bytes = weights.reduce((sum, weight) => sum + (tensorByteLength(weight) ?? 0), 0);
      return [
        name,
        node.domain === '' ? node.opType : `${node.domain}.${node.opType}`,
        typeName(types.get(output)),
        shapeText(shapes.get(output)),
        weights.length === 0 ? '' : formatSize(bytes),
        multiplyAdds === undefined ? '?' : multiplyAdds === 0 ? '' : String(multiplyAdds),
      ];
    }),
  );
}
