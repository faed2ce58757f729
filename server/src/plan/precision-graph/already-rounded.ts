/**
 * Whether a rounding would change nothing, because the graph has it already: a tensor that a decided layer wrote in the format
 * or that was moved from there, and the QuantizeLinear, DequantizeLinear and Cast pairs of a model that was converted
 * before. Knows graphs and roundings; decides nothing.
 */
import type { FormatName } from '../../formats/index.js';
import { DataType, inputFollowsMainType } from '../../onnx/index.js';
import { elementTypeOf } from '../model/model-facts.js';
import { isMovement } from '../model/movement.js';
import { isQuantizing, roundingKey } from '../roundings/rounding-keys.js';
import { constantOf, type ModelScopes } from '../model/scopes.js';
import { heldFormat, idBeforeScale, isHolding, spelledScale } from '../model/spelled-roundings.js';
import { doesSomething } from '../roundings/roundings.js';
import type { HeldPlaces, NodeRounding, TensorRounding } from '../types.js';

const TYPES: ReadonlyMap<FormatName, DataType> = new Map([
  ['fp16', DataType.FLOAT16],
  ['bf16', DataType.BFLOAT16],
  ['int8', DataType.INT8],
  ['int4', DataType.INT4],
  ['fp8_e4m3', DataType.FLOAT8E4M3FN],
  ['fp8_e5m2', DataType.FLOAT8E5M2],
  ['fp4_e2m1', DataType.FLOAT4E2M1],
]);

/** What is left of a node's roundings where those are left out that the graph has already. */
export function withoutHeld(
  scopes: ModelScopes,
  roundings: ReadonlyMap<number, NodeRounding>,
  at: number,
): NodeRounding | undefined {
  const own = roundings.get(at);
  const scoped = scopes.nodes[at];
  if (own === undefined || scoped === undefined) return own;
  const { scale: wantedScale, ...unscaled } = own;
  const isScaled = wantedScale !== undefined && spelledScale(scopes, at) === wantedScale;
  const scale = isScaled ? undefined : wantedScale;
  /** Codes are found of what is not multiplied yet. */
  const roundedId = (id: string, rounding: TensorRounding): string =>
    isScaled && isQuantizing(rounding) ? idBeforeScale(scopes, id) : id;
  const left: NodeRounding = {
    ...(isScaled ? unscaled : own),
    // What is scaled first is another number.
    inputs: own.inputs.map((rounding, input) =>
      scale === undefined &&
      rounding !== undefined &&
      isHeld(scopes, roundings, roundedId(scoped.inputs[input] ?? '', rounding), rounding)
        ? undefined
        : rounding,
    ),
    outputs: own.outputs.map((rounding, output) =>
      scale === undefined &&
      rounding !== undefined &&
      isRoundedAfter(scopes, scoped.outputs[output] ?? '', rounding)
        ? undefined
        : rounding,
    ),
  };
  const { held, ...rest } = left;
  const places = held === undefined ? undefined : placesToHold(scopes, roundings, at, held);
  const needed = places === undefined ? rest : { ...rest, held: places };
  return doesSomething(needed) ? needed : undefined;
}

/** Of the places where a layer holds numbers in the range of its type, those where nothing else has done it. */
function placesToHold(
  scopes: ModelScopes,
  roundings: ReadonlyMap<number, NodeRounding>,
  at: number,
  { format, inputs, outputs }: HeldPlaces,
): HeldPlaces {
  const scoped = scopes.nodes[at];
  return {
    format,
    inputs: inputs.filter((input) => !isInRange(scopes, roundings, scoped?.inputs[input] ?? '', format)),
    outputs: outputs.filter((output) => !isHeldAfter(scopes, scoped?.outputs[output] ?? '')),
  };
}

/** Whether no value of the tensor is beyond the range of the format, since a layer in it holds what it writes. */
function isInRange(
  scopes: ModelScopes,
  roundings: ReadonlyMap<number, NodeRounding>,
  id: string,
  wanted: HeldPlaces['format'],
): boolean {
  const producer = scopes.tensors.get(id)?.producer;
  const by = scopes.nodes[producer ?? -1];
  if (producer === undefined || by === undefined) return false;
  const written = roundings.get(producer)?.held;
  if (written?.outputs.includes(by.outputs.indexOf(id)) === true) return written.format === wanted;
  const spelled = heldFormat(scopes, by);
  if (spelled !== undefined) return spelled === wanted;
  if (isStoredWeight(scopes, id)) return true;
  if (!isMovement(by.node)) return false;
  const schema = by.scope.operators.schema(by.node);
  if (schema === undefined) return false;
  const moved = by.inputs.filter((one, input) => one !== '' && inputFollowsMainType(schema, input));
  return moved.length > 0 && moved.every((one) => isInRange(scopes, roundings, one, wanted));
}

/** Whether the tensor is made of stored numbers or codes, as weights in a format of their own are written: none is held. */
function isStoredWeight(scopes: ModelScopes, id: string): boolean {
  const tensor = scopes.tensors.get(id);
  const by = scopes.nodes[tensor?.producer ?? -1];
  if (tensor === undefined) return false;
  if (constantOf(tensor) !== undefined) return true;
  if (by?.node.domain !== '') return false;
  const { opType } = by.node;
  return (opType === 'Cast' || opType === 'DequantizeLinear') && isStoredWeight(scopes, by.inputs[0] ?? '');
}

/** Whether nobody reads the tensor but a node that holds it in the range of its type. */
function isHeldAfter(scopes: ModelScopes, id: string): boolean {
  const tensor = scopes.tensors.get(id);
  if (tensor === undefined || tensor.isFixed || tensor.readers.length !== 1) return false;
  const reader = scopes.nodes[tensor.readers[0]?.node ?? -1];
  return reader !== undefined && heldFormat(scopes, reader) !== undefined;
}

/** Whether all values of the tensor are of the format already. */
function isHeld(
  scopes: ModelScopes,
  roundings: ReadonlyMap<number, NodeRounding>,
  id: string,
  wanted: TensorRounding,
): boolean {
  const producer = scopes.tensors.get(id)?.producer;
  const by = scopes.nodes[producer ?? -1];
  if (producer === undefined || by === undefined) return false;
  const written = roundings.get(producer);
  const rounding = written?.outputs[by.outputs.indexOf(id)];
  if (rounding !== undefined) return written?.scale === undefined && isSameAfter(rounding, wanted);
  const { node } = by;
  if (node.domain === '' && (node.opType === 'DequantizeLinear' || node.opType === 'Cast')) {
    const from = elementTypeOf(scopes.tensors.get(by.inputs[0] ?? '')?.type);
    if (from !== undefined && from === TYPES.get(wanted.format)) return true;
  }
  // What is moved together may have been rounded by other scales.
  if (isQuantizing(wanted) || !isMovement(node)) return false;
  const schema = by.scope.operators.schema(node);
  if (schema === undefined) return false;
  const moved = by.inputs.filter((one, input) => one !== '' && inputFollowsMainType(schema, input));
  return moved.length > 0 && moved.every((one) => isHeld(scopes, roundings, one, wanted));
}

/** Whether what was rounded the one way is the same after the other. */
function isSameAfter(written: TensorRounding, wanted: TensorRounding): boolean {
  if (isQuantizing(wanted)) return roundingKey(written) === roundingKey(wanted);
  const isBounded = written.overflow === 'saturate' || wanted.overflow !== 'saturate';
  return written.format === wanted.format && isBounded;
}

/** Whether nobody reads the tensor but a rounding to the format, perhaps through a Clip. */
function isRoundedAfter(scopes: ModelScopes, id: string, wanted: TensorRounding): boolean {
  const tensor = scopes.tensors.get(id);
  if (tensor === undefined || tensor.isFixed || tensor.readers.length !== 1) return false;
  const reader = scopes.nodes[tensor.readers[0]?.node ?? -1];
  if (reader?.node.domain !== '') return false;
  const [to = ''] = reader.outputs;
  if (isHolding(scopes, reader)) return isRoundedAfter(scopes, to, wanted);
  if (reader.node.opType !== 'QuantizeLinear' && reader.node.opType !== 'Cast') return false;
  return elementTypeOf(scopes.tensors.get(to)?.type) === TYPES.get(wanted.format);
}
