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
 * {"strings": ["a"]} strings, {"tensor": "float[1] = 2"} a tensor and {"graph": "..."} a graph in this notation, or one that stands before as a block:
 *
 *     graph then
 *       t = Neg(y)
 *       output t: float[2,4]
 *     end
 *     r = If(c) {"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}
 *
 * `function local.Twice(a) -> b` ... `end` is a function of the model, and {"of": "alpha"} an attribute of its caller's.
 */
import { expect } from 'vitest';
import {
  bufferSource,
  DataType,
  encodeBytes,
  encodeFresh,
  inferTypes,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  readModel,
  subgraphsOf,
  type Attribute,
  type Graph,
  type LocalFunction,
  type Model,
  type Node,
  type Tensor,
  type ValueInfo,
  type ValueType,
} from '../../server/src/onnx/index.js';

export interface ModelText {
  readonly opset?: number;
  readonly irVersion?: number;
  /** Versions of other domains. */
  readonly domains?: Readonly<Record<string, number>>;
}

/** The model of a text, read back from its bytes as a file would be. */
export function modelOf(text: string, { opset = 17, irVersion = 8, domains = {} }: ModelText = {}): Model {
  const opsets = new Map([['', opset], ...Object.entries(domains)]);
  const { graph, functions } = read(text, opset);
  for (const { domain } of [...functions, ...graph.nodes]) if (domain !== '') opsets.set(domain, 1);
  return modelOfBytes(encodeBytes(encodeFresh({ irVersion, opsets, graph, functions })));
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
  int32: DataType.INT32,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

export function graphOf(text: string): Graph {
  return read(text, 17).graph;
}

/** Graphs and functions that stand before what is read. */
interface Blocks {
  readonly graphs: Map<string, Graph>;
  readonly functions: LocalFunction[];
  readonly opset: number;
}

function read(text: string, opset: number): { graph: Graph; functions: readonly LocalFunction[] } {
  const blocks: Blocks = { graphs: new Map(), functions: [], opset };
  const all = text.split('\n').map((one) => one.trim());
  return { graph: readGraph(all, blocks), functions: blocks.functions };
}

/** Takes lines up to `end`, or all. */
function readGraph(rest: string[], blocks: Blocks): Graph {
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfo: ValueInfo[] = [];
  for (let line = rest.shift(); line !== undefined && line !== 'end'; line = rest.shift()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, keyword = '', written = ''] = /^(input|output|value|init|graph|function) (.*)$/.exec(line) ?? [];
    if (keyword === 'input') inputs.push(valueOf(written));
    else if (keyword === 'output') outputs.push(valueOf(written));
    else if (keyword === 'value') valueInfo.push(valueOf(written));
    else if (keyword === 'init') initializers.push(tensorOf(written));
    else if (keyword === 'graph') blocks.graphs.set(written, readGraph(rest, blocks));
    else if (keyword === 'function') blocks.functions.push(readFunction(written, rest, blocks));
    else nodes.push(nodeOf(line, blocks));
  }
  return makeGraph({ name: 'test', nodes, inputs, outputs, initializers, valueInfo });
}

/** `local.Twice(a, b) -> c, d` and, in square brackets behind it, the attributes. */
function readFunction(head: string, rest: string[], blocks: Blocks): LocalFunction {
  const match = /^(\w+)\.(\w+)\(([^)]*)\) -> ([^[]*)(?:\[(.*)\])?$/.exec(head);
  if (match === null) throw new Error(`no function: ${head}`);
  const [, domain = '', name = '', inputs = '', outputs = '', attributes = ''] = match;
  const opsets = new Map([
    ['', blocks.opset],
    [domain, 1],
  ]);
  return {
    ...{ name, domain, overload: '', opsets, message: undefined },
    inputs: namesIn(inputs),
    outputs: namesIn(outputs),
    attributes: namesIn(attributes),
    nodes: readGraph(rest, blocks).nodes,
  };
}

function namesIn(list: string): string[] {
  return list.trim() === '' ? [] : list.split(',').map((one) => one.trim());
}

/** Lengths are numbers or, of what a model is given or gives, names. */
function typeOf(text: string): { type: DataType; dims: readonly (number | string)[] | undefined } {
  const [, name = '', , dims] = /^(\w+)(\[([\w,]*)\])?$/.exec(text.trim()) ?? [];
  const type = TYPES[name];
  if (type === undefined) throw new Error(`no type: ${text}`);
  const lengths = dims?.split(',').filter(Boolean);
  return { type, dims: lengths?.map((length) => (/^\d+$/.test(length) ? Number(length) : length)) };
}

function valueOf(text: string): ValueInfo {
  const [name = '', written = ''] = text.split(': ');
  const { type, dims } = typeOf(written);
  return makeValueInfo(name, makeTensorType(type, dims));
}

export function tensorOf(text: string): Tensor {
  const [head = '', values = '0'] = text.split(' = ');
  const [name = '', written = ''] = head.includes(': ') ? head.split(': ') : ['', head];
  const { type, dims: lengths = [] } = typeOf(written);
  const dims = lengths.map(Number);
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
    case DataType.INT32:
      return new Uint8Array(Int32Array.from(values).buffer);
    case DataType.BOOL:
    case DataType.UINT8:
      return Uint8Array.from(values);
    default:
      // The codes themselves.
      return new Uint8Array(Uint16Array.from(values).buffer);
  }
}

function nodeOf(line: string, blocks: Blocks): Node {
  const match = /^(?:"([^"]*)": )?([^=]*?) = (?:([\w.]+)\.)?(\w+)\(([^)]*)\)(?: (\{.*\}))?$/.exec(line);
  if (match === null) throw new Error(`no node: ${line}`);
  const [, name = '', outputs = '', domain = '', opType = '', inputs = '', attributes = '{}'] = match;
  return makeNode({
    name,
    domain,
    opType,
    inputs: namesIn(inputs),
    outputs: namesIn(outputs),
    attributes: Object.entries(JSON.parse(attributes) as object).map(([key, value]) =>
      attributeOf(key, value, blocks),
    ),
  });
}

function attributeOf(name: string, value: unknown, blocks: Blocks): Attribute {
  if (typeof value === 'number') return makeAttribute(name, { kind: 'int', value });
  if (typeof value === 'string') return makeAttribute(name, { kind: 'string', value });
  if (isNumbers(value)) return makeAttribute(name, { kind: 'ints', value });
  const [kind, content] = Object.entries(value ?? {})[0] ?? [];
  if (kind === 'graph') {
    const inline = String(content)
      .split(';')
      .map((one) => one.trim());
    const graph = blocks.graphs.get(String(content)) ?? readGraph(inline, blocks);
    return makeAttribute(name, { kind, value: graph });
  }
  if (kind === 'of') return makeAttribute(name, { kind: 'reference', value: String(content) });
  if (kind === 'tensor') return makeAttribute(name, { kind, value: tensorOf(String(content)) });
  if (kind === 'float' && isNumbers(content)) return makeAttribute(name, { kind: 'floats', value: content });
  if (kind === 'float') return makeAttribute(name, { kind, value: Number(content) });
  if (kind === 'strings' && Array.isArray(content)) {
    return makeAttribute(name, { kind, value: content.map(String) });
  }
  throw new Error(`no attribute: ${name}`);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number');
}

/** The nodes as text, each a line with the types of what it writes; those of sub-graphs behind the node that holds them. */
export function listing(model: Model): string[] {
  const { types, scopes } = inferTypes(model);
  const written = (name: string, known: ReadonlyMap<string, ValueType>): string => {
    const type = known.get(name);
    const element = type?.kind === 'tensor' ? type.elementType : undefined;
    return `${name}:${Object.entries(TYPES).find(([, one]) => one === element)?.[0] ?? '?'}`;
  };
  const linesOf = (node: Node, known: ReadonlyMap<string, ValueType>): string[] => [
    `${node.outputs.map((name) => written(name, known)).join(', ')} = ${node.opType}(${node.inputs.join(', ')})`,
    ...subgraphsOf(node).flatMap(({ graph }) =>
      graph.nodes.flatMap((inner) => linesOf(inner, scopes.get(graph) ?? new Map<string, ValueType>())),
    ),
  ];
  return model.graph.nodes.flatMap((node) => linesOf(node, types));
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
