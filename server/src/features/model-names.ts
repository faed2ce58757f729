/**
 * What features look up in a model by name: layers as plans write them, any other node, tensors with type and shape.
 * Found once for each model object. Knows no plan but its dimensions.
 */
import {
  dataTypeName,
  inferShapes,
  typeName,
  type Model,
  type Shape,
  type ValueInfo,
} from '../onnx/index.js';
import { inferredShapes, knowModel, modelFacts, type Layer, type TracedPlan } from '../plan/index.js';

export interface ModelNames {
  /** In graph order. */
  readonly layers: readonly Layer[];
  /** By the name that plans write: the index of the layer. */
  readonly layerIndex: ReadonlyMap<string, number>;
  /** By node of the main graph: a name that people find it by. */
  readonly nodeNames: readonly string[];
  /** By name, and for nodes without one by output: a node of the main graph. */
  readonly nodeIndex: ReadonlyMap<string, number>;
}

const known = new WeakMap<Model, ModelNames>();

export function namesOf(model: Model): ModelNames {
  let names = known.get(model);
  if (names === undefined) {
    names = findNames(model);
    known.set(model, names);
  }
  return names;
}

function findNames(model: Model): ModelNames {
  const { layers } = knowModel(model);
  const { nodes } = model.graph;
  const nodeNames = nodes.map(({ name, outputs }) =>
    name === '' ? (outputs.find((one) => one !== '') ?? '') : name,
  );
  const nodeIndex = new Map<string, number>();
  nodeNames.forEach((name, index) => {
    if (!nodeIndex.has(name)) nodeIndex.set(name, index);
  });
  const layerIndex = new Map<string, number>();
  layers.forEach(({ name, nodeIndex: node }, index) => {
    // Those inside other nodes stand behind.
    if (node < nodes.length) nodeNames[node] = name;
    nodeIndex.set(name, node);
    layerIndex.set(name, index);
  });
  return { layers, layerIndex, nodeNames, nodeIndex };
}

/** By model: the shapes under the sizes that a plan binds, the ones asked for last. */
const sized = new WeakMap<Model, { readonly sizes: string; readonly shapes: ReadonlyMap<string, Shape> }>();

/** The shapes of the main graph's tensors with the plan's dimensions put in. */
export function shapesOf(plan: TracedPlan): ReadonlyMap<string, Shape> {
  if (plan.dims.size === 0) return inferredShapes(plan);
  const sizes = JSON.stringify([...plan.dims]);
  const last = sized.get(plan.model);
  if (last?.sizes === sizes) return last.shapes;
  const inputShapes = new Map(
    plan.inputs.flatMap(({ name, shape }) => (shape === undefined ? [] : [[name, shape] as const])),
  );
  const shapes = inferShapes(plan.model, { dims: plan.dims, inputShapes });
  sized.set(plan.model, { sizes, shapes });
  return shapes;
}

/** `float`, or `?` for what is no tensor or has no known type. */
export function elementTypeText(model: Model, tensor: string): string {
  const type = modelFacts(model).elementType(tensor);
  return type === undefined ? '?' : dataTypeName(type);
}

export function shapeText(shape: Shape | undefined): string {
  return shape === undefined ? '?' : `[${shape.map((size) => size ?? '?').join(', ')}]`;
}

export function valueText({ type }: ValueInfo): string {
  if (type === undefined) return '?';
  return type.kind === 'tensor'
    ? `${dataTypeName(type.elementType)} ${shapeText(type.shape)}`
    : typeName(type);
}
