/**
 * Models and plans for this room's tests, written as text. Models pass through the real writer and reader. Used by
 * tests only.
 */
import { applyEdits, parse, type Diagnostic, type SyntaxTree, type TextEdit } from '../../language/index.js';
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
  type Dimension,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../../onnx/index.js';
import { bindPlan } from '../binding/bind.js';
import type { FoundTarget, PlanFiles, TracedPlan, UnboundPlan } from '../types.js';

const TYPES: Readonly<Record<string, DataType | undefined>> = {
  float: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  string: DataType.STRING,
};

/**
 * A model of lines such as `input x float 1 3 8 8`, `output y float`, `weight w 4 3 1 1`, `ints shape 1 -1`, `opset 17`
 * and `Conv "stem/conv" x w -> a` (`""` for a node without a name, `com.x.Op` for another domain, `axis=1` for an
 * integer attribute, `equation=ij->ji` for a text). A dimension is a number, a symbol or `?`.
 */
export function makeModel(text: string, changes: (graph: Graph) => Graph = (graph) => graph): Model {
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const initializers: Tensor[] = [];
  const nodes: Node[] = [];
  const opsets = new Map([['', 17]]);
  for (const line of text.split('\n')) {
    const [keyword, name = '', ...rest] = tokensOf(line);
    if (keyword === undefined) {
      continue;
    }
    switch (keyword) {
      case 'opset':
        opsets.set('', Number(name));
        break;
      case 'input':
        inputs.push(valueInfo(name, rest));
        break;
      case 'output':
        outputs.push(valueInfo(name, rest));
        break;
      case 'weight': {
        const dims = rest.map(Number);
        const count = dims.reduce((product, size) => product * size, 1);
        initializers.push(
          makeTensor(name, DataType.FLOAT, dims, new Uint8Array(new Float32Array(count).fill(0.5).buffer)),
        );
        break;
      }
      case 'ints': {
        const values = BigInt64Array.from(rest, BigInt);
        initializers.push(makeTensor(name, DataType.INT64, [rest.length], new Uint8Array(values.buffer)));
        break;
      }
      default:
        nodes.push(readNode(keyword, name, rest, opsets));
    }
  }
  const graph = changes(makeGraph({ name: 'test', nodes, inputs, outputs, initializers }));
  return reread(encodeBytes(encodeFresh({ irVersion: 8, opsets, graph })));
}

function reread(bytes: Uint8Array): Model {
  const result = readModel(bufferSource(bytes));
  if ('problem' in result) {
    throw new Error(result.problem.message);
  }
  return result.model;
}

function tokensOf(line: string): string[] {
  return (line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((token) =>
    token.startsWith('"') ? String(JSON.parse(token)) : token,
  );
}

function valueInfo(name: string, [type = 'float', ...dims]: readonly string[]): ValueInfo {
  const shape = dims.map((dim): Dimension =>
    dim === '?' ? undefined : /^\d+$/.test(dim) ? Number(dim) : dim,
  );
  return makeValueInfo(
    name,
    makeTensorType(TYPES[type] ?? DataType.FLOAT, dims.length === 0 ? undefined : shape),
  );
}

function readNode(
  operator: string,
  name: string,
  rest: readonly string[],
  opsets: Map<string, number>,
): Node {
  const dot = operator.lastIndexOf('.');
  const domain = operator.slice(0, Math.max(dot, 0));
  if (domain !== '') {
    opsets.set(domain, 1);
  }
  const arrow = rest.indexOf('->');
  const attributes: Attribute[] = [];
  const outputs: string[] = [];
  for (const token of rest.slice(arrow + 1)) {
    const [, attribute, value] = /^(\w+)=(.+)$/.exec(token) ?? [];
    if (attribute !== undefined && value !== undefined) {
      const isInteger = /^-?\d+$/.test(value);
      attributes.push(
        makeAttribute(
          attribute,
          isInteger ? { kind: 'int', value: Number(value) } : { kind: 'string', value },
        ),
      );
    } else {
      outputs.push(token);
    }
  }
  return makeNode({
    opType: operator.slice(dot + 1),
    domain,
    name,
    inputs: rest.slice(0, arrow),
    outputs,
    attributes,
  });
}

/** A small network with every kind of node that plans meet. */
export const NETWORK = `
  input x float 1 3 8 8
  input ids int64 batch 4
  weight w1 4 3 1 1
  weight w2 4 4 1 1
  weight w3 256 5
  weight scale 4
  ints flat 1 256
  Conv "stem/conv" x w1 -> a
  Relu "stem/relu" a -> b
  Conv "block1/conv" b w2 -> c
  Add "block1/add" b c -> d
  Celu "block1/celu" d -> e
  Reshape "flatten" e flat -> f
  MatMul "head/matmul" f w3 -> g
  Softmax "head/softmax" g -> probabilities
  ArgMax "head/argmax" g -> label axis=1
  Mul "half" scale scale -> scaled
  Sigmoid "" e -> unnamed_out
  com.example.Magic "magic" unnamed_out -> magic_out
  Shape "shape" ids -> dims
  output probabilities float 1 5
  output label int64
  output magic_out float
`;

export interface PlanWorld {
  readonly model?: Model | string;
  /** By path relative to the plan. */
  readonly files?: Readonly<Record<string, string>>;
  /** The names of the targets that this machine has; left out where that is not known. */
  readonly targets?: readonly string[];
}

/** What is found of targets on a machine that has some of them. */
export function machineWith(...targets: readonly string[]): Pick<Required<PlanFiles>, 'findTarget'> {
  const found = (name: string): FoundTarget => {
    const usable = targets.includes(name);
    return {
      usable,
      summary: usable ? `It runs on ${name}.` : `There is no ${name} here.`,
      advice: usable ? undefined : `Get ${name}.`,
      sums: new Map(),
    };
  };
  return { findTarget: ({ name }) => found(name) };
}

const FOLDER = '/plans/';

export function worldFiles({ model = NETWORK, files = {}, targets }: PlanWorld): PlanFiles {
  const made = typeof model === 'string' ? makeModel(model) : model;
  return {
    readText: (path) => files[path.slice(FOLDER.length)],
    openModel: (path) =>
      path === `${FOLDER}m.onnx`
        ? { model: made }
        : { problem: { code: 'model-not-found', message: 'no such file', offset: undefined } },
    ...(targets ? machineWith(...targets) : {}),
  };
}

export interface BoundText {
  readonly text: string;
  readonly tree: SyntaxTree;
  readonly plan: TracedPlan;
}

/** Binds a plan that names the model. */
export function bindText(text: string, files: PlanFiles): BoundText {
  const tree = parse(text);
  const plan = bindPlan({ path: `${FOLDER}p.precision`, tree, files });
  if (!plan.model) {
    throw new Error('the plan names no model that opens');
  }
  return { text, tree, plan };
}

export function bindAny(text: string, files: PlanFiles): TracedPlan | UnboundPlan {
  return bindPlan({ path: `${FOLDER}p.precision`, tree: parse(text), files });
}

/** The plan after edits. */
export function edited({ text }: BoundText, edits: readonly TextEdit[], files: PlanFiles): BoundText {
  return bindText(applyEdits(text, edits), files);
}

/**
 * Parts a fixture into the plan's text and what is marked in it: `^^^^ code` under a piece of the line above, with a
 * part of the message behind it if it matters: `^^^^ code: did you mean`.
 */
export function readMarks(fixture: string): { readonly text: string; readonly marks: readonly Mark[] } {
  const lines: string[] = [];
  const marks: Mark[] = [];
  let offset = 0;
  let start = 0;
  for (const line of fixture.replace(/^\n/, '').split('\n')) {
    const mark = /^( *)(\^+) ([a-z-]+)(?:: (.*))?$/.exec(line);
    if (mark) {
      const from = start + (mark[1]?.length ?? 0);
      const end = from + (mark[2]?.length ?? 0);
      marks.push({ start: from, end, code: mark[3] ?? '', message: mark[4] });
    } else {
      lines.push(line);
      start = offset;
      offset += line.length + 1;
    }
  }
  return { text: lines.join('\n'), marks };
}

export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly code: string;
  readonly message: string | undefined;
}

/** Diagnostics in the form in which fixtures mark them, to be compared as text. */
export function describeDiagnostics(text: string, diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.map(({ range, code }) => describeMark(text, range.start, range.end, code)).sort();
}

export function describeMark(text: string, start: number, end: number, code: string): string {
  const line = text.slice(0, start).split('\n').length;
  return `${String(line).padStart(3)} ${code} «${text.slice(start, end)}»`;
}
