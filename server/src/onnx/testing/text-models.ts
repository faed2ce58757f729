/** Small models for this room's tests, written as lines of text instead of nested objects. */
import { makeAttribute, makeGraph, makeNode, makeTensor, makeTensorType, makeValueInfo } from '../make.js';
import type {
  Attribute,
  DataType,
  Dimension,
  Graph,
  Model,
  Node,
  Shape,
  Tensor,
  ValueInfo,
} from '../model.js';
import { DataType as Type } from '../model.js';
import { bufferSource } from '../source.js';

type AttributeValue = number | string | readonly number[] | Tensor | Graph;

const TYPES: Readonly<Record<string, DataType | undefined>> = {
  float: Type.FLOAT,
  float16: Type.FLOAT16,
  bfloat16: Type.BFLOAT16,
  double: Type.DOUBLE,
  int64: Type.INT64,
  int32: Type.INT32,
  uint8: Type.UINT8,
  int8: Type.INT8,
  bool: Type.BOOL,
  string: Type.STRING,
};

/** `y = Conv(x, w)`, `a, b = com.microsoft.Op(x, , y)`; an empty argument is an input left out. */
export function node(
  text: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = '',
): Node {
  const match = /^(.*) = (?:([\w.]+)\.)?(\w+)\((.*)\)$/.exec(text);
  if (match === null) throw new SyntaxError(`no node: ${text}`);
  const [, outputs = '', domain = '', opType = '', inputs = ''] = match;
  const names = (list: string): readonly string[] =>
    list === '' ? [] : list.split(',').map((part) => part.trim());
  return makeNode({
    name,
    opType,
    domain,
    inputs: names(inputs),
    outputs: names(outputs),
    attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  });
}

/** `x: float[1,3,N,?]`, or without brackets for an unknown rank. */
export function info(text: string): ValueInfo {
  const match = /^(\S+): (\w+)(?:\[(.*)\])?$/.exec(text);
  const elementType = TYPES[match?.[2] ?? ''];
  if (match === null || elementType === undefined) throw new SyntaxError(`no value: ${text}`);
  const dims = match[3];
  const shape = dims === undefined ? undefined : dims === '' ? [] : dims.split(',').map(dimension);
  return makeValueInfo(match[1] ?? '', makeTensorType(elementType, shape));
}

export function floats(name: string, dims: readonly number[], values: readonly number[] = []): Tensor {
  const count = dims.reduce((all, size) => all * size, 1);
  const elements = Float32Array.from({ length: count }, (_, index) => values[index] ?? 0);
  return makeTensor(name, Type.FLOAT, dims, new Uint8Array(elements.buffer));
}

export function halves(name: string, dims: readonly number[]): Tensor {
  const count = dims.reduce((all, size) => all * size, 1);
  return makeTensor(name, Type.FLOAT16, dims, new Uint8Array(2 * count));
}

export function integers(
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): Tensor {
  const elements = BigInt64Array.from(values, (value) => (value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value)));
  return makeTensor(name, Type.INT64, dims, new Uint8Array(elements.buffer));
}

export interface GraphText {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly nodes: readonly Node[];
  readonly initializers?: readonly Tensor[];
  readonly valueInfo?: readonly string[];
}

export function graph(text: GraphText): Graph {
  return makeGraph({
    name: 'test',
    nodes: text.nodes,
    inputs: (text.inputs ?? []).map(info),
    outputs: (text.outputs ?? []).map(info),
    initializers: text.initializers ?? [],
    valueInfo: (text.valueInfo ?? []).map(info),
  });
}

export function model(text: GraphText, opset = 17, more: Partial<Model> = {}): Model {
  return {
    source: bufferSource(new Uint8Array()),
    irVersion: 8,
    producer: 'test',
    opsets: new Map([
      ['', opset],
      ['com.microsoft', 1],
    ]),
    graph: graph(text),
    functions: [],
    message: undefined,
    ...more,
  };
}

/** `2,N,?`; empty for a scalar, undefined for an unknown shape. */
export function shapeText(shape: Shape | undefined): string | undefined {
  return shape?.map((each) => each ?? '?').join(',');
}

function dimension(text: string): Dimension {
  if (text === '?') return undefined;
  return /^\d+$/.test(text) ? Number(text) : text;
}

function attribute(name: string, value: AttributeValue): Attribute {
  if (typeof value === 'string') return makeAttribute(name, { kind: 'string', value });
  if (typeof value === 'number') {
    return makeAttribute(name, Number.isInteger(value) ? { kind: 'int', value } : { kind: 'float', value });
  }
  if (isList(value)) {
    const isFloats = value.some((element) => !Number.isInteger(element));
    return makeAttribute(name, { kind: isFloats ? 'floats' : 'ints', value });
  }
  if ('nodes' in value) return makeAttribute(name, { kind: 'graph', value });
  return makeAttribute(name, { kind: 'tensor', value });
}

function isList(value: AttributeValue): value is readonly number[] {
  return Array.isArray(value);
}
