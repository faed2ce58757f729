/**
 * Roundings that a graph spells out in nodes of its own, as a converted model does: what holds values in just the range of the rounding
 * behind it, and a power of two before a layer that is taken back after it. Such nodes are part of a rounding and round nothing
 * themselves. Knows graphs; no decision.
 */
import { formatInformation, integerRange } from '../../formats/index.js';
import { DataType, floatAttribute } from '../../onnx/index.js';
import { floatsOf } from './float-values.js';
import { scaledInputs } from './homogeneous.js';
import { elementTypeOf } from './model-facts.js';
import { constantOf, type ModelScopes, type ScopedNode } from './scopes.js';

/** Operators that are roundings themselves. */
const QUANTIZING: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
]);

/** Whether the node goes from numbers to codes or back, with a scale that stays as it is: integer work, and no layer. */
export function isQuantizer({ node }: Pick<ScopedNode, 'node'>): boolean {
  return (node.domain === '' || node.domain === 'com.microsoft') && QUANTIZING.has(node.opType);
}

/** Whether the node only serves a rounding that stands before or behind it. */
export function isPartOfRounding(scopes: ModelScopes, at: number): boolean {
  const scoped = scopes.nodes[at];
  if (scoped?.node.domain !== '') return false;
  if (scoped.node.opType === 'Clip' || scoped.node.opType === 'Max') return isHolding(scopes, scoped);
  if (scoped.node.opType !== 'Mul' || factorOf(scopes, scoped) === undefined) return false;
  const layers = [layerBehind(scopes, scoped.outputs[0]), layerBefore(scopes, scoped.inputs[0])];
  return layers.some((layer) => scaleOf(scopes, layer)?.nodes.includes(at) === true);
}

/** The power of two that the node's inputs are multiplied by, and that its output is divided by once it is rounded. */
export function spelledScale(scopes: ModelScopes, at: number): number | undefined {
  return scaleOf(scopes, at)?.scale;
}

/** The tensor that a power of two makes this one of; the tensor itself where none does. */
export function idBeforeScale(scopes: ModelScopes, id: string): string {
  const by = scopes.nodes[scopes.tensors.get(id)?.producer ?? -1];
  return by === undefined || factorOf(scopes, by) === undefined ? id : (by.inputs[0] ?? id);
}

/** Whether the node keeps out just what the rounding behind it cannot hold: a Clip before a Cast, a Max before codes. */
export function isHolding(scopes: ModelScopes, { node, inputs, outputs }: ScopedNode): boolean {
  if (node.domain !== '' || (node.opType !== 'Clip' && node.opType !== 'Max')) return false;
  if (heldFormat(scopes, { node, inputs, outputs }) !== undefined) return true;
  const reader = scopes.nodes[onlyReader(scopes, outputs[0]) ?? -1];
  if (reader?.node.domain !== '') return false;
  if (node.opType === 'Max') return scalarOf(scopes, inputs[1]) === leastHeld(scopes, reader);
  const format = reader.node.opType === 'Cast' ? narrowFormat(scopes, reader.outputs[0]) : undefined;
  return format !== undefined && isBoundedTo(scopes, { node, inputs }, format);
}

/**
 * The type of 16 bits in whose range the node holds numbers of that very type: a Clip that changes infinities alone. Undefined
 * for any other node.
 */
export function heldFormat(
  scopes: ModelScopes,
  { node, inputs, outputs }: Pick<ScopedNode, 'node' | 'inputs' | 'outputs'>,
): 'fp16' | 'bf16' | undefined {
  if (node.domain !== '' || node.opType !== 'Clip') return undefined;
  const format = narrowFormat(scopes, outputs[0]);
  return format !== undefined && isBoundedTo(scopes, { node, inputs }, format) ? format : undefined;
}

/** Whether a Clip's bounds are the largest numbers of the format. */
function isBoundedTo(
  scopes: ModelScopes,
  { node, inputs }: Pick<ScopedNode, 'node' | 'inputs'>,
  format: 'fp16' | 'bf16',
): boolean {
  const most = formatInformation(format).largest;
  const bound = (place: number, name: string): number | undefined =>
    floatAttribute(node, name) ?? scalarOf(scopes, inputs[place]);
  return bound(1, 'min') === -most && bound(2, 'max') === most;
}

/** The format of a tensor of 16 bits. */
function narrowFormat(scopes: ModelScopes, id: string | undefined): 'fp16' | 'bf16' | undefined {
  const type = elementTypeOf(scopes.tensors.get(id ?? '')?.type);
  if (type === DataType.FLOAT16) return 'fp16';
  return type === DataType.BFLOAT16 ? 'bf16' : undefined;
}

/** The least number of codes that are as many below zero as above it; NaN, which equals nothing, for what gives none. */
function leastHeld(scopes: ModelScopes, { node, inputs, outputs }: ScopedNode): number {
  const type = elementTypeOf(scopes.tensors.get(outputs[0] ?? '')?.type);
  const format = type === DataType.INT8 ? 'int8' : type === DataType.INT4 ? 'int4' : undefined;
  const scale = scalarOf(scopes, inputs[1]);
  if (node.opType !== 'QuantizeLinear' || format === undefined || scale === undefined) return NaN;
  return Math.fround(-integerRange(format).highest * scale);
}

interface SpelledScale {
  readonly scale: number;
  /** Those that multiply before, and the one that takes it back. */
  readonly nodes: readonly number[];
}

function scaleOf(scopes: ModelScopes, at: number | undefined): SpelledScale | undefined {
  const scoped = scopes.nodes[at ?? -1];
  const places = scoped === undefined ? undefined : scaledInputs(scoped.node);
  if (scoped === undefined || places === undefined || places.length === 0) return undefined;
  const after = alongRounding(scopes, scoped.outputs[0], (id) => onlyReader(scopes, id), outputOf);
  const back = after === undefined || after.steps === 0 ? undefined : factorAt(scopes, after.node);
  if (after === undefined || back === undefined) return undefined;
  const nodes = [after.node];
  for (const place of places) {
    const before = layerBefore(scopes, scoped.inputs[place]);
    if (before === undefined || factorAt(scopes, before) !== 1 / back) return undefined;
    nodes.push(before);
  }
  return { scale: 1 / back, nodes };
}

/** Roundings and what belongs to them that may stand between a scale and its layer. */
const MOST_BETWEEN = 6;

/** The first node on the way from a tensor that is no part of a rounding, and how many of those there are before it. */
function alongRounding(
  scopes: ModelScopes,
  from: string | undefined,
  next: (id: string) => number | undefined,
  passed: (node: ScopedNode) => string | undefined,
): { readonly node: number; readonly steps: number } | undefined {
  let id = from;
  for (let steps = 0; steps <= MOST_BETWEEN && id !== undefined; steps++) {
    const at = next(id);
    const scoped = scopes.nodes[at ?? -1];
    if (at === undefined || scoped === undefined) return undefined;
    const { domain, opType } = scoped.node;
    const isRounding = domain === '' && opType === 'Cast';
    if (!isRounding && !isQuantizer(scoped) && !isHolding(scopes, scoped)) return { node: at, steps };
    id = passed(scoped);
  }
  return undefined;
}

function layerBefore(scopes: ModelScopes, id: string | undefined): number | undefined {
  const producer = (one: string): number | undefined => scopes.tensors.get(one)?.producer;
  return alongRounding(scopes, id, producer, ({ inputs }) => inputs[0])?.node;
}

/** What is scaled may be read by several layers, which then all have that scale. */
function layerBehind(scopes: ModelScopes, id: string | undefined): number | undefined {
  const first = (one: string): number | undefined => scopes.tensors.get(one)?.readers[0]?.node;
  return alongRounding(scopes, id, first, outputOf)?.node;
}

function outputOf({ outputs }: ScopedNode): string | undefined {
  return outputs[0];
}

function onlyReader({ tensors }: ModelScopes, id: string | undefined): number | undefined {
  const tensor = tensors.get(id ?? '');
  return tensor === undefined || tensor.isFixed || tensor.readers.length !== 1
    ? undefined
    : tensor.readers[0]?.node;
}

function factorAt(scopes: ModelScopes, at: number): number | undefined {
  const scoped = scopes.nodes[at];
  return scoped === undefined ? undefined : factorOf(scopes, scoped);
}

/** The power of two, other than 1, that a Mul has for its second input. */
function factorOf(scopes: ModelScopes, { node, inputs }: ScopedNode): number | undefined {
  if (node.domain !== '' || node.opType !== 'Mul') return undefined;
  const factor = scalarOf(scopes, inputs[1]);
  if (factor === undefined || !(factor > 0) || factor === 1) return undefined;
  return Number.isInteger(Math.log2(factor)) ? factor : undefined;
}

function scalarOf({ model, tensors }: ModelScopes, id: string | undefined): number | undefined {
  const tensor = tensors.get(id ?? '');
  const constant = tensor === undefined ? undefined : constantOf(tensor);
  if (constant === undefined || constant.dims.length > 0) return undefined;
  return floatsOf(constant, model)?.[0];
}
