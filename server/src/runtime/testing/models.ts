/** For tests: small ONNX models, written field by field so that they can be as odd as a test needs. */
import { DataType } from '../../onnx/index.js';

export interface SmallNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly graphs?: Readonly<Record<string, SmallGraph>>;
  readonly integers?: Readonly<Record<string, number>>;
}

export interface SmallValue {
  readonly name: string;
  readonly type: DataType;
  /** Undefined for an unknown rank. */
  readonly dims?: readonly (number | string)[];
}

export interface SmallTensor {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly content:
    Uint8Array | { readonly location: string; readonly offset: number; readonly length: number };
}

export interface SmallGraph {
  readonly nodes: readonly SmallNode[];
  readonly inputs: readonly SmallValue[];
  readonly outputs: readonly SmallValue[];
  readonly initializers?: readonly SmallTensor[];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

/** A varint field for a number, a length-delimited one for anything else. */
function field(number: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === 'number') return Uint8Array.from([...varint(number * 8), ...varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function valueInfo({ name, type, dims }: SmallValue): Uint8Array {
  const shape = dims?.map((dim) => field(1, typeof dim === 'number' ? field(1, dim) : field(2, dim)));
  const tensorType = [field(1, type), ...(shape === undefined ? [] : [field(2, message(...shape))])];
  return message(field(1, name), field(2, field(1, message(...tensorType))));
}

function tensor({ name, type, dims, content }: SmallTensor): Uint8Array {
  const head = [...dims.map((dim) => field(1, dim)), field(2, type), field(8, name)];
  if (content instanceof Uint8Array) return message(...head, field(9, content));
  const external = Object.entries(content).map(([key, value]) =>
    field(13, message(field(1, key), field(2, String(value)))),
  );
  return message(...head, ...external, field(14, 1));
}

function node({ opType, inputs, outputs, name, graphs = {}, integers = {} }: SmallNode): Uint8Array {
  return message(
    ...inputs.map((input) => field(1, input)),
    ...outputs.map((output) => field(2, output)),
    ...(name === undefined ? [] : [field(3, name)]),
    field(4, opType),
    ...Object.entries(graphs).map(([key, body]) =>
      field(5, message(field(1, key), field(6, graph(body)), field(20, 5))),
    ),
    ...Object.entries(integers).map(([key, value]) =>
      field(5, message(field(1, key), field(3, value), field(20, 2))),
    ),
  );
}

function graph({ nodes, inputs, outputs, initializers = [] }: SmallGraph): Uint8Array {
  return message(
    ...nodes.map((one) => field(1, node(one))),
    field(2, 'graph'),
    ...initializers.map((one) => field(5, tensor(one))),
    ...inputs.map((one) => field(11, valueInfo(one))),
    ...outputs.map((one) => field(12, valueInfo(one))),
  );
}

/** A model of opset 17. */
export function smallModel(content: SmallGraph): Uint8Array {
  return message(field(1, 8), field(7, graph(content)), field(8, message(field(1, ''), field(2, 17))));
}

/** One node from `x` to `y`, both of this type and of any shape. */
export function unaryModel(opType: string, type: DataType, name?: string): Uint8Array {
  return smallModel({
    nodes: [{ opType, inputs: ['x'], outputs: ['y'], ...(name === undefined ? {} : { name }) }],
    inputs: [{ name: 'x', type }],
    outputs: [{ name: 'y', type }],
  });
}

/** Counts to its int64 input `n` in FP32, one at a time: as long a run as one likes. */
export function countingModel(): Uint8Array {
  const float = (name: string): SmallValue => ({ name, type: DataType.FLOAT, dims: [] });
  const flag = (name: string): SmallValue => ({ name, type: DataType.BOOL, dims: [] });
  const body: SmallGraph = {
    nodes: [
      { opType: 'Identity', inputs: ['go'], outputs: ['go_on'] },
      { opType: 'Add', inputs: ['count', 'one'], outputs: ['next'] },
    ],
    inputs: [{ name: 'i', type: DataType.INT64, dims: [] }, flag('go'), float('count')],
    outputs: [flag('go_on'), float('next')],
  };
  return smallModel({
    nodes: [{ opType: 'Loop', inputs: ['n', '', 'zero'], outputs: ['total'], graphs: { body } }],
    inputs: [{ name: 'n', type: DataType.INT64, dims: [] }],
    outputs: [float('total')],
    initializers: [
      { name: 'zero', type: DataType.FLOAT, dims: [], content: bytesOf(new Float32Array([0])) },
      { name: 'one', type: DataType.FLOAT, dims: [], content: bytesOf(new Float32Array([1])) },
    ],
  });
}

/** The memory of an array, as the elements of a tensor. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
