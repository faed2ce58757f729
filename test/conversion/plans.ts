/** Decisions for the layers of a test's model, and everything that must be true of each conversion. */
import { expect } from 'vitest';
import { convert, type Conversion } from '../../server/src/convert/index.js';
import { emulated, explicit, sameGraph } from '../../server/src/emulate/index.js';
import { chooseQuantization, type FormatName, type Quantization } from '../../server/src/formats/index.js';
import { parse } from '../../server/src/language/index.js';
import {
  calledFunction,
  DataType,
  encodeBytes,
  indexGraph,
  inferTypes,
  subgraphsOf,
  type Graph,
  type Model,
  type Node,
} from '../../server/src/onnx/index.js';
import {
  bindPlan,
  constantOf,
  findLayers,
  floatsOf,
  isRunFormat,
  modelScopes,
  nodeRoles,
  precisionGraph,
  typeOfFormat,
  wantedQuantizations,
  withQuantizations,
  type LayerDecision,
  type LayerNumerics,
  type PlanFiles,
  type PrecisionGraph,
  type ScopedNode,
} from '../../server/src/plan/index.js';
import { modelOfBytes } from './graph-text.js';

export type Wanted = FormatName | 'original';
export type Overflow = LayerDecision['overflow'];

/** What a plan wants of each layer: by name (`*` for all others), or as a function of name and place. */
export type Wish = Readonly<Record<string, Wanted>> | ((name: string, at: number) => Wanted);

/** The decisions that a plan would make, clamped as a plan clamps them. */
export function decide(
  model: Model,
  wish: Wish,
  overflow: Overflow = 'error',
  numerics?: LayerNumerics,
): readonly LayerDecision[] {
  const { nodes } = modelScopes(model);
  return findLayers(model).map((layer, at) => {
    const wanted =
      typeof wish === 'function' ? wish(layer.name, at) : (wish[layer.name] ?? wish['*'] ?? 'original');
    const allowed =
      wanted === 'original' ||
      nodes[layer.nodeIndex]?.scope.operators.allows(
        layer.node,
        isRunFormat(wanted) ? typeOfFormat(wanted) : DataType.FLOAT,
      ) === true;
    return {
      layer,
      wanted,
      format: allowed ? wanted : 'original',
      numerics,
      clamped: allowed ? undefined : 'not allowed at this opset',
      pinned: false,
      overflow,
      source: undefined,
    };
  });
}

export function graphFor(
  model: Model,
  wish: Wish,
  overflow?: Overflow,
  numerics?: LayerNumerics,
): PrecisionGraph {
  const decisions = decide(model, wish, overflow, numerics);
  return precisionGraph(model, nodeRoles(model), findLayers(model), decisions);
}

/** What a plan's text makes of a model; the plan needs no `model` statement. */
export function plannedGraph(model: Model, text: string): PrecisionGraph {
  const files: PlanFiles = { readText: () => undefined, openModel: () => ({ model }) };
  const tree = parse(`model "model.onnx"\n${text}\n`);
  const plan = bindPlan({ path: '/model.precision', tree, files });
  if (plan.model === undefined) throw new Error('the plan names no model');
  return precisionGraph(model, plan.roles, plan.layers, plan.decisions);
}

/** Scales as samples would give them: of each weight from its values, of everything else from the numbers of `sample`. */
export function withScales(graph: PrecisionGraph, sample = Float32Array.of(-2, 0.3, 1.7, 6)): PrecisionGraph {
  const { tensors, nodes } = modelScopes(graph.model);
  const found = wantedQuantizations(graph, nodes).map(({ key, tensor, rounding }): [string, Quantization] => {
    const scoped = tensors.get(tensor);
    const constant = rounding.isWeight && scoped !== undefined ? constantOf(scoped) : undefined;
    const values = constant === undefined ? sample : (floatsOf(constant, graph.model) ?? sample);
    const { axis, quantize } = rounding;
    const wish = {
      format: rounding.format === 'int4' ? ('int4' as const) : ('int8' as const),
      choice: quantize.name === 'output_mse' ? { name: 'mse' as const } : quantize,
      symmetric: rounding.isWeight,
      ...(axis === undefined ? {} : { axis }),
    };
    return [key, chooseQuantization(wish, [Float32Array.from(values)], constant?.dims ?? [])];
  });
  return withQuantizations(graph, new Map(found));
}

export interface Checked {
  readonly graph: PrecisionGraph;
  readonly conversion: Conversion;
  readonly bytes: Uint8Array;
  readonly model: Model;
}

/**
 * Converts, and checks what must hold for every model and plan: it type-checks, is sorted, has the signature of the
 * original, keeps the order of its nodes, is the same a second time, is left alone when it is converted again, and
 * computes what the emulated model does.
 */
export function checkConversion(model: Model, wish: Wish, overflow?: Overflow): Checked {
  const graph = graphFor(model, wish, overflow);
  const conversion = convert(graph);
  if ('problems' in conversion) throw new Error(conversion.problems.map(({ message }) => message).join('\n'));
  const bytes = encodeBytes(conversion.pieces);
  const result = modelOfBytes(bytes);

  expect(inferTypes(result).problems).toEqual(inferTypes(model).problems);
  expect(indexGraph(result.graph).isSorted).toBe(true);
  expect(signature(result)).toEqual(signature(model));
  checkOrder(model, result);
  checkCasts(model, result);
  expect(sameBytes(encodeBytes(pieces(graphFor(model, wish, overflow))), bytes)).toBe(true);
  expect(sameBytes(encodeBytes(pieces(graphFor(result, wish, overflow))), bytes)).toBe(true);
  expect(sameGraph(explicit(result).model, emulated(graph).model)).toBeUndefined();
  return { graph, conversion, bytes, model: result };
}

/** Megabytes are compared as such: element by element they would take minutes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function pieces(graph: PrecisionGraph): Conversion['pieces'] {
  const again = convert(graph);
  if ('problems' in again) throw new Error(again.problems[0]?.message);
  return again.pieces;
}

function signature({ graph }: Model): unknown {
  return [graph.inputs, graph.outputs].map((values) => values.map(({ name, type }) => ({ name, type })));
}

/**
 * Without the casts, constants and Clips that were added, and the casts that have become identities, the nodes of every graph are
 * those of before, in their order; only a call may have become that of a function of another body.
 */
function checkOrder(before: Model, after: Model): void {
  const added = new Set(['Cast', 'Constant', 'Identity']);
  const isCall = (model: Model, node: Node): boolean => calledFunction(model.functions, node) !== undefined;
  const kept = (model: Model, graph: Graph): unknown[] =>
    graph.nodes
      .filter(({ opType, name }) => !added.has(opType) && !(opType === 'Clip' && name.startsWith('Clip_')))
      .map((node) => [
        isCall(model, node) ? `call ${node.domain}` : node.opType,
        ...subgraphsOf(node).map(({ graph: inner }) => kept(model, inner)),
      ]);
  expect(kept(after, after.graph)).toEqual(kept(before, before.graph));
}

/** Every cast that was added is read, none reads another of them, and none does what another does. In every scope. */
function checkCasts(before: Model, after: Model): void {
  const isCast = ({ node }: ScopedNode): boolean => node.domain === '' && node.opType === 'Cast';
  const old = new Set(
    modelScopes(before)
      .nodes.filter(isCast)
      .map(({ node }) => node.outputs[0]),
  );
  const { nodes, tensors } = modelScopes(after);
  const seen = new Set<string>();
  for (const { node, inputs, outputs } of nodes.filter(isCast)) {
    const [from = '', to = ''] = [inputs[0], outputs[0]];
    if (!node.name.startsWith('Cast_') || old.has(node.outputs[0])) continue;
    const target = node.attributes
      .map((attribute) => (attribute.kind === 'int' ? attribute.value : 0))
      .join();
    expect(seen.has(`${from} ${target}`)).toBe(false);
    seen.add(`${from} ${target}`);
    const tensor = tensors.get(to);
    expect(tensor?.isFixed === true || (tensor?.readers.length ?? 0) > 0).toBe(true);
  }
}
