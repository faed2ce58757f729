/**
 * A model in the textual syntax of the standard (docs/Syntax.md of onnx/onnx), for people to read: `{...}` stands for the
 * values of constants, which are never read, and a comment behind each node of the main graph says what it gives. Every
 * node begins a line of its own.
 */
import type {
  Attribute,
  Dimension,
  Graph,
  LocalFunction,
  Model,
  Node,
  Tensor,
  ValueInfo,
  ValueType,
} from './model.js';
import { dataTypeName } from './schemas.js';
import { inferShapes } from './shape-inference/infer-shapes.js';
import { inferTypes } from './type-inference.js';

export interface ModelText {
  readonly lines: readonly string[];
  /** The line, from 0, on which each node begins: of the main graph, of sub-graphs and of functions. */
  readonly nodeLines: ReadonlyMap<Node, number>;
}

const ELIDED = '{...}';
const INDENT = '  ';

/** What is written so far. */
interface Text extends ModelText {
  readonly lines: string[];
  readonly nodeLines: Map<Node, number>;
}

/** What to write behind a node; undefined for nothing. */
type Remark = (node: Node) => string | undefined;

/** The whole text. */
export function modelText(model: Model): ModelText {
  return textOf(model, outputRemarks(model));
}

/** The lines on which nodes begin in `modelText`, without the types and shapes that it has to infer for its comments. */
export function nodeLines(model: Model): ModelText['nodeLines'] {
  return textOf(model, () => undefined).nodeLines;
}

function textOf(model: Model, remark: Remark): ModelText {
  const lines = ['<', ...separated(headOf(model)).map((line) => INDENT + line), '>'];
  const text: Text = { lines, nodeLines: new Map() };
  appendGraph(text, model.graph, '', remark);
  for (const one of model.functions) appendFunction(text, one);
  return text;
}

function headOf({ irVersion, opsets, producer }: Model): string[] {
  return [
    `ir_version: ${irVersion}`,
    `opset_import: ${opsetsText(opsets)}`,
    ...(producer === '' ? [] : [`producer_name: ${quoted(producer)}`]),
  ];
}

function opsetsText(opsets: ReadonlyMap<string, number>): string {
  return `[${[...opsets].map(([domain, version]) => `${quoted(domain)} : ${version}`).join(', ')}]`;
}

/** A comma behind all but the last. */
function separated(items: readonly string[]): string[] {
  return items.map((item, at) => (at === items.length - 1 ? item : `${item},`));
}

function outputRemarks(model: Model): Remark {
  const { types } = inferTypes(model);
  const shapes = inferShapes(model);
  return ({ outputs }) => {
    const known = outputs.filter((name) => name !== '');
    const written = known.map((name) => {
      const type = types.get(name);
      const shape = shapes.get(name);
      if (type === undefined) return '?';
      return typeText(type.kind === 'tensor' && shape !== undefined ? { ...type, shape } : type);
    });
    return written.length === 0 ? undefined : written.join(', ');
  };
}

/** Appends a graph; `continued` stands before its name. */
function appendGraph(text: Text, graph: Graph, indent: string, remark?: Remark, continued = ''): void {
  const { lines } = text;
  const inputs = graph.inputs.map(valueText).join(', ');
  const outputs = graph.outputs.map(valueText).join(', ');
  lines.push(`${indent}${continued}${identifier(graph.name)} (${inputs}) => (${outputs})`);
  const constants = [
    ...graph.initializers.map(initializerText),
    ...graph.sparseInitializers.map((name) => `sparse_tensor ${identifier(name)} = ${ELIDED}`),
    ...graph.valueInfo.map(valueText),
  ];
  if (constants.length > 0) {
    lines.push(`${indent}<`, ...separated(constants).map((line) => indent + INDENT + line), `${indent}>`);
  }
  appendNodes(text, graph.nodes, indent, remark);
}

function appendNodes(text: Text, nodes: readonly Node[], indent: string, remark?: Remark): void {
  text.lines.push(`${indent}{`);
  for (const node of nodes) {
    text.nodeLines.set(node, text.lines.length);
    appendNode(text, node, indent + INDENT, remark?.(node));
  }
  text.lines.push(`${indent}}`);
}

function appendNode(text: Text, node: Node, indent: string, remark: string | undefined): void {
  const { lines } = text;
  const { name, opType, domain, overload, inputs, outputs, attributes } = node;
  const label = name === '' ? '' : `[${identifier(name)}] `;
  const operator = `${domain === '' ? '' : `${oneLine(domain)}.`}${oneLine(opType)}${overload === '' ? '' : `:${oneLine(overload)}`}`;
  const plain = attributes.filter(({ kind }) => kind !== 'graph' && kind !== 'graphs').map(attributeText);
  const graphs = attributes.flatMap(graphsOf);
  const options = plain.length === 0 || graphs.length > 0 ? '' : ` <${plain.join(', ')}>`;
  const comment = remark === undefined ? '' : `  # ${remark}`;
  const start = `${indent}${label}${outputs.map(identifier).join(', ')} = ${operator}${options} (${inputs.map(identifier).join(', ')})`;
  if (graphs.length === 0) {
    lines.push(start + comment);
    return;
  }
  // There is one list of attributes, before the inputs or behind them, where graphs are better to read.
  lines.push(`${start} <${comment}`, ...plain.map((one) => `${indent + INDENT}${one},`));
  for (const [at, { title, graph, end }] of graphs.entries()) {
    appendGraph(text, graph, indent + INDENT, undefined, title);
    lines.push(`${lines.pop() ?? ''}${end}${at === graphs.length - 1 ? '' : ','}`);
  }
  lines.push(`${indent}>`);
}

/** The graphs that an attribute holds, with what stands before and behind each. */
function graphsOf(attribute: Attribute): { title: string; graph: Graph; end: string }[] {
  if (attribute.kind === 'graph') {
    return [{ title: `${identifier(attribute.name)}: graph = `, graph: attribute.value, end: '' }];
  }
  if (attribute.kind !== 'graphs') return [];
  const last = attribute.value.length - 1;
  return attribute.value.map((graph, at) => ({
    title: at === 0 ? `${identifier(attribute.name)}: graphs = [` : '',
    graph,
    end: at === last ? ']' : '',
  }));
}

function appendFunction(text: Text, one: LocalFunction): void {
  const { name, domain, overload, inputs, outputs, attributes, nodes, opsets } = one;
  const head = [
    `opset_import: ${opsetsText(opsets)}`,
    `domain: ${quoted(domain)}`,
    ...(overload === '' ? [] : [`overload: ${quoted(overload)}`]),
  ];
  const parameters = [...attributes.map(identifier), ...(one.attributeDefaults ?? []).map(attributeText)];
  const options = parameters.length === 0 ? '' : ` <${parameters.join(', ')}>`;
  text.lines.push('<', ...separated(head).map((line) => INDENT + line), '>');
  text.lines.push(
    `${identifier(name)}${options} (${inputs.map(identifier).join(', ')}) => (${outputs.map(identifier).join(', ')})`,
  );
  appendNodes(text, nodes, '');
}

function attributeText(attribute: Attribute): string {
  const name = identifier(attribute.name);
  switch (attribute.kind) {
    case 'int':
      return `${name}: int = ${attribute.value}`;
    case 'float':
      return `${name}: float = ${floatText(attribute.value)}`;
    case 'string':
      return `${name}: string = ${quoted(attribute.value)}`;
    case 'ints':
      return `${name}: ints = [${attribute.value.join(', ')}]`;
    case 'floats':
      return `${name}: floats = [${attribute.value.map(floatText).join(', ')}]`;
    case 'strings':
      return `${name}: strings = [${attribute.value.map(quoted).join(', ')}]`;
    case 'tensor':
      return `${name}: tensor = ${tensorText(attribute.value)} ${ELIDED}`;
    case 'reference':
      return `${name} = @${identifier(attribute.value)}`;
    case 'graph':
    case 'graphs':
    case 'other':
      return `${name} = ${ELIDED}`;
  }
}

/** The shortest decimal that is the same FP32 number, and that no parser takes for an integer. */
function floatText(value: number): string {
  const text = shortestText(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function shortestText(value: number): string {
  if (!Number.isFinite(value)) return String(value).toLowerCase().replace('infinity', 'inf');
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

function initializerText(tensor: Tensor): string {
  const { data } = tensor;
  if (data.kind !== 'external') return `${tensorText(tensor)} = ${ELIDED}`;
  const length = data.length === undefined ? '' : `, "length": "${data.length}"`;
  return `${tensorText(tensor)} = ["location": ${quoted(data.location)}, "offset": "${data.offset}"${length}]`;
}

function tensorText({ name, dataType, dims }: Tensor): string {
  const type = dataTypeName(dataType) + (dims.length === 0 ? '' : `[${dims.join(', ')}]`);
  return name === '' ? type : `${type} ${identifier(name)}`;
}

function valueText({ name, type }: ValueInfo): string {
  return `${type === undefined ? '?' : typeText(type)} ${identifier(name)}`;
}

/** `float[N, 3]`; a scalar without brackets, an unknown rank with empty ones. */
function typeText(type: ValueType): string {
  switch (type.kind) {
    case 'tensor':
      return dataTypeName(type.elementType) + dimensionsText(type.shape);
    case 'sparse':
      return `sparse_tensor(${dataTypeName(type.elementType)}${dimensionsText(type.shape)})`;
    case 'sequence':
      return `seq(${typeText(type.element)})`;
    case 'optional':
      return `optional(${typeText(type.element)})`;
    case 'map':
    case 'opaque':
      return `${type.kind}(...)`;
  }
}

function dimensionsText(shape: readonly Dimension[] | undefined): string {
  if (shape === undefined) return '[]';
  if (shape.length === 0) return '';
  const sizes = shape.map((size) => (typeof size === 'string' ? identifier(size) : (size ?? '?')));
  return `[${sizes.join(', ')}]`;
}

function identifier(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `"${oneLine(text).replace(/["\\]/g, '\\$&')}"`;
}

/** Names that a file holds may hold line breaks, and each node has its line. */
function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ');
}
