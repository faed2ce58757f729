/**
 * How roundings that no element type stands for are written in ONNX: a pair of QuantizeLinear and DequantizeLinear, or a pair
 * of casts, at the opset of the graph, and why some cannot be. Knows operators and opsets; not which tensor is rounded.
 */
import {
  encodeBf16,
  encodeFp16,
  encodeSmall,
  formatInformation,
  integerRange,
  isFloatFormat,
  quantizeArray,
  type FormatName,
  type Quantization,
  type SmallFormatName,
} from '../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeComputedTensor,
  makeNode,
  makeTensor,
  tensorByteLength,
  type Attribute,
  type Model,
  type Node,
  type Tensor,
} from '../onnx/index.js';
import { floatChunks, makeCast, typeOfFormat, type TensorRounding } from '../plan/index.js';
import type { ConversionProblem } from './problem.js';

interface StoredFormat {
  readonly type: DataType;
  /** From which QuantizeLinear has the type. */
  readonly since: number;
}

const STORED: ReadonlyMap<FormatName, StoredFormat> = new Map([
  ['fp16', { type: DataType.FLOAT16, since: 6 }],
  ['bf16', { type: DataType.BFLOAT16, since: 13 }],
  ['int8', { type: DataType.INT8, since: 10 }],
  ['fp8_e4m3', { type: DataType.FLOAT8E4M3FN, since: 19 }],
  ['fp8_e5m2', { type: DataType.FLOAT8E5M2, since: 19 }],
  ['int4', { type: DataType.INT4, since: 21 }],
  ['fp4_e2m1', { type: DataType.FLOAT4E2M1, since: 23 }],
]);
/** QuantizeLinear and DequantizeLinear have an axis from here on. */
const FIRST_OPSET_WITH_AXIS = 13;
/** And say what becomes of what is too large for an 8-bit float. */
const FIRST_OPSET_WITH_SATURATE = 19;
const FIRST_OPSET_WITH_CLIP_INPUTS = 11;

/** The ONNX type that the format's codes have; undefined for formats that ONNX does not know. */
export function storedType(format: FormatName): DataType | undefined {
  return STORED.get(format)?.type;
}

/** Why the rounding cannot be written at the opset; undefined where it can. */
export function roundingProblem(
  { format, stochastic, axis }: TensorRounding,
  opset: number,
  place: { readonly layer?: string; readonly tensor?: string },
): ConversionProblem | undefined {
  const of = place.layer === undefined ? '' : ` of layer "${place.layer}"`;
  const problem = (message: string): ConversionProblem => ({ code: 'not-exportable', message, ...place });
  const stored = STORED.get(format);
  if (stored === undefined) {
    return problem(
      `ONNX has no type for ${format}${of}: it can be emulated and not exported. Give it another format to export the model.`,
    );
  }
  if (stochastic) {
    return problem(
      `ONNX has no stochastic rounding${of}: it can be emulated and not exported. Leave out \`rounding: stochastic\` to export the model.`,
    );
  }
  const since = Math.max(stored.since, axis === undefined ? 0 : FIRST_OPSET_WITH_AXIS);
  if (opset >= since) return undefined;
  const what = axis === undefined ? format : `${format} with a scale for each channel`;
  return problem(
    `${what}${of} needs opset ${since}, and the model has opset ${opset}: export the model anew at that opset, or give the layer another format.`,
  );
}

/** Where tensors that nodes need are stored, and what is called how. */
export interface RoundingPlace {
  readonly opset: number;
  readonly takeName: (wanted: string) => string;
  /** Stores a constant; the name that it has. */
  readonly store: (tensor: Tensor) => string;
}

/** The nodes that make the tensor `to` of the rounded values of the FP32 tensor `from`. */
export function roundingNodes(
  rounding: TensorRounding,
  quantization: Quantization | undefined,
  from: string,
  to: string,
  place: RoundingPlace,
): readonly Node[] {
  const { format } = rounding;
  const { opset, takeName } = place;
  const type = storedType(format) ?? DataType.UNDEFINED;
  const low = takeName(`${to}_${format}`);
  if (format === 'fp16' || format === 'bf16') {
    const nodes: Node[] = [];
    const held = rounding.overflow === 'saturate' ? takeName(`${to}_held`) : from;
    if (held !== from) nodes.push(clipNode(from, held, formatInformation(format).largest, place));
    const [name, back] = [takeName(`Cast_${to}_to_${format}`), takeName(`Cast_${to}_back`)];
    nodes.push(makeCast({ name, from: held, to: low, type, opset }));
    nodes.push(makeCast({ name: back, from: low, to, type: DataType.FLOAT, opset }));
    return nodes;
  }
  const parameters = storedParameters(format, type, quantization, to, place);
  const nodes: Node[] = [];
  let given = from;
  if (quantization?.narrow === true) {
    // The operator knows no range without the least code. A Clip would do as well, but ONNX Runtime fuses one that stands
    // before codes of four bits, and fails.
    const [{ scale } = { scale: 1 }] = quantization.scales;
    const least = -integerRange(quantization.format).highest * scale;
    given = takeName(`${to}_held`);
    const bound = place.store(scalarTensor(`${given}_least`, least));
    const name = takeName(`Max_${given}`);
    nodes.push(makeNode({ opType: 'Max', name, inputs: [from, bound], outputs: [given] }));
  }
  const isFloat = isFloatFormat(format);
  const saturate = rounding.overflow === 'saturate' ? 1 : 0;
  const attributes =
    isFloat && opset >= FIRST_OPSET_WITH_SATURATE && format !== 'fp4_e2m1'
      ? [makeAttribute('saturate', { kind: 'int', value: saturate })]
      : [];
  nodes.push(
    makeNode({
      opType: 'QuantizeLinear',
      name: takeName(`Quantize_${to}`),
      inputs: [given, ...parameters],
      outputs: [low],
      attributes,
    }),
    dequantizeNode(low, parameters, to, undefined, place),
  );
  return nodes;
}

/** The nodes that make the tensor `to` of a constant's codes, which are stored instead of the constant. */
export function storedWeightNodes(
  rounding: TensorRounding,
  quantization: Quantization | undefined,
  value: Tensor,
  to: string,
  place: RoundingPlace,
  model: Model,
): readonly Node[] {
  const { format } = rounding;
  const { opset, takeName, store } = place;
  const type = storedType(format) ?? DataType.UNDEFINED;
  const codes = store(codesTensor(rounding, quantization, value, type, model, `${to}_codes`));
  if (format === 'fp16' || format === 'bf16') {
    return [makeCast({ name: takeName(`Cast_${to}_back`), from: codes, to, type: DataType.FLOAT, opset })];
  }
  const parameters = storedParameters(format, type, quantization, to, place);
  return [dequantizeNode(codes, parameters, to, quantization?.axis, place)];
}

function dequantizeNode(
  from: string,
  parameters: readonly string[],
  to: string,
  axis: number | undefined,
  { takeName }: RoundingPlace,
): Node {
  const attributes: readonly Attribute[] =
    axis === undefined ? [] : [makeAttribute('axis', { kind: 'int', value: axis })];
  const name = takeName(`Dequantize_${to}`);
  return makeNode({
    opType: 'DequantizeLinear',
    name,
    inputs: [from, ...parameters],
    outputs: [to],
    attributes,
  });
}

/** Scales and zero points; 1 and 0 for float formats. */
function storedParameters(
  format: FormatName,
  type: DataType,
  quantization: Quantization | undefined,
  stem: string,
  { store }: RoundingPlace,
): readonly string[] {
  const scales = quantization?.scales ?? [{ scale: 1, zeroPoint: 0 }];
  const dims = quantization?.axis === undefined ? [] : [scales.length];
  const scale = new Uint8Array(Float32Array.from(scales, (one) => one.scale).buffer);
  const zeros = Int8Array.from(scales, ({ zeroPoint }) => zeroPoint);
  const bytes = format === 'int4' || format === 'fp4_e2m1' ? packed(zeros) : new Uint8Array(zeros.buffer);
  return [
    store(makeTensor(`${stem}_scale`, DataType.FLOAT, dims, scale)),
    store(makeTensor(`${stem}_zero_point`, type, dims, bytes)),
  ];
}

/** The node that makes `to` of the tensor `from`, which has that type: infinities become its largest number. */
export function holdingNode(from: string, to: string, format: 'fp16' | 'bf16', place: RoundingPlace): Node {
  return clipNode(from, to, formatInformation(format).largest, place, format);
}

function clipNode(
  from: string,
  to: string,
  most: number,
  { opset, takeName, store }: RoundingPlace,
  format: 'fp32' | 'fp16' | 'bf16' = 'fp32',
): Node {
  const name = takeName(`Clip_${to}`);
  if (opset < FIRST_OPSET_WITH_CLIP_INPUTS) {
    const attributes = [
      makeAttribute('min', { kind: 'float', value: -most }),
      makeAttribute('max', { kind: 'float', value: most }),
    ];
    return makeNode({ opType: 'Clip', name, inputs: [from], outputs: [to], attributes });
  }
  const bounds = [scalarTensor(`${to}_least`, -most, format), scalarTensor(`${to}_most`, most, format)].map(
    store,
  );
  return makeNode({ opType: 'Clip', name, inputs: [from, ...bounds], outputs: [to] });
}

function scalarTensor(name: string, value: number, format: 'fp32' | 'fp16' | 'bf16' = 'fp32'): Tensor {
  const values = Float32Array.of(value);
  const stored = format === 'fp32' ? values : format === 'fp16' ? encodeFp16(values) : encodeBf16(values);
  return makeTensor(name, typeOfFormat(format), [], new Uint8Array(stored.buffer));
}

/** The codes of a constant, made when they are written: chunk by chunk, whole where there is a scale for each channel. */
function codesTensor(
  { format, overflow }: TensorRounding,
  quantization: Quantization | undefined,
  value: Tensor,
  type: DataType,
  model: Model,
  name: string,
): Tensor {
  const { dims } = value;
  const length = tensorByteLength({ dataType: type, dims }) ?? 0;
  const handling = overflow === 'saturate' ? 'saturate' : 'inf';
  const encode = (floats: Float32Array): Uint8Array => {
    if (quantization !== undefined) {
      const codes = quantizeArray(quantization, floats, dims);
      return format === 'int4' ? packed(codes) : new Uint8Array(codes.buffer);
    }
    if (format === 'fp16' || format === 'bf16') {
      const encoded = format === 'fp16' ? encodeFp16 : encodeBf16;
      return new Uint8Array(encoded(floats, undefined, handling).buffer);
    }
    const codes = encodeSmall(smallFormat(format), floats, undefined, handling);
    return format === 'fp4_e2m1' ? packed(codes) : codes;
  };
  const isWhole = quantization?.axis !== undefined;
  function* parts(): Generator<Uint8Array, void> {
    const kept: Float32Array[] = [];
    for (const chunk of floatChunks(value, model)) {
      const floats = Float32Array.from(chunk);
      if (isWhole) kept.push(floats);
      else yield encode(floats);
    }
    if (isWhole) yield encode(joined(kept));
  }
  return makeComputedTensor(name, type, dims, length, parts);
}

function smallFormat(format: FormatName): SmallFormatName {
  if (format === 'fp8_e5m2' || format === 'fp4_e2m1') return format;
  return 'fp8_e4m3';
}

function joined(chunks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Two codes to a byte, the first in the lower half. */
function packed(codes: Int8Array | Uint8Array): Uint8Array {
  return Uint8Array.from(
    { length: Math.ceil(codes.length / 2) },
    (_, at) => ((codes[2 * at] ?? 0) & 15) | (((codes[2 * at + 1] ?? 0) & 15) << 4),
  );
}
