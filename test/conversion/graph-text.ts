/**
 * Small ONNX models written as text, so that a test shows its graph. One statement a line:
 *
 *     input x: float[2,4]
 *     init w: float[4,4] = 0.5 -1 2        (values repeat until the tensor is full)
 *     y = MatMul(x, w)
 *     "name": a, b = Split(y) {"axis": 1}
 *     output a: float[2,2]
 *
 * A number among the attributes is an int if it has no fraction; {"float": 2} is a float, {"float": [2, 3]} floats,
 * {"tensor": "float[1] = 2"} a tensor and {"graph": "..."} a graph in this notation.
 */
import { expect } from 'vitest';
import {
  bufferSource,
  DataType,
  encodeBytes,
  encodeFresh,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  readModel,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../../server/src/onnx/index.js';

export interface ModelText {
  readonly opset?: number;
  readonly irVersion?: number;
}

/** The model of a text, read back from its bytes as a file would be. */
export function modelOf(text: string, { opset = 17, irVersion = 8 }: ModelText = {}): Model {
  const opsets = new Map([['', opset]]);
  const graph = graphOf(text);
  return modelOfBytes(encodeBytes(encodeFresh({ irVersion, opsets, graph })));
}

export function modelOfBytes(bytes: Uint8Array): Model {
  const result = readModel(bufferSource(bytes));
  if ('problem' in result) throw new Error(result.problem.message);
  return result.model;
}

const TYPES: Readonly<Record<string, DataType>> = {
  float: DataType.FLOAT,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  double: DataType.DOUBLE,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

export function graphOf(text: string): Graph {
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfo: ValueInfo[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, keyword = '', rest = ''] = /^(input|output|value|init) (.*)$/.exec(line) ?? [];
    if (keyword === 'input') inputs.push(valueOf(rest));
    else if (keyword === 'output') outputs.push(valueOf(rest));
    else if (keyword === 'value') valueInfo.push(valueOf(rest));
    else if (keyword === 'init') initializers.push(tensorOf(rest));
    else nodes.push(nodeOf(line));
  }
  return makeGraph({ name: 'test', nodes, inputs, outputs, initializers, valueInfo });
}

function typeOf(text: string): { type: DataType; dims: readonly number[] | undefined } {
  const [, name = '', , dims] = /^(\w+)(\[([\d,]*)\])?$/.exec(text.trim()) ?? [];
  const type = TYPES[name];
  if (type === undefined) throw new Error(`no type: ${text}`);
  return { type, dims: dims?.split(',').filter(Boolean).map(Number) };
}

function valueOf(text: string): ValueInfo {
  const [name = '', written = ''] = text.split(': ');
  const { type, dims } = typeOf(written);
  return makeValueInfo(name, makeTensorType(type, dims));
}

export function tensorOf(text: string): Tensor {
  const [head = '', values = '0'] = text.split(' = ');
  const [name = '', written = ''] = head.includes(': ') ? head.split(': ') : ['', head];
  const { type, dims = [] } = typeOf(written);
  const given = values.trim().split(/\s+/).map(Number);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const all = Array.from({ length: count }, (_, at) => given[at % given.length] ?? 0);
  return makeTensor(name, type, dims, bytesOf(type, all));
}

function bytesOf(type: DataType, values: readonly number[]): Uint8Array {
  switch (type) {
    case DataType.FLOAT:
      return new Uint8Array(Float32Array.from(values).buffer);
    case DataType.DOUBLE:
      return new Uint8Array(Float64Array.from(values).buffer);
    case DataType.INT64:
      return new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    case DataType.BOOL:
      return Uint8Array.from(values);
    default:
      // The codes themselves.
      return new Uint8Array(Uint16Array.from(values).buffer);
  }
}

function nodeOf(line: string): Node {
  const match = /^(?:"([^"]*)": )?([^=]*?) = (?:([\w.]+)\.)?(\w+)\(([^)]*)\)(?: (\{.*\}))?$/.exec(line);
  if (match === null) throw new Error(`no node: ${line}`);
  const [, name = '', outputs = '', domain = '', opType = '', inputs = '', attributes = '{}'] = match;
  const names = (list: string): string[] =>
    list.trim() === '' ? [] : list.split(',').map((one) => one.trim());
  return makeNode({
    name,
    domain,
    opType,
    inputs: names(inputs),
    outputs: names(outputs),
    attributes: Object.entries(JSON.parse(attributes) as object).map(([key, value]) =>
      attributeOf(key, value),
    ),
  });
}

function attributeOf(name: string, value: unknown): Attribute {
  if (typeof value === 'number') return makeAttribute(name, { kind: 'int', value });
  if (typeof value === 'string') return makeAttribute(name, { kind: 'string', value });
  if (isNumbers(value)) return makeAttribute(name, { kind: 'ints', value });
  const [kind, content] = Object.entries(value ?? {})[0] ?? [];
  if (kind === 'graph')
    return makeAttribute(name, { kind, value: graphOf(String(content).replaceAll(';', '\n')) });
  if (kind === 'tensor') return makeAttribute(name, { kind, value: tensorOf(String(content)) });
  if (kind === 'float' && isNumbers(content)) return makeAttribute(name, { kind: 'floats', value: content });
  if (kind === 'float') return makeAttribute(name, { kind, value: Number(content) });
  throw new Error(`no attribute: ${name}`);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number');
}

/** The main graph as text: each node a line with the types of what it writes; constants with their type and values. */
export function listing(model: Model, typeOfName: (name: string) => DataType | undefined): string[] {
  const written = (name: string): string => {
    const type = typeOfName(name);
    const known = Object.entries(TYPES).find(([, candidate]) => candidate === type)?.[0];
    return `${name}:${known ?? '?'}`;
  };
  return model.graph.nodes.map(
    (node) => `${node.outputs.map(written).join(', ')} = ${node.opType}(${node.inputs.join(', ')})`,
  );
}

/** Lines without their indentation, for comparison with a listing. */
export function lines(text: string): string[] {
  const found = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  expect(found.length).toBeGreaterThan(0);
  return found;
}
